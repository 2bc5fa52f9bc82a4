"""StyleGAN2 on 32x32 avatars, for two CPU cores.

jaxgan train stylegan2_avatars
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
            ema_rampup=0.05,
            learning_rate=2.5e-3,
        ),
        data=Avatars(size=32),
        batch_size=32,
        steps=4000,
        log_every=20,
        sample_every=200,
        checkpoint_every=100,
    )
