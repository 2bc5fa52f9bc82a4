"""StyleGAN2 on 32x32 avatars, for two CPU cores.

    jaxgan train stylegan2_avatars

2,655 of the 4,000 steps, 85,000 pictures, show faces with glasses, beards and hair of all colours, blurred: FID 98.9, recall
0.00 by the classifier's features, where DCGAN's networks with R1 have 24 and 0.27 after as many. These settings (R1 of 1, path
length and style mixing as for large pictures) are a first try; ADA's code leaves the last two out at 32x32, and takes an R1 of
0.01.
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.systems.stylegan2 import StyleGAN2


def get_config() -> Experiment:
    return Experiment(
        system=StyleGAN2(
            latent_dim=128,
            style_dim=128,
            mapping_layers=2,
            width=128,
            channel_base=1024,
            r1=1.0,
            ema_rampup=0.05,
            learning_rate=2.5e-3,
        ),
        data=Avatars(size=32),
        batch_size=32,
        steps=4000,
        log_every=20,
        sample_every=200,
        checkpoint_every=100,
    )
