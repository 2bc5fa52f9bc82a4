"""GAN: the paper's MNIST experiment (Goodfellow et al. 2014, section 5), with its widths.

    jaxgan train gan_mnist

Reads MNIST through TFDS in the array_record format: prepared here where the download works without TensorFlow, otherwise
once by `tfds build mnist --file_format=array_record` where TensorFlow is installed. The paper's batch of 100 cannot be
divided over 8 devices: there give --batch-size 104.
"""

from jaxgan import Experiment
from jaxgan.data import TFDS
from jaxgan.systems.gan import GAN


def get_config() -> Experiment:
    return Experiment(
        system=GAN(),
        data=TFDS(name="mnist", size=28, channels=1),
        batch_size=100,
        steps=60_000,  # 100 epochs
        log_every=200,
        sample_every=3000,
        checkpoint_every=3000,
    )
