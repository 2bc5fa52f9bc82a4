"""StarGAN that changes the hair colour of drawn faces and puts glasses on them, 64x64, for two CPU cores.

    jaxgan train stargan_avatars
    jaxgan translate runs/stargan_avatars face.png pink.png --label "hair_color=pink,glasses=none"
    jaxgan translate runs/stargan_avatars faces/ sheet.png --all-domains

Half the paper's width and batches of 8 instead of 16. 1,000 steps took 36 minutes on two CPU cores: hair colours and glasses
change, while the skin wavers a little and patterns of clothes are lost. Faces from number 4096 on are left for tests.
"""

from jaxgan import Experiment
from jaxgan.data import Avatars
from jaxgan.systems.stargan import StarGAN

ATTRIBUTES = (
    "hair_color=black",
    "hair_color=brown",
    "hair_color=orange",
    "hair_color=silver",
    "hair_color=pink",
    "glasses=glasses",
    "glasses=sunglasses",
)


def get_config() -> Experiment:
    return Experiment(
        system=StarGAN(width=32, discriminator_width=32),
        data=Avatars(size=64, label=ATTRIBUTES, flip=True),
        batch_size=8,
        steps=1000,
        sample_every=100,
        checkpoint_every=100,
    )
