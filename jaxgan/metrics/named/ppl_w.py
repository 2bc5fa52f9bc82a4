"""Perceptual path length between the intermediate latents of a mapping network, StyleGAN's W."""

from jaxgan.errors import UserError
from jaxgan.metrics.named import ppl

TAKES, OF, LESS_IS_BETTER, NETWORK = ppl.TAKES, ppl.OF, True, True


def check(run):
    """Raises: UserError: the system has no intermediate latents."""
    ppl.check(run)
    if "w" not in run.system.spaces:
        raise UserError(
            f"the metric ppl_w does not apply: {type(run.system).__name__} has no mapping network; take ppl"
        )


def of_run(run, real, num, seed):
    """Of `num` steps."""
    return ppl.of_run(run, real, num, seed, space="w")
