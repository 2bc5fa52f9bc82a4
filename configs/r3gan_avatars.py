"""R3GAN on 32x32 avatars, for two CPU cores.

jaxgan train r3gan_avatars
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.networks import R3
from jaxgan.systems.r3gan import R3GAN


def get_config() -> Experiment:
    return Experiment(
        system=R3GAN(
            networks=R3(width=64, channel_base=512, blocks=1),
            r1=1.0,
            r2=1.0,
            learning_rate=2e-3,
            final_learning_rate=5e-4,
            final_beta2=0.99,
            anneal=4000,
            ema=0.99,
        ),
        data=Avatars(size=32),
        batch_size=16,
        steps=4000,
        log_every=20,
        sample_every=250,
        checkpoint_every=100,
    )
