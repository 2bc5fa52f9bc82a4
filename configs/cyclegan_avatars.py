"""CycleGAN between two styles of drawn faces, without pairs, 64x64, for two CPU cores.

    jaxgan train cyclegan_avatars
    jaxgan translate runs/cyclegan_avatars faces/ toons/ --compare
    jaxgan translate runs/cyclegan_avatars toons/ faces/ --direction ba

"input" is DiceBear's style personas, "image" its style toon-head. Half the paper's width and 6 residual blocks; batches of one
picture, as in the paper. Without the identity loss, 6,000 steps gave nearly all faces of the second direction pink hair and
blue clothes; with it, skin and clothes keep their colours. In both, specks beside the heads carry what the way back needs.
6,000 steps took an hour on two cores that tests shared. Faces from number 4096 on are left for tests.
"""

from jaxgan import Experiment
from jaxgan.data import Avatars, Unpaired
from jaxgan.networks import Patch, Transform
from jaxgan.systems.cyclegan import CycleGAN
from jaxgan.training.system import Schedule


def get_config() -> Experiment:
    return Experiment(
        system=CycleGAN(
            generator=Transform(width=32, blocks=6),
            discriminator=Patch(width=32, norm="instance"),
            identity=0.5,
            schedule=Schedule(hold=3000, decay=3000),
        ),
        data=Unpaired(
            a=Avatars(size=64, style="personas", flip=True),
            b=Avatars(size=64, style="toon-head", label="hair_color", flip=True),
        ),
        batch_size=1,
        steps=6000,
        log_every=50,
        sample_every=500,
        checkpoint_every=500,
    )
