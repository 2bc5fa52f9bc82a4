"""Streamed moments against numpy's of the whole, and their file."""

import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.metrics.moments import Moments

FEATURES = np.random.default_rng(0).normal(size=(50, 6)) * np.logspace(-3, 3, 6) + 1e4


def streamed(features, size):
    moments = Moments.empty(features.shape[1])
    for start in range(0, len(features), size):
        moments = moments.update(features[start : start + size])
    return moments


@pytest.mark.parametrize("size", [1, 7, 50])
def test_batches_of_any_size_give_the_moments_of_the_whole(size):
    moments = streamed(FEATURES, size)
    assert moments.count == 50
    np.testing.assert_allclose(moments.mean, FEATURES.mean(0), rtol=1e-14)
    # Relative to both features' spread: a small feature beside a large one keeps its digits.
    spread = np.outer(FEATURES.std(0), FEATURES.std(0))
    np.testing.assert_allclose(moments.covariance / spread, np.cov(FEATURES, rowvar=False) / spread, atol=1e-8)


def test_single_precision_is_added_up_in_double():
    features = np.float32([[1e4], [1e4 + 1], [1e4 + 2]])
    assert streamed(features, 2).covariance.item() == pytest.approx(1, rel=1e-12)
    assert streamed(features, 2).mean.dtype == np.float64


def test_an_update_without_pictures_changes_nothing():
    moments = streamed(FEATURES, 50)
    assert moments.update(FEATURES[:0]) is moments


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_pictures(count):
    with pytest.raises(UserError, match=f"at least 2 pictures, but there (is|are) {count}"):
        _ = streamed(FEATURES[:count], 1).covariance


def test_features_that_cannot_be_scored():
    moments = streamed(FEATURES[:10], 4)
    with pytest.raises(UserError, match=r"\[3, 5\], but must be \[pictures, 6\]"):
        moments.update(np.ones((3, 5)))
    damaged = FEATURES[:5].copy()
    damaged[2, 3] = np.nan
    with pytest.raises(UserError, match=r"not finite .* first for picture 12"):
        moments.update(damaged)


def test_saved_and_loaded(tmp_path):
    moments, about = streamed(FEATURES, 7), {"features": "inception", "digest": "00ff", "protocol": "FID"}
    moments.save(tmp_path / "new" / "real.stats", about)
    again, told = Moments.load(tmp_path / "new" / "real.stats")
    assert (again.count, told) == (50, about)
    np.testing.assert_array_equal(again.mean, moments.mean)
    np.testing.assert_array_equal(again.scatter, moments.scatter)
    moments.save(tmp_path / "twin", about)
    assert (tmp_path / "twin").read_bytes() == (tmp_path / "new" / "real.stats").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "twin"]


def test_a_file_of_pytorch_fid(tmp_path):
    covariance = np.cov(FEATURES, rowvar=False)
    np.savez(tmp_path / "fid.npz", mu=FEATURES.mean(0), sigma=covariance)
    moments, about = Moments.load(tmp_path / "fid.npz")
    assert moments.count is None
    assert about == {}
    np.testing.assert_array_equal(moments.covariance, covariance)
    with pytest.raises(UserError, match="without a count"):
        moments.update(FEATURES)


def test_files_that_are_something_else(tmp_path):
    path = tmp_path / "file.npz"
    with pytest.raises(UserError, match=r"file\.npz does not exist"):
        Moments.load(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(UserError, match="damaged"):
        Moments.load(path)
    np.savez(path, image=np.zeros(3))
    with pytest.raises(UserError, match="no array 'count'"):
        Moments.load(path)
    np.savez(path, mu=np.zeros(3), sigma=np.zeros((2, 2)))
    with pytest.raises(UserError, match=r"a mean \[3\] and a covariance \[2, 2\]"):
        Moments.load(path)
    np.savez(path, mu=np.zeros(2), sigma=np.full((2, 2), np.nan))
    with pytest.raises(UserError, match="finite"):
        Moments.load(path)
    np.savez(path, mu=np.array([{"an": "object"}]), sigma=np.zeros((1, 1)))
    with pytest.raises(UserError, match="damaged"):
        Moments.load(path)


def test_a_damaged_file_is_noticed(tmp_path):
    moments = streamed(FEATURES, 50)
    moments.save(tmp_path / "real.npz", {})
    content = (tmp_path / "real.npz").read_bytes()
    at = content.index(moments.mean.tobytes())
    (tmp_path / "real.npz").write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
    with pytest.raises(UserError, match="damaged"):
        Moments.load(tmp_path / "real.npz")
    (tmp_path / "real.npz").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="damaged"):
        Moments.load(tmp_path / "real.npz")


def test_a_place_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="could not write the statistics"):
        streamed(FEATURES, 50).save(tmp_path / "file" / "real.npz", {})
