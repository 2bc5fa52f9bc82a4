"""GAN: Goodfellow's perceptrons on scikit-learn's 8x8 digits, in a minute on two CPU cores.

jaxgan train gan_digits
"""

from jaxgan import Experiment
from jaxgan.data import Digits
from jaxgan.systems.gan import GAN


def get_config() -> Experiment:
    return Experiment(
        system=GAN(latent_dim=32, generator_hidden=256, discriminator_hidden=120),
        data=Digits(),
        batch_size=96,
        steps=5000,
        log_every=100,
        sample_every=500,
        checkpoint_every=500,
    )
