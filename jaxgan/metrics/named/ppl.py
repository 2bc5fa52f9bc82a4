"""Perceptual path length: how far pictures move on the way from one latent to another."""

from jaxgan.errors import UserError
from jaxgan.media import Picture
from jaxgan.metrics.perceptual_path import perceptual_path_length

TAKES, OF, LESS_IS_BETTER, NETWORK = (Picture,), "run", True, True


def check(run):
    """Raises: UserError: the system has no latent space, or reads captions."""
    if not run.system.has_latents:
        raise UserError(f"the metric ppl does not apply: {type(run.system).__name__} has no latent space; leave it out")
    if "text" in run.system.conditions:
        raise UserError("the metric ppl is not measured of systems that read captions: leave it out")


def of_run(run, real, num, seed, space="z"):
    """Of `num` steps."""
    name, digest, distance = real.distance()
    found = perceptual_path_length(run, distance, num, seed=seed, space=space)
    where = "the space of noise" if space == "z" else f"the space {space}"
    protocol = (
        f"Perceptual path length, distance of {name} (digest {digest[:12]}), {found.count} steps of 1e-4 in {where} "
        f"({found.path}), percentiles 1 to 99; comparable only with figures of the same distance, size and kind of latents"
    )
    return {"value": found.mean, "deviation": found.deviation, "protocol": protocol}
