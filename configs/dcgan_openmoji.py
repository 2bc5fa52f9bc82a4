"""DCGAN on 64x64 OpenMoji emoji (needs the [data] extra): few pictures, and no two alike.

    pip install "jaxgan[data]" && jaxgan train dcgan_openmoji

The recipe of dcgan_avatars, with mirrored pictures. Not yet trained to its end: no result is claimed.
"""

from jaxgan import Experiment
from jaxgan.data import OpenMoji
from jaxgan.networks import Convolutional
from jaxgan.systems.dcgan import DCGAN


def get_config() -> Experiment:
    return Experiment(
        system=DCGAN(
            networks=Convolutional(width=32, kernel=4, discriminator_norm="none"),
            r1=5.0,
            beta1=0.0,
            learning_rate=5e-4,
            ema=0.995,
        ),
        data=OpenMoji(size=64, flip=True),
        batch_size=32,
        steps=4000,
        log_every=20,
        sample_every=200,
        checkpoint_every=200,
    )
