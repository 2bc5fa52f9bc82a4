"""Pix2Pix that colours line art, 64x64: emoji as black outlines ("input") and in colour ("image"), for two CPU cores.

    pip install -e ".[data]"
    jaxgan train pix2pix_openmoji
    jaxgan translate runs/pix2pix_openmoji drawing.png coloured.png --size 64

Half the paper's width, InstanceNorm instead of BatchNorm and batches of 8 instead of 1: a picture is then normalised by its own
statistics in training as at test time, whatever the batch. No emoji of `data.part` test, and no variant of one, is trained on.
4,000 steps took some 25 minutes beside other work; held-out emoji come out coloured, if patchily (tests/benchmarks/README.md).
"""

from jaxgan import Experiment
from jaxgan.data import OpenMojiPairs
from jaxgan.networks import Patch, UNet
from jaxgan.systems.pix2pix import Pix2Pix


def get_config() -> Experiment:
    return Experiment(
        system=Pix2Pix(
            generator=UNet(width=32, norm="instance"),
            discriminator=Patch(width=32, norm="instance"),
        ),
        data=OpenMojiPairs(size=64, crop="random", resize=72, flip=True),
        batch_size=8,
        steps=4000,
        sample_every=250,
        checkpoint_every=250,
    )
