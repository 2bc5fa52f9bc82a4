"""U-Net, encoder-decoder, residual transform network and PatchGAN: sizes, fields of view, noise."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import rows
from jaxgan.errors import UserError
from jaxgan.networks import Patch, Transform, UNet, pass_through, translate_each
from jaxgan.networks.patch import HALVINGS, layer_sizes, receptive_field

FLOAT32 = jnp.dtype("float32")


def shapes(generator, size, channels=3):
    """Shapes of the parameters of a generator for pictures of this size, and of what it makes."""
    generator = generator.resolve((size, size, 3))
    module, x = generator.module(channels, FLOAT32), jnp.zeros((1, size, size, 3))
    variables = jax.eval_shape(lambda: module.init(jax.random.key(0), x, "batch", True))
    made = jax.eval_shape(rows.solo(lambda v: module.apply(v, x, "running", True)), variables)
    return {name: p["kernel"].shape for name, p in variables["params"].items() if "kernel" in p}, made.shape


def initialised(generator, size=32):
    """A resolved generator and its variables, moved away from where they begin: at 0.02 N(0, 1) everything is small."""
    generator = generator.resolve((size, size, 3))
    module = generator.module(3, FLOAT32)
    variables = jax.jit(lambda: module.init(jax.random.key(0), jnp.zeros((1, size, size, 3)), "batch", True))()
    return generator, jax.tree.map(lambda x: 4 * x if x.ndim == 4 else x, variables)


def pictures(count=2, size=32, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (count, size, size, 3)).astype(np.float32)


@functools.lru_cache
def compiled(generator, mode):
    return jax.jit(rows.solo(lambda v, x, key: translate_each(generator, v, x, jax.random.key(key), FLOAT32, mode)))


def translated(generator, variables, x, key=0, mode="batch"):
    return np.asarray(compiled(generator, mode)(variables, x, key))


def test_the_unet_of_the_paper():
    """Appendix 6.1.1, encoder C64-C128-C256-C512 x 5; the decoder's blocks see twice the channels, but the first."""
    kernels, made = shapes(UNet(), 256)
    encoder = [kernels[f"down_{level}"] for level in range(8)]
    assert [shape[3] for shape in encoder] == [64, 128, 256, 512, 512, 512, 512, 512]
    assert all(shape[:2] == (4, 4) for shape in kernels.values())
    decoder = [kernels[f"up_{block}"][2:] for block in range(8)]
    assert decoder == [(512, 512), (1024, 512), (1024, 512), (1024, 512), (1024, 256), (512, 128), (256, 64), (128, 3)]
    assert made == (1, 256, 256, 3)


def test_as_many_levels_as_the_size_has_halvings():
    for size, levels in ((256, 8), (64, 6), (96, 5), (32, 5)):
        assert UNet().resolve((size, size, 3)).levels == levels
        assert UNet().resolve((size, size, 3)).multiple == 2**levels
    assert UNet().resolve((64, 256, 3)).levels == 6
    assert UNet(levels=3).resolve((64, 64, 3)).levels == 3
    with pytest.raises(UserError, match=r"50x50 can be halved only 1 times.*--data\.size"):
        UNet().resolve((50, 50, 3))
    with pytest.raises(UserError, match="halves the size 7 times"):
        UNet(levels=7).resolve((64, 64, 3))


def test_the_encoder_decoder_has_no_skips():
    kernels, made = shapes(UNet(skips=False), 256)
    assert [kernels[f"up_{block}"][2] for block in range(8)] == [512, 512, 512, 512, 512, 256, 128, 64]
    assert made == (1, 256, 256, 3)


@pytest.mark.slow
def test_skips_carry_what_the_bottleneck_loses():
    """With the bottleneck's weights at 0, a U-Net's output still depends on its input; an encoder-decoder's does not."""
    for skips in (True, False):
        generator, variables = initialised(UNet(width=4, skips=skips, dropout=0))
        kernel = variables["params"]["up_0"]["kernel"]
        variables["params"]["up_0"]["kernel"] = jnp.zeros_like(kernel)
        made = translated(generator, variables, pictures())
        assert (np.abs(made[0] - made[1]).max() > 1e-2) == skips


def test_the_transform_network_of_the_paper():
    kernels, made = shapes(Transform(), 256)
    assert kernels["first"] == (7, 7, 3, 64)
    assert (kernels["down_0"], kernels["down_1"]) == ((3, 3, 64, 128), (3, 3, 128, 256))
    assert sum(name.startswith("block_") for name in kernels) == 18
    assert (kernels["up_0"], kernels["up_1"], kernels["last"]) == ((3, 3, 256, 128), (3, 3, 128, 64), (7, 7, 64, 3))
    assert made == (1, 256, 256, 3)
    assert shapes(Transform(blocks=6, upsampling="resize"), 64)[1] == (1, 64, 64, 3)
    with pytest.raises(UserError, match="multiples of 4"):
        Transform().resolve((66, 66, 3))


