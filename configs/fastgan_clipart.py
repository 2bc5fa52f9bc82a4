"""FastGAN on the plants of the Open Clip Art Library, 64x64, for two CPU cores.

    jaxgan train fastgan_clipart

Some 90 drawings (Debian's openclipart-png). Not trained yet, but in the tests.
"""

from jaxgan import Experiment
from jaxgan.data import Clipart
from jaxgan.systems.fastgan import FastGAN


def get_config() -> Experiment:
    return Experiment(
        system=FastGAN(latent_dim=64, width=16, discriminator_width=16),
        data=Clipart(topics=("plants",), size=64),
        batch_size=8,
        steps=5000,
        log_every=20,
        sample_every=500,
        checkpoint_every=100,
    )
