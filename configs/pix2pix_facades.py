"""Pix2Pix with the paper's settings on pairs that lie side by side in a folder, such as the facades (Isola et al. 2017, 6.2).

    jaxgan train pix2pix_facades --source facades/train --data.direction ba

The data sets of the paper are pictures of 512x256, A on the left and B on the right; in the facades B, the labels, is what
it starts from. 256x256, batches of one, resized to 286 and cropped, mirrored at random; 200 epochs of 400 pictures. Not
trained here to the end: the data cannot be had without a network, and two CPU cores would take days.
"""

from jaxgan import Experiment
from jaxgan.data import Pairs
from jaxgan.systems.pix2pix import Pix2Pix


def get_config() -> Experiment:
    return Experiment(
        system=Pix2Pix(),
        data=Pairs(path="facades/train", direction="ba", size=256, crop="random", resize=286, flip=True),
        batch_size=1,
        steps=200 * 400,
        log_every=100,
        sample_every=1000,
        checkpoint_every=1000,
    )
