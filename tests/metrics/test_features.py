import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.media import Audio, Medium
from jaxgan.metrics.features import BATCH, FeatureNetwork, batches, numbers, prepared, quantise, stream


def means(seen):
    """A network that notes the shapes it is given: features are the mean and the largest value of each picture."""

    def apply(pictures):
        seen.append(pictures.shape)
        flat = pictures.reshape(len(pictures), -1).astype(np.float32)
        return np.stack([flat.mean(1), flat.max(1)], 1), None

    return FeatureNetwork("means", "0" * 64, 2, apply)


def parts(*counts, shape=(4, 4, 3)):
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (count, *shape), dtype=np.uint8) for count in counts]


def test_batches_keep_every_picture_and_its_place():
    given = parts(3, 2 * BATCH + 5, 1, BATCH - 1)
    made = list(batches(given))
    assert [len(batch) for batch in made[:-1]] == [BATCH] * (len(made) - 1)
    np.testing.assert_array_equal(np.concatenate(made), np.concatenate(given))


def test_the_network_is_called_with_one_shape_and_the_padding_dropped():
    seen, given = [], parts(BATCH, 7)
    _, features, logits = zip(*stream(means(seen), given), strict=True)
    features = np.concatenate(features)
    assert set(seen) == {(BATCH, 4, 4, 3)}
    assert set(logits) == {None}
    pictures = np.concatenate(given).reshape(BATCH + 7, -1)
    np.testing.assert_allclose(features[:, 0], pictures.mean(1), rtol=1e-5)


def test_a_picture_of_another_size_is_named():
    with pytest.raises(UserError, match="picture 3 is 5x4"):
        list(stream(means([]), parts(3) + parts(1, shape=(5, 4, 3))))


def test_quantise_clips_and_refuses_what_is_not_finite():
    images = np.zeros((3, 2, 2, 1), np.float32)
    images[0], images[1] = -1.5, 1
    assert [int(q[0, 0, 0]) for q in quantise(images)] == [0, 255, 128]
    images[2, 1, 1, 0] = np.nan
    with pytest.raises(UserError, match="generated picture 66 is not finite"):
        quantise(images, first=64)


def test_numbers_are_their_own_features():
    clips = np.random.default_rng(0).normal(size=(BATCH + 6, 5, 2))
    network = numbers(Medium(), (5, 2))
    found = np.concatenate([features for _, features, _ in stream(network, [prepared(Medium(), clips)])])
    np.testing.assert_array_equal(found, np.float32(clips).reshape(-1, 10))
    assert (network.name, network.dimensions) == ("numbers", 10)
    assert network.digest == numbers(Medium(), (5, 2)).digest != numbers(Medium(), (2, 5)).digest
    with pytest.raises(UserError, match="are 49152 numbers, more than the 4096"):
        numbers(Medium(), (128, 128, 3))
    clips[3, 0, 0] = np.inf
    with pytest.raises(UserError, match="generated sound 3 is not finite"):
        prepared(Audio(rate=8000), clips)


def test_sounds_are_alike_where_they_sound_alike():
    """As waves, silence would be nearer to a tone than the tone is to itself a moment later."""
    t = np.arange(4000) / 8000
    tone, later, noise = np.sin(880 * t), np.sin(880 * t + 2), np.random.default_rng(0).uniform(-1, 1, 4000)
    network = numbers(Audio(rate=8000), (4000,))
    features = network.apply(np.stack([tone, later, noise, 0 * tone]))[0]
    distances = np.linalg.norm(features - features[0], axis=1)
    assert network.dimensions == features.shape[1] == 512
    assert distances[1] < 0.1 * distances[2]
    assert distances[1] < 0.1 * distances[3]
    assert network.digest != numbers(Medium(), (4000,)).digest
