"""CGAN: the conditional perceptrons on scikit-learn's 8x8 digits, in a minute on two CPU cores.

jaxgan train cgan_digits
jaxgan sample runs/cgan_digits --label 7
"""

from jaxgan import Experiment
from jaxgan.data import Digits
from jaxgan.systems.cgan import CGAN


def get_config() -> Experiment:
    return Experiment(
        system=CGAN(latent_dim=32, noise_hidden=100, label_hidden=200, joint_hidden=256, image_maxout=120),
        data=Digits(),
        batch_size=96,
        steps=5000,
        log_every=100,
        sample_every=500,
        checkpoint_every=500,
    )
