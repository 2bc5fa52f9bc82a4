"""BigGAN on the letters A to Z of the fonts that are installed, 32x32, for two CPU cores.

    jaxgan train biggan_letters

Fonts are Debian's packages (jaxgan/data/README.md), 389 of them here. 7,000 steps took 31 minutes beside tests. A support
vector machine finds the letter that was asked for in all samples, letters of one latent share their weight and slant, and the
features of a classifier find a tenth of unseen fonts' variety: recall 0.10, FID 11, where fonts that were trained on have 0.86
and 3.0. `python -m tests.benchmarks.letters` scores it.
"""

from jaxgan import Experiment
from jaxgan.data import Letters
from jaxgan.networks import Big
from jaxgan.systems.biggan import BigGAN


def get_config() -> Experiment:
    return Experiment(
        system=BigGAN(
            networks=Big(latent_dim=64, width=8, shared=64),
            discriminator_moves=1,
            generator_learning_rate=3e-4,
            discriminator_learning_rate=6e-4,
            ema=0.998,
            ema_start=500,
        ),
        data=Letters(),
        batch_size=32,
        steps=7000,
        log_every=20,
        sample_every=500,
        checkpoint_every=100,
    )
