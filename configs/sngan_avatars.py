"""SNGAN on 32x32 avatars: residual networks with spectral normalisation and the hinge loss, for two CPU cores.

    jaxgan train sngan_avatars
    jaxgan train sngan_avatars --system.conditional --workdir runs/sngan_by_clothing

The second is conditional, with the projection discriminator, on the colour of the clothes; `jaxgan sample` then makes a column
for each colour. 1,200 steps took 10 (conditional) and 16 minutes on two CPU cores that other trainings shared, and show clean
faces whose clothes have the colour of their class; without labels fewer of them have glasses. One discriminator move a step
instead of the paper's five, and a rate of 1e-3: with 5e-4 and a narrower discriminator there were only blurs at step 400.
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.networks import Residual
from jaxgan.systems.sngan import SNGAN


def get_config() -> Experiment:
    return Experiment(
        system=SNGAN(
            networks=Residual(generator_width=32, discriminator_width=48),
            discriminator_moves=1,
            learning_rate=1e-3,
            beta2=0.99,
            ema=0.99,
        ),
        data=Avatars(size=32, label="clothing_color"),
        batch_size=32,
        steps=1200,
    )
