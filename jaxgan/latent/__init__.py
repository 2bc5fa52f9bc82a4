"""The latent space of a trained generator: paths through it, directions in it, arithmetic on its points.

    paths         from one latent to the next: `lerp`, `slerp`, `path`
    directions    what moves one attribute: from labels, or from the generator alone (SeFa, GANSpace)
    concepts      "glasses - none + other": sums of the averages of chosen samples
    attributes    how a value of an attribute is named, and which samples have it
    generator     the layers of a system's generator that take the latents
    files         directions in a workdir

The functions are pure and work on numpy arrays of latents [N, ...] as `Run.latents` gives them and `Run.decode` takes them;
only `attributes.judged` and `generator` look at a run.
"""

from jaxgan.latent.concepts import arithmetic
from jaxgan.latent.directions import attribute_direction, orthogonalized, pca_directions, sefa_directions, standardized
from jaxgan.latent.paths import lerp, path, slerp
