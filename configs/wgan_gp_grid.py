"""WGAN-GP on 25 Gaussians on a grid: points in the plane, where a mode that is missed can be counted.

    jaxgan train wgan_gp_grid
"""

from jaxgan import Experiment
from jaxgan.data import Points
from jaxgan.networks import Perceptrons
from jaxgan.systems.wgan_gp import WGANGP
from jaxgan.training.system import Schedule


def get_config() -> Experiment:
    return Experiment(
        system=WGANGP(
            networks=Perceptrons(hidden=128),
            penalty_weight=0.1,
            critic_moves=1,
            learning_rate=2e-3,
            ema=0.99,
            schedule=Schedule(decay=6000),
        ),
        data=Points(distribution="grid"),
        batch_size=256,
        steps=6000,
        log_every=200,
        sample_every=1000,
        checkpoint_every=1000,
    )
