"""Pix2Pix with the paper's settings for edges to shoes: batches of 4, 15 epochs of 49,825 pairs (Isola et al. 2017, 6.2).

    jaxgan train pix2pix_edges2shoes --source edges2shoes/train

Pairs lie side by side, edges on the left; resized to 286, cropped and mirrored at random. Not trained here to the end.
"""

from jaxgan import Experiment
from jaxgan.data import Pairs
from jaxgan.systems.pix2pix import Pix2Pix


def get_config() -> Experiment:
    return Experiment(
        system=Pix2Pix(),
        data=Pairs(path="edges2shoes/train", size=256, crop="random", resize=286, flip=True),
        batch_size=4,
        steps=15 * 49_825 // 4,
        log_every=100,
        sample_every=1000,
        checkpoint_every=1000,
    )
