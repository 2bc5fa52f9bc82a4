"""FastGAN on 500 avatars, 32x32, for two CPU cores.

    jaxgan train fastgan_avatars

2,527 steps took 30 minutes on one core beside other trainings, of pictures that were mirrored, too, and draw heads with hair,
beards and glasses (tests/benchmarks/README.md, few drawings).
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.systems.fastgan import FastGAN


def get_config() -> Experiment:
    return Experiment(
        system=FastGAN(latent_dim=64, width=16, discriminator_width=16),
        data=Avatars(size=32, count=500),
        batch_size=8,
        steps=2500,
        log_every=20,
        sample_every=500,
        checkpoint_every=100,
    )
