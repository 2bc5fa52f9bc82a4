"""WGAN with clipped weights on 32x32 avatars, for two CPU cores: the paper's recipe, with a higher rate.

    jaxgan train wgan_avatars

520 steps took three minutes on two CPU cores, with five critic moves in each: blurred heads and shoulders, no faces yet. The
clipped critic is slow, which is what WGAN-GP was made for (wgan_gp_avatars). The paper's 100 critic moves in each of the first
25 steps are left out: alone they would take two minutes here.
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.networks import Convolutional
from jaxgan.systems.wgan import WGAN
from jaxgan.training.system import Schedule


def get_config() -> Experiment:
    return Experiment(
        system=WGAN(
            networks=Convolutional(latent="normal", width=32, kernel=4, discriminator_norm="batch"),
            learning_rate=5e-4,
            eager_moves=5,
            ema=0.995,
            schedule=Schedule(hold=2000, decay=1000),
        ),
        data=Avatars(size=32),
        batch_size=64,
        steps=3000,
    )
