"""Augmentation of the discriminator's input: what each transformation does, its draws, its gradients, and ADA's probability."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh
from jax.sharding import PartitionSpec as P

from jaxgan import rows
from jaxgan.commands.parsing import parse
from jaxgan.errors import UserError
from jaxgan.experiment import decode_value, encode
from jaxgan.fields import check
from jaxgan.networks.augmentation import AUX, Augmentation

KEY = jax.random.key(3)
ALL = Augmentation(color=True, translation=True, cutout=True)
SHAPE = (16, 24, 3)  # 2 and 3 pixels of translation, 8 x 12 of cutout


@functools.partial(jax.jit, static_argnums=0)
def applied(augmentation, pictures, probability=None, key=KEY):
    """`apply` on one device, with a fixed probability unless one is given."""
    p = augmentation.probability if probability is None else probability
    return rows.solo(lambda x: augmentation.apply(key, x, p))(pictures)


def noise(count, shape=SHAPE):
    return np.random.default_rng(0).uniform(-1, 1, (count, *shape)).astype(np.float32)


def test_color_is_an_affine_map_with_the_draws_of_the_paper():
    x = noise(1000, (4, 4, 3))
    y = np.asarray(applied(Augmentation(color=True), x), np.float64)
    x = np.float64(x)
    grey, mean = x.mean(-1, keepdims=True), x.mean((1, 2, 3), keepdims=True)
    # y = mean + b + c ((grey - mean) + s (x - grey)): brightness is not scaled by the contrast around the mean.
    brightness = (y.mean((1, 2, 3), keepdims=True) - mean).ravel()
    y_grey = y.mean(-1, keepdims=True)
    ratio = lambda a, b: (a * b).sum((1, 2, 3)) / (b * b).sum((1, 2, 3))  # noqa: E731
    contrast = ratio(y_grey - y.mean((1, 2, 3), keepdims=True), grey - mean)
    saturation = ratio(y - y_grey, x - grey) / contrast
    b, c, s = (v[:, None, None, None] for v in (brightness, contrast, saturation))
    np.testing.assert_allclose(mean + b + c * (grey - mean + s * (x - grey)), y, atol=1e-5)
    for drawn, low, high in ((brightness, -0.5, 0.5), (saturation, 0, 2), (contrast, 0.5, 1.5)):
        assert low - 1e-5 <= drawn.min() < low + 0.02 * (high - low)
        assert high + 1e-5 >= drawn.max() > high - 0.02 * (high - low)
        # A uniform distribution: every tenth of the range holds a tenth of the draws (5 standard deviations).
        counts, _ = np.histogram(drawn, 10, (low - 1e-5, high + 1e-5))
        assert abs(counts - 100).max() < 5 * np.sqrt(90)
    draws = np.corrcoef([brightness, saturation, contrast])
    assert abs(draws - np.eye(3)).max() < 5 / np.sqrt(1000)


def test_translation_moves_whole_pixels_and_fills_with_zeros():
    count, (height, width, _) = 700, SHAPE
    x = noise(count)
    y = np.asarray(applied(Augmentation(translation=True), x))
    padded = np.pad(x, ((0, 0), (2, 2), (3, 3), (0, 0)))
    seen = np.zeros((5, 7), int)
    for before, after in zip(padded, y, strict=True):
        places = [
            (i, j) for i in range(5) for j in range(7) if np.array_equal(before[i : i + height, j : j + width], after)
        ]
        assert len(places) == 1
        seen[places[0]] += 1
    assert abs(seen - count / 35).max() < 5 * np.sqrt(count / 35)


def test_cutout_hides_half_of_each_side_wherever_its_middle_is():
    count = 1000
    y = np.asarray(applied(Augmentation(cutout=True), jnp.ones((count, *SHAPE))))
    hidden = y == 0
    assert np.array_equal(y, 1.0 - hidden)
    assert np.array_equal(hidden[..., 0], hidden[..., 2])
    for axis, side in ((1, 16), (2, 24)):
        line = hidden[..., 0].any(3 - axis)
        start, length = line.argmax(1), line.sum(1)
        assert np.array_equal(line, (np.arange(side) >= start[:, None]) & (np.arange(side) < (start + length)[:, None]))
        # Its middle is on one of the side + 1 edges between pixels, each equally often.
        middle = np.where(start > 0, start + side // 4, start + length - side // 4)
        counts = np.bincount(middle, minlength=side + 1)
        assert len(counts) == side + 1
        assert abs(counts - count / (side + 1)).max() < 5 * np.sqrt(count / (side + 1))


def test_each_transformation_has_its_own_probability():
    # A transformation as good as always changes noise: what is unchanged was not drawn.
    count, p = 1000, 0.3
    x = noise(count, (8, 8, 3))
    unchanged = {}
    for name in ("color", "translation", "cutout"):
        y = np.asarray(applied(Augmentation(**{name: True}), x, jnp.float32(p)))
        unchanged[name] = (y == x).all((1, 2, 3))
    # Of colour's three none is applied; of translation the shift by nothing is one in nine.
    expected = {"color": (1 - p) ** 3, "translation": 1 - p + p / 9, "cutout": 1 - p}
    for name, share in expected.items():
        assert abs(unchanged[name].mean() - share) < 5 * np.sqrt(share * (1 - share) / count), name
    together = (np.asarray(applied(ALL, x, jnp.float32(p))) == x).all((1, 2, 3)).mean()
    share = np.prod(list(expected.values()))
    assert abs(together - share) < 5 * np.sqrt(share * (1 - share) / count)


def test_probability_zero_is_the_identity_to_the_bit():
    x = noise(32)
    assert np.array_equal(applied(ALL, x, jnp.float32(0)), x)
    for off in (Augmentation(), dataclasses.replace(ALL, probability=0.0)):
        assert not off.enabled
        assert off.apply(KEY, x, off.probability_now({})) is x
        assert off.init_aux() == off.update({}, x) == {}


def test_a_fixed_probability_of_one_draws_what_an_adapted_one_draws():
    x = noise(32)
    np.testing.assert_allclose(applied(ALL, x), applied(ALL, x, jnp.float32(1)), atol=1e-6)
    assert not np.array_equal(applied(ALL, x), applied(ALL, x, key=jax.random.key(4)))


@pytest.mark.eight_devices
def test_a_row_is_augmented_alike_on_one_device_and_on_eight():
    x, augmentation = noise(16), dataclasses.replace(ALL, probability=0.7)
    mesh = Mesh(np.array(jax.devices()[:8]), (rows.AXIS,))
    function = lambda x: augmentation.apply(KEY, x, 0.7)  # noqa: E731
    shared = jax.jit(jax.shard_map(function, mesh=mesh, in_specs=P(rows.AXIS), out_specs=P(rows.AXIS)))(x)
    # Channel means may be summed in another order.
    np.testing.assert_allclose(shared, applied(augmentation, x), atol=1e-6)


def test_gradients_are_those_of_finite_differences_twice():
    with jax.enable_x64(True):
        random = np.random.default_rng(1)
        x, direction = random.uniform(-1, 1, (2, 4, 8, 8, 3))
        weights = random.normal(size=(8 * 8 * 3, 5))
        augmentation = dataclasses.replace(ALL, probability=0.6)

        def score(x):
            seen = augmentation.apply(KEY, x, 0.6)
            return jnp.tanh(seen.reshape(len(seen), -1) @ weights / 10).sum()

        @jax.jit
        def values(x):
            penalty = lambda x: jnp.square(jax.grad(score)(x)).sum()  # noqa: E731
            return rows.solo(lambda x: (score(x), jax.grad(score)(x), penalty(x), jax.grad(penalty)(x)))(x)

        epsilon = 1e-5
        above, below, here = (values(x + e * direction) for e in (epsilon, -epsilon, 0))
        for function in (0, 2):
            numeric = (above[function] - below[function]) / (2 * epsilon)
            np.testing.assert_allclose((here[function + 1] * direction).sum(), numeric, rtol=1e-7)
            assert abs(numeric) > 1e-3


def adapted(augmentation, p, real_logits, devices):
    """One update, with the logits divided over devices."""
    mesh = Mesh(np.array(jax.devices()[:devices]), (rows.AXIS,))

    def update(p, logits):
        new = augmentation.update({AUX: p, "other": 0}, logits)
        assert list(new) == [AUX]
        return new[AUX]

    step = jax.shard_map(update, mesh=mesh, in_specs=(P(), P(rows.AXIS)), out_specs=P(), check_vma=False)
    new = jax.jit(step)(p, real_logits)
    assert (new.dtype, new.shape, new.weak_type) == (p.dtype, p.shape, False)
    return [np.asarray(shard.data) for shard in new.addressable_shards]


@pytest.mark.parametrize("devices", [1, 8])
@pytest.mark.eight_devices
def test_ada_raises_p_while_the_discriminator_is_too_sure_and_lowers_it_else(devices):
    augmentation = Augmentation(color=True, target=0.6, adaptation_images=1000)
    start = augmentation.init_aux()[AUX]
    assert start == 0
    half = jnp.float32(0.5)
    # Logits [B, ...]: the rows of the global batch count, 16 of them. Of the mixed ones 13 in 16 say real: r = 0.625.
    sure, unsure = jnp.full((16, 2), 0.1), jnp.full((16, 2), -0.1)
    mixed = jnp.where(jnp.arange(16)[:, None] < 13, sure, unsure)
    less = jnp.where(jnp.arange(16)[:, None] < 12, sure, unsure)
    for p, logits, expected in (
        (half, sure, 0.516), (half, mixed, 0.516), (half, less, 0.484), (half, unsure, 0.484),
        (start, sure, 0.016), (start, unsure, 0.0), (jnp.float32(0.995), sure, 1.0),
    ):  # fmt: skip
        copies = adapted(augmentation, p, logits, devices)
        assert len(copies) == devices
        assert len({float(copy) for copy in copies}) == 1
        np.testing.assert_allclose(copies[0], expected, atol=1e-7)


def test_the_probability_is_the_most_that_ada_may_reach():
    augmentation = Augmentation(cutout=True, target=0.6, probability=0.8, adaptation_images=100)
    p = adapted(augmentation, jnp.float32(0.75), jnp.ones(16), 1)[0]
    np.testing.assert_allclose(p, 0.8)
    assert augmentation.probability_now({AUX: p}) is p
    assert Augmentation(cutout=True, probability=0.8).probability_now({}) == 0.8


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"color": True, "probability": 1.5}, "probability"),
        ({"color": True, "target": 1}, "below 1"),
        ({"target": 0.6}, "nothing to adapt"),
        ({"color": True, "probability": 0, "target": 0.6}, "nothing to adapt"),
        ({"color": True, "adaptation_images": 0}, "at least 1"),
    ],
)
def test_fields_that_make_no_sense_are_said(fields, words):
    with pytest.raises(UserError, match=words):
        Augmentation(**fields)


def test_it_is_a_field_of_a_system():
    @dataclasses.dataclass(frozen=True)
    class Holder:
        augmentation: Augmentation = dataclasses.field(default=Augmentation())

        def __post_init__(self):
            check(self)

    given = parse(Holder, "", ["--augmentation.color", "--augmentation.target", "0.6"])
    expected = Augmentation(color=True, target=0.6)
    assert given.augmentation == expected
    assert hash(given) == hash(Holder(expected))
    assert decode_value(encode(expected), "here") == expected
