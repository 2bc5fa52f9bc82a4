"""CycleGAN with the paper's settings on horses and zebras (Zhu et al. 2017, section 7.1), by TFDS or from two folders.

    jaxgan train cyclegan_horse2zebra
    jaxgan train cyclegan_horse2zebra --source horse2zebra        # a folder with trainA and trainB

256x256, batches of one, resized to 286 and cropped, mirrored at random. 1,067 horses and 1,334 zebras: an epoch is 1,334 steps;
the rate is constant for 100 epochs and falls to 0 over 100 more. Preparing the set by TFDS needs TensorFlow once. Not trained
here to the end.
"""

from jaxgan import Experiment
from jaxgan.data import TFDS, Unpaired
from jaxgan.systems.cyclegan import CycleGAN
from jaxgan.training.system import Schedule

EPOCH = 1334


def horses_and_zebras(split: str) -> TFDS:
    return TFDS(name="cycle_gan/horse2zebra", split=split, size=256, crop="random", resize=286, flip=True)


def get_config() -> Experiment:
    return Experiment(
        system=CycleGAN(schedule=Schedule(hold=100 * EPOCH, decay=100 * EPOCH)),
        data=Unpaired(a=horses_and_zebras("trainA"), b=horses_and_zebras("trainB")),
        batch_size=1,
        steps=200 * EPOCH,
        log_every=100,
        sample_every=1000,
        checkpoint_every=1000,
    )
