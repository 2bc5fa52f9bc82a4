"""StyleGAN2 on 32x32 avatars, for two CPU cores.

    jaxgan train stylegan2_avatars

3,300 steps took 40 minutes on two CPU cores without AVX-512, and show crisp faces with glasses, long and short hair and skin of
all colours: FID 61, recall 0.01 by the classifier's features. DCGAN's networks with R1 have 27 and 0.22 after as many pictures,
and several times sooner: what is gained here are styles, which mix.

As ADA's code has it for 32x32, without path length and style mixing. The rate is four times its, since 53,000 pictures are few:
with 0.0025 faces are blurred after 85,000 (FID 99 by another training of that classifier).
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
            path_length=0.0,
            style_mixing=0.0,
            ema_rampup=0.05,
            learning_rate=0.01,
        ),
        data=Avatars(size=32),
        batch_size=16,
        steps=3300,
        log_every=20,
        sample_every=500,
        checkpoint_every=100,
    )
