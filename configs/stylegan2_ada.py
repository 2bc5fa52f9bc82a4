"""StyleGAN2 with ADA on a folder of 256x256 pictures, a hundred to ten thousand of them: settings of ADA's code, not trained
here.

    jaxgan train stylegan2_ada --source ~/pictures --precision bfloat16
    jaxgan train stylegan2_ada --source ~/pictures --start-from runs/other --system.freeze-discriminator 10

For one GPU, or a TPU of up to eight cores: a device holds at least four pictures of the 32 of a batch. Of a folder of photos
add --data.flip where left and right mean nothing; of faces, and whatever has an upper end, --system.augmentation.ada.upright
keeps quarter turns and rotations out. At another --data.size let --system.r1 be 0.0002 side^2 / batch size, as here. A step is
the same on a CPU and takes minutes there; `stylegan2_avatars` is for two cores.

The second command is fine-tuning: from a run of the same --system fields, such as one that jaxgan import-weights made of a .pkl
(jaxgan info shows its fields), with the discriminator's first layers left as they are.
"""

from jaxgan import Ada, Experiment
from jaxgan.data import Folder
from jaxgan.networks.augmentation import Augmentation
from jaxgan.systems.stylegan2 import StyleGAN2


def get_config() -> Experiment:
    return Experiment(
        system=StyleGAN2(
            mapping_layers=2,
            channel_base=16384,
            r1=0.4,
            learning_rate=2.5e-3,
            augmentation=Augmentation(ada=Ada(blit=1.0, geometry=1.0, color=1.0), probability=0.8, target=0.6),
        ),
        data=Folder(path="pictures", size=256),
        batch_size=32,
        steps=100_000,
        log_every=50,
        sample_every=1000,
        checkpoint_every=1000,
    )
