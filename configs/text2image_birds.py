"""GAN-INT-CLS with the paper's settings on pictures with captions in a folder, such as Caltech-UCSD Birds (Reed et al. 2016).

    jaxgan train text2image_birds --data.pictures.path CUB_200_2011/images --data.pictures.captions captions.csv

The table has the picture's path below the folder in its first column, captions in the others (or is a .jsonl file: see
`jaxgan.data.Folder`). 64x64, cut at random from 76x76 and mirrored, batches of 64, Adam 2e-4 with beta1 0.5, and 600 epochs of
the 8,855 birds of the classes that the paper trains on; take those out that you want to test on. The encoder reads characters
and learns first, for 20,000 steps: the paper took one that was trained beside features of GoogLeNet. Not trained here to the
end: the data cannot be had without a network, and two CPU cores would take weeks.
"""

from jaxgan import Experiment
from jaxgan.data import Captioned, Folder
from jaxgan.systems.text2image import TextToImage

ENCODER_STEPS = 20_000


def get_config() -> Experiment:
    birds = Folder(path="CUB_200_2011/images", captions="captions.csv", size=64, crop="random", resize=76, flip=True)
    return Experiment(
        system=TextToImage(encoder_steps=ENCODER_STEPS),
        data=Captioned(pictures=birds),
        batch_size=64,
        steps=ENCODER_STEPS + 600 * 8855 // 64,
        log_every=100,
        sample_every=1000,
        checkpoint_every=1000,
    )
