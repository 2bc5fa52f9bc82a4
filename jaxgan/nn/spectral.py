"""Spectral normalisation: a layer's weights over their largest singular value."""

from collections.abc import Callable

import flax.linen as nn
import jax


def spectral_norm(layer: nn.Module, enabled: bool = True, *, name: str | None = None) -> Callable[..., jax.Array]:
    """`layer` with its kernel W replaced by W / sigma(W); inside a compact module, to be called as the layer is.

    Miyato et al. 2018, SNGAN (1802.05957), section 2.1 and appendix A: W is flattened to [everything else, features], and
    sigma is followed by one turn of power iteration in each pass, v = W u / ||W u||, u = W^T v / ||W^T v||,
    sigma = v^T W u, through whose sigma, but not u and v, the gradient flows. Biases are left alone. u lives in the
    network's collection "spectral" and moves on only where that is mutable: in the discriminator's own turn.

    Args:
        layer: a module with a kernel: a convolution, a dense layer, an embedding.
        enabled: False gives the layer as it is.
        name: of the entry of "spectral"; flax numbers them where None.

    >>> import flax.linen as nn
    >>> class Scores(nn.Module):
    ...     @nn.compact
    ...     def __call__(self, x):
    ...         return spectral_norm(nn.Dense(1))(x)
    >>> sorted(jax.eval_shape(Scores().init, jax.random.key(0), jnp.zeros((8, 16))))
    ['params', 'spectral']
    """
    if not enabled:
        return layer
    normalised = nn.SpectralNorm(layer, collection_name="spectral", name=name)

    def call(*args):
        return normalised(*args, update_stats=normalised.is_mutable_collection("spectral"))

    return call
