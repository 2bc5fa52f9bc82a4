"""The first run: DCGAN-shaped networks on 32x32 avatars, in a few minutes on two CPU cores.

    jaxgan train configs/quickstart.py

1,000 steps took 2 min 24 s on two CPU cores, compilation included, and show varied faces with glasses and coloured hair.
BatchNorm in the discriminator, as in the paper, collapsed to one face in trials beforehand; what trains is R1 on real
pictures, no norm in the discriminator, and Adam without its first momentum.
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.networks import Convolutional
from jaxgan.systems.dcgan import DCGAN


def get_config() -> Experiment:
    return Experiment(
        system=DCGAN(
            networks=Convolutional(latent="normal", width=32, kernel=4, discriminator_norm="none"),
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
