"""R3GAN on 32x32 avatars, for two CPU cores.

    jaxgan train r3gan_avatars

3,952 steps took ten minutes on two CPU cores, and show varied faces with hair, glasses and beards, a little soft: FID 67, KID
0.19 by the classifier's features. On a slower machine, where ten minutes are some 2,700 steps, three seeds had 71, 85 and 78,
StyleGAN2 86 after as many minutes, and DCGAN's networks with R1, which see eight times as many pictures in them, 13.

Narrow networks, one block at each side, and a rate ten times the paper's, since 64,000 pictures are few. With networks twice as
wide, of which 1,483 steps took as long, it was 86 by the weights themselves, and 125 by their average, which was too long.
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.networks import R3
from jaxgan.systems.r3gan import R3GAN


def get_config() -> Experiment:
    return Experiment(
        system=R3GAN(
            networks=R3(width=64, channel_base=512, blocks=1),
            r1=1.0,
            r2=1.0,
            learning_rate=2e-3,
            final_learning_rate=5e-4,
            final_beta2=0.99,
            anneal=4000,
            ema=0.99,
        ),
        data=Avatars(size=32),
        batch_size=16,
        steps=4000,
        log_every=20,
        sample_every=250,
        checkpoint_every=100,
    )
