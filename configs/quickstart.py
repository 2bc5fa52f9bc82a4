"""The first run: DCGAN-shaped networks on 32x32 avatars, in a few minutes on two CPU cores.

jaxgan train configs/quickstart.py
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.systems.dcgan import DCGAN


def get_config() -> Experiment:
    return Experiment(
        system=DCGAN(
            width=32,
            kernel=4,
            latent="normal",
            discriminator_norm="none",
            r1=5.0,
            learning_rate=1e-3,
            beta1=0.0,
            beta2=0.99,
            ema=0.995,
        ),
        data=Avatars(size=32),
        batch_size=64,
        steps=1000,
    )
