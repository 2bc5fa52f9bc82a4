"""WGAN-GP on 32x32 avatars, on networks of DCGAN's kind, for two CPU cores.

    jaxgan train wgan_gp_avatars

455 steps took three minutes on two CPU cores, with five critic moves in each: faces with glasses and coloured hair, still
soft, since the generator has made a quarter of the steps that other objectives make in the time.
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.networks import Convolutional
from jaxgan.systems.wgan_gp import WGANGP


def get_config() -> Experiment:
    return Experiment(
        system=WGANGP(
            networks=Convolutional(latent="normal", width=32, kernel=4, discriminator_norm="none"),
            learning_rate=1e-3,
            beta2=0.99,
            ema=0.99,
        ),
        data=Avatars(size=32),
        batch_size=64,
        steps=455,
    )
