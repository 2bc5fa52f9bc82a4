"""WGAN with clipped weights on 32x32 avatars, for two CPU cores: the paper's recipe, with a higher rate.

    jaxgan train wgan_avatars

3,000 steps of five critic moves take about 12 minutes on two CPU cores: varied faces with glasses and coloured hair, and a few
specks beside them. BatchNorm in the critic, as in the paper, is what makes it learn: without it, weights in a box of 0.01
shrink each layer's signal, and after 1,000 steps there were blurs. The paper's 100 critic moves in each of the first 25 steps
are left out: here the critic is near its best without them.
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.networks import Convolutional
from jaxgan.systems.wgan import WGAN
from jaxgan.training.system import Schedule


def get_config() -> Experiment:
    return Experiment(
        system=WGAN(
            networks=Convolutional(latent="normal", width=32, kernel=4, discriminator_norm="batch"),
            learning_rate=5e-4,
            eager_moves=5,
            ema=0.995,
            schedule=Schedule(hold=2000, decay=1000),
        ),
        data=Avatars(size=32),
        batch_size=64,
        steps=3000,
    )
