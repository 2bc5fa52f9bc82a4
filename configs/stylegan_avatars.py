"""StyleGAN, the one of 2018, on 32x32 avatars, for two CPU cores.

    jaxgan train stylegan_avatars

Not trained yet. The rate is the paper's, for millions of pictures: `stylegan2_avatars` needed five times that of its paper.
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.systems.stylegan import StyleGAN


def get_config() -> Experiment:
    return Experiment(
        system=StyleGAN(
            latent_dim=128,
            style_dim=128,
            mapping_layers=4,
            width=128,
            channel_base=1024,
            r1=1.0,
            ema_rampup=0.05,
        ),
        data=Avatars(size=32),
        batch_size=32,
        steps=1500,
        log_every=20,
        sample_every=100,
        checkpoint_every=100,
    )
