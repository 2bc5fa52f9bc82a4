"""RaGAN on 32x32 avatars, for two CPU cores.

    jaxgan train ragan_avatars

1,700 steps took three minutes on two CPU cores: varied faces with glasses and coloured hair, softer in their details than
those of the penalised objectives. With Adam's first momentum left out, as for the others here.
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.networks import Convolutional
from jaxgan.systems.ragan import RaGAN


def get_config() -> Experiment:
    return Experiment(
        system=RaGAN(
            networks=Convolutional(latent="normal", width=32, kernel=4, discriminator_norm="none"),
            learning_rate=1e-3,
            beta1=0.0,
            beta2=0.99,
            ema=0.99,
        ),
        data=Avatars(size=32),
        batch_size=64,
        steps=1700,
    )
