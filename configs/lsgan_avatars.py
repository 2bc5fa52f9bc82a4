"""LSGAN on 32x32 avatars, for two CPU cores.

    jaxgan train lsgan_avatars

1,700 steps took three minutes on two CPU cores, and show varied faces with specks of colour around them, which the penalties
of the other objectives keep away: the table in tests/benchmarks/README.md compares them on these networks.
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.networks import Convolutional
from jaxgan.systems.lsgan import LSGAN


def get_config() -> Experiment:
    return Experiment(
        system=LSGAN(
            networks=Convolutional(latent="normal", width=32, kernel=4, discriminator_norm="none"),
            learning_rate=1e-3,
            beta1=0.0,
            beta2=0.99,
            ema=0.99,
        ),
        data=Avatars(size=32),
        batch_size=64,
        steps=1700,
    )
