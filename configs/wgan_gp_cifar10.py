"""WGAN-GP with the paper's residual networks on CIFAR-10 (Gulrajani et al. 2017, appendix F), for a GPU or a TPU.

    jaxgan train wgan_gp_cifar10

128 channels in both networks, no norm in the critic, the rate falling from 2e-4 to 0 over 100,000 steps. Not trained here: it
needs a network to download the pictures, and days on two CPU cores. The paper's generator sees twice the critic's batch of 64;
here both see 64.
"""

from jaxgan import Experiment
from jaxgan.data import TFDS
from jaxgan.networks import Residual
from jaxgan.systems.wgan_gp import WGANGP
from jaxgan.training.system import Schedule


def get_config() -> Experiment:
    return Experiment(
        system=WGANGP(
            networks=Residual(generator_width=128, discriminator_width=128, spectral_norm=False, pool="mean"),
            learning_rate=2e-4,
            schedule=Schedule(decay=100_000),
        ),
        data=TFDS(name="cifar10", size=32, flip=True),
        batch_size=64,
        steps=100_000,
        log_every=100,
        sample_every=1000,
        checkpoint_every=1000,
    )
