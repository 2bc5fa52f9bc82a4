"""FastGAN on the food of the Open Clip Art Library, 64x64, for two CPU cores.

    apt-get install openclipart-png
    jaxgan train fastgan_clipart

329 drawings. 1,303 steps on 229 of them took 20 minutes on one core, and draw things on white paper that have no name yet: the
paper's runs are forty times as long. `--system.projected FILE`, a file of VGG16's weights, has cleaner outlines sooner
(tests/benchmarks/README.md, few drawings).
"""

from jaxgan import Experiment
from jaxgan.data import Clipart
from jaxgan.systems.fastgan import FastGAN


def get_config() -> Experiment:
    return Experiment(
        system=FastGAN(latent_dim=64, width=16, discriminator_width=16),
        data=Clipart(topics=("food",), size=64),
        batch_size=8,
        steps=50_000,
        log_every=20,
        sample_every=500,
        checkpoint_every=100,
    )