@pytest.mark.parametrize(
    "generator", [UNet(width=4, levels=3), Transform(width=4, blocks=1)], ids=["unet", "transform"]
)
def test_fully_convolutional(generator):
    """Networks of one size take others, of any proportions, whose sides are multiples of `multiple`."""
    generator, variables = initialised(generator)
    m = generator.multiple
    assert translated(generator, variables, np.zeros((1, 6 * m, 5 * m, 3), np.float32)).shape == (1, 6 * m, 5 * m, 3)


@pytest.mark.parametrize(
    "generator", [UNet(width=4), Transform(width=4, blocks=1, dropout=0.5)], ids=["unet", "transform"]
)
def test_dropout_is_the_only_noise(generator):
    generator, variables = initialised(generator)
    x = pictures()
    first = translated(generator, variables, x, key=0)
    np.testing.assert_array_equal(first, translated(generator, variables, x, key=0))
    assert np.abs(first - translated(generator, variables, x, key=1)).max() > 1e-4
    still = [translated(generator, variables, x, key, "running") for key in (0, 1)]
    np.testing.assert_array_equal(*still)


def test_only_the_chosen_decoder_blocks_drop():
    """Seen at the outputs of the dropouts: half of their features are 0."""
    generator, variables = initialised(UNet(width=4, dropout_blocks=(1, 3)))

    def apply():
        module, x, rngs = generator.module(3, FLOAT32), pictures(1), {"dropout": jax.random.key(0)}
        mutable = ["intermediates", "batch_stats"]
        return module.apply(variables, x, "batch", False, rngs=rngs, capture_intermediates=True, mutable=mutable)[1]

    seen = jax.jit(rows.solo(apply))()["intermediates"]
    dropped = {name: np.asarray(out["__call__"][0]) for name, out in seen.items() if name.startswith("Dropout")}
    assert sorted(out.shape[1] for out in dropped.values()) == [4, 16]
    for out in dropped.values():
        assert 0.3 < (out == 0).mean() < 0.7


@pytest.mark.slow
def test_pictures_do_not_share_statistics():
    """What comes of a picture is the same alone and beside others, though BatchNorm normalises it."""
    generator, variables = initialised(UNet(width=4, dropout=0))
    x = pictures(3)
    together = translated(generator, variables, x)
    np.testing.assert_allclose(together[:1], translated(generator, variables, x[:1]), atol=1e-5)
    batched = jax.jit(rows.solo(lambda: pass_through(generator, variables, x, jax.random.key(0), FLOAT32)[0]))()
    assert np.abs(together - batched).max() > 1e-3


def test_receptive_fields():
    assert list(HALVINGS) == [1, 16, 34, 70, 142, 286]
    assert receptive_field([(3, 1), (3, 1)]) == 5
    assert receptive_field([(7, 2), (3, 2)]) == 11
    assert receptive_field(layer_sizes(3)) == 70


def judged(patch, size):
    module = patch.module(FLOAT32)
    variables = jax.jit(lambda: module.init(jax.random.key(0), jnp.zeros((1, size, size, 3)), "batch"))()
    return jax.jit(lambda x: module.apply(variables, x, "batch"))


@pytest.mark.parametrize(
    ("field", "size"), [(1, 8), (16, 64), (34, 96), (70, 256), pytest.param(286, 512, marks=pytest.mark.slow)]
)
def test_one_logit_sees_its_field(field, size):
    """By the gradient of one logit in the middle."""
    judge = judged(Patch(width=2, field=field, norm="none"), size)
    x = jnp.asarray(pictures(1, size))
    logits = judge(x)
    if field == 70:
        assert logits.shape == (1, 30, 30)
    middle = logits.shape[1] // 2
    seen = np.abs(np.asarray(jax.jit(jax.grad(lambda x: judge(x)[0, middle, middle]))(x))[0]).sum(-1) > 0
    for axis in (0, 1):
        where = np.flatnonzero(seen.any(axis))
        assert where[-1] - where[0] + 1 == field


def test_the_papers_patchgan():
    module = Patch().module(FLOAT32)
    variables = jax.eval_shape(lambda: module.init(jax.random.key(0), jnp.zeros((1, 256, 256, 6)), "batch"))
    kernels = [variables["params"][f"layer_{index}"]["kernel"].shape for index in range(5)]
    assert [(k[0], k[3]) for k in kernels] == [(4, 64), (4, 128), (4, 256), (4, 512), (4, 1)]
    assert set(variables["batch_stats"]) == {f"layer_{index}_norm" for index in (1, 2, 3)}


def test_too_small_a_picture_is_refused():
    Patch(field=70).check((24, 24, 3))
    with pytest.raises(UserError, match=r"field of 70 takes pictures of at least 24x24.*16x16"):
        Patch(field=70).check((16, 16, 3))
    with pytest.raises(UserError, match=r"Patch.field is 69: it must be one of 1, 16, 34, 70, 142, 286"):
        Patch(field=69)
