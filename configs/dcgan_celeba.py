"""DCGAN: the paper's settings (Radford et al. 2015, section 4) on CelebA, 64x64.

    jaxgan train dcgan_celeba

The paper's faces were scraped and never published; CelebA is what its readers use. Read through TFDS in the array_record
format: `tfds build celeb_a --file_format=array_record`, once, where TensorFlow is installed.
"""

from jaxgan import Experiment
from jaxgan.data import TFDS
from jaxgan.systems.dcgan import DCGAN


def get_config() -> Experiment:
    return Experiment(
        system=DCGAN(),
        # 178x218 pictures: the centre crop keeps the face.
        data=TFDS(name="celeb_a", label_key="attributes", size=64),
        batch_size=128,
        steps=25 * 162_770 // 128,  # 25 epochs
        log_every=100,
        sample_every=1000,
        checkpoint_every=1000,
    )
