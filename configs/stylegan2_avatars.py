"""StyleGAN2 on 32x32 avatars, for two CPU cores.

    jaxgan train stylegan2_avatars

As ADA's code has it for 32x32, without path length and style mixing. The rate is four times its, since 64,000 pictures are
few: by as many steps, 0.0025 draws blurs, and 0.02 nothing.
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.systems.stylegan2 import StyleGAN2


def get_config() -> Experiment:
    return Experiment(
        system=StyleGAN2(
            latent_dim=128,
            style_dim=128,
            mapping_layers=2,
            width=128,
            channel_base=1024,
            r1=1.0,
            path_length=0.0,
            style_mixing=0.0,
            ema_rampup=0.05,
            learning_rate=0.01,
        ),
        data=Avatars(size=32),
        batch_size=16,
        steps=4000,
        log_every=20,
        sample_every=500,
        checkpoint_every=100,
    )
