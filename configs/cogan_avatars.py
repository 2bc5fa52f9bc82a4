"""CoGAN on 32x32 avatars, for two CPU cores: a face without glasses, and the same face with them.

    jaxgan train cogan_avatars
    jaxgan sample runs/cogan_avatars --label none
    jaxgan sample runs/cogan_avatars --label glasses      # the same latents in the other domain, as is --label sunglasses

Of the 4,096 faces 2,780 have no glasses, 668 glasses and 648 sunglasses. 600 steps took eight minutes on two CPU cores beside
a test suite. The domains correspond from step 400 on: head, skin, the form of hair and clothes, and the mouth are the same in
both pictures of a pair. Colours of clothes, and sometimes of hair, are another in the other domain, pair by pair in the same
way (blue for green): the last layer, which is a domain's own, can exchange them, and nothing in the loss forbids it. A first
run, whose networks began from other numbers, kept them. The faces are varied, rough, and have specks of colour around them.
R1, beta1 0 and the rate are those of DCGAN's and LSGAN's configs; the paper's settings were not tried in so few steps.
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.systems.cogan import CoGAN


def get_config() -> Experiment:
    return Experiment(
        system=CoGAN(width=32, r1=1.0, ema=0.99, learning_rate=1e-3, beta1=0.0, beta2=0.99),
        data=Avatars(size=32, label="glasses"),
        batch_size=64,
        steps=600,
    )
