import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.metrics.features import BATCH, FeatureNetwork, batches, extract, quantise


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


def test_extract_calls_the_network_with_one_shape_and_drops_the_padding():
    seen, given = [], parts(BATCH, 7)
    features, logits = extract(means(seen), given)
    assert set(seen) == {(BATCH, 4, 4, 3)}
    assert logits is None
    pictures = np.concatenate(given).reshape(BATCH + 7, -1)
    np.testing.assert_allclose(features[:, 0], pictures.mean(1), rtol=1e-5)


def test_a_picture_of_another_size_is_named():
    with pytest.raises(UserError, match="picture 3 is 5x4"):
        extract(means([]), parts(3) + parts(1, shape=(5, 4, 3)))


def test_quantise_clips_and_refuses_what_is_not_finite():
    images = np.zeros((3, 2, 2, 1), np.float32)
    images[0], images[1] = -1.5, 1
    assert [int(q[0, 0, 0]) for q in quantise(images)] == [0, 255, 128]
    images[2, 1, 1, 0] = np.nan
    with pytest.raises(UserError, match="generated picture 66 is not finite"):
        quantise(images, first=64)
