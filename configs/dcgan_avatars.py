"""DCGAN on 64x64 avatars: the paper's recipe with the least change that makes it train, for two CPU cores.

jaxgan train dcgan_avatars
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.systems.dcgan import DCGAN


def get_config() -> Experiment:
    return Experiment(
        system=DCGAN(
            width=32,
            kernel=4,
            discriminator_norm="none",
            r1=5.0,
            beta1=0.0,
            learning_rate=5e-4,
            ema=0.995,
        ),
        data=Avatars(size=64),
        batch_size=32,
        steps=2500,
        log_every=20,
        sample_every=250,
        checkpoint_every=20,
    )
