"""StarGAN with the paper's settings on CelebA (Choi et al. 2017, section 5): five attributes, 128x128, batches of 16.

    jaxgan train stargan_celeba
    jaxgan train stargan_celeba --source img_align_celeba --data.attributes list_attr_celeba.txt \\
        --data.chosen Black_Hair Blond_Hair Brown_Hair Male Young --data.size 128

200,000 moves of the discriminator, five for each of the generator, so 40,000 steps; over the last half the rate falls to 0. The
paper crops the centre 178x178 of the 178x218 pictures, as `data.crop` center does. Not trained here to the end.
"""

from jaxgan import Experiment
from jaxgan.data import TFDS
from jaxgan.systems.stargan import StarGAN
from jaxgan.training.system import Schedule

ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")


def get_config() -> Experiment:
    return Experiment(
        system=StarGAN(schedule=Schedule(hold=20_000, decay=20_000)),
        data=TFDS(name="celeb_a", label_key="attributes", chosen=ATTRIBUTES, size=128, flip=True),
        batch_size=16,
        steps=40_000,
        log_every=100,
        sample_every=1000,
        checkpoint_every=1000,
    )
