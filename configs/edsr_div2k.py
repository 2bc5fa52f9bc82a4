"""EDSR's baseline on DIV2K, made four times as large, as in the paper; for a GPU or TPU.

    jaxgan train edsr_div2k                                  # TFDS downloads DIV2K, 800 photographs
    jaxgan upscale runs/edsr_div2k photo.jpg photo_x4.png

The authors' own weights of this network have 28.97 dB on DIV2K's validation pictures (RGB, BasicSR's table). Not trained by
us: there was no network to download DIV2K with. EDSR itself is this with a width of 256, 32 blocks and a residual scale of 0.1.
"""

from jaxgan import Experiment
from jaxgan.data import Photographs
from jaxgan.systems.edsr import EDSR


def get_config() -> Experiment:
    return Experiment(
        system=EDSR(),
        data=Photographs(tfds="div2k/bicubic_x4", size=192, factor=4),
        batch_size=16,
        steps=300_000,
        sample_every=5000,
        checkpoint_every=5000,
    )
