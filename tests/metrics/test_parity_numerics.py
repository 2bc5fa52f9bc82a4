"""The figures beside those of other people's functions, on the same features and pictures.

torch-fidelity imports torchvision for its data sets, which need not be importable beside a CPU build of torch: its modules of
numerics are imported without the modules around them.
"""

import importlib
import importlib.util
import sys
import types
from unittest import mock

import numpy as np
import pytest

from jaxgan.metrics.frechet import frechet_distance
from jaxgan.metrics.inception_score import inception_score
from jaxgan.metrics.kernel import kernel_distance, polynomial_mmd2
from jaxgan.metrics.manifold import density_coverage, precision_recall
from jaxgan.metrics.moments import Moments
from jaxgan.metrics.similarity import luminance_of, ms_ssim, psnr, ssim

pytestmark = pytest.mark.parity

GENERATOR = np.random.default_rng(0)
MIXING = GENERATOR.normal(size=(96, 96)) / 10
REAL = np.float32(np.maximum(GENERATOR.normal(size=(700, 96)) @ MIXING + 0.3, 0))
FAKE = np.float32(np.maximum(GENERATOR.normal(size=(600, 96)) @ MIXING * 1.2 + 0.4, 0))


@pytest.fixture
def fidelity(monkeypatch):
    """`fidelity("metric_fid")` is torch-fidelity's module of that name."""
    package = types.ModuleType("torch_fidelity")
    package.__path__ = list(importlib.util.find_spec("torch_fidelity").submodule_search_locations)
    monkeypatch.setitem(sys.modules, "torch_fidelity", package)
    # Feature extractors and data sets, which none of the functions called here uses.
    monkeypatch.setitem(sys.modules, "torch_fidelity.utils", mock.MagicMock())
    yield lambda name: importlib.import_module(f"torch_fidelity.{name}")
    for name in [name for name in sys.modules if name.startswith("torch_fidelity.")]:
        monkeypatch.delitem(sys.modules, name)


def tensor(array):
    import torch

    return torch.tensor(np.array(array))


def test_frechet_distance_is_that_of_torch_fidelity(fidelity):
    module = fidelity("metric_fid")
    statistics = [module.fid_features_to_statistics(tensor(np.float64(features))) for features in (REAL, FAKE)]
    wanted = module.fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    moments = [Moments.empty(96) for _ in range(2)]
    for start in range(0, 700, 64):
        moments = [m.update(x[start : start + 64]) for m, x in zip(moments, (REAL, FAKE), strict=True)]
    assert wanted > 0.1
    assert frechet_distance(*moments) == pytest.approx(wanted, rel=1e-4)


def test_frechet_distance_is_that_of_scipys_matrix_square_root():
    from scipy.linalg import sqrtm

    real, fake = (np.cov(np.float64(features), rowvar=False) for features in (REAL, FAKE))
    wanted = np.square(REAL.mean(0, np.float64) - FAKE.mean(0, np.float64)).sum()
    wanted += np.trace(real + fake - 2 * sqrtm(real @ fake).real)
    moments = [Moments.empty(96).update(features) for features in (REAL, FAKE)]
    assert frechet_distance(*moments) == pytest.approx(wanted, rel=1e-4)


def test_kernel_distance_is_that_of_torch_fidelity(fidelity):
    module = fidelity("metric_kid")
    protocol = {
        "kid_kernel": "poly",
        "kid_kernel_poly_degree": 3,
        "kid_kernel_poly_gamma": None,
        "kid_kernel_poly_coef0": 1,
    }
    real, fake = np.float64(REAL[:600]), np.float64(FAKE)
    assert polynomial_mmd2(real, fake) == pytest.approx(module.kernel_mmd(real, fake, **protocol), rel=1e-4)
    # With subsets, of different draws: the means agree within their own uncertainty.
    theirs = module.kid_features_to_metric(
        tensor(REAL), tensor(FAKE), **protocol, kid_subsets=40, kid_subset_size=200, rng_seed=2020, verbose=False
    )
    mean, deviation = kernel_distance(REAL, FAKE, subsets=40, subset_size=200)
    assert mean == pytest.approx(theirs["kernel_inception_distance_mean"], abs=5 * deviation / 40**0.5)
    assert deviation == pytest.approx(theirs["kernel_inception_distance_std"], rel=0.5)


def test_inception_score_is_that_of_torch_fidelity(fidelity):
    logits = FAKE[:, :20] * 8
    shuffled = tensor(logits[np.random.default_rng(0).permutation(len(logits))])
    theirs = fidelity("metric_isc").isc_features_to_metric(shuffled, splits=7, shuffle=False)
    assert inception_score(logits, splits=7) == pytest.approx(tuple(theirs.values()), rel=1e-4)


def test_precision_and_recall_are_those_of_torch_fidelity(fidelity):
    module = fidelity("metric_prc")
    spread = np.float64(FAKE) + 0.4
    wanted = module.calculate_precision_recall_full(tensor(spread), tensor(np.float64(REAL)), neighborhood=3)
    assert all(0.01 < share < 0.99 for share in wanted)
    assert precision_recall(REAL, spread) == pytest.approx(wanted, abs=1e-6)


def test_coverage_is_what_scikit_learns_neighbours_say():
    from sklearn.neighbors import NearestNeighbors

    real, spread = np.float64(REAL), np.float64(FAKE) + 0.4
    radii = NearestNeighbors(n_neighbors=6).fit(real).kneighbors(real)[0][:, 5]
    nearest = NearestNeighbors(n_neighbors=1).fit(spread).kneighbors(real)[0][:, 0]
    wanted = (nearest < radii).mean()
    assert 0.01 < wanted < 0.99
    assert density_coverage(real, spread).coverage == pytest.approx(wanted, abs=1e-6)


def pictures(size):
    """A picture and a noisy copy of it, four times: uint8 [4, size, size + 16, 3]."""
    y, x = np.mgrid[:size, : size + 16]
    waves = np.sin(GENERATOR.uniform(0.02, 0.5, (4, 1, 1, 3)) * y[..., None] + 0.1 * x[..., None])
    clean = 127.5 + 100 * waves
    noise = GENERATOR.normal(size=clean.shape) * np.array([5, 20, 50, 90]).reshape(4, 1, 1, 1)
    return np.uint8(clean), np.uint8(np.clip(clean + noise, 0, 255))


@pytest.mark.parametrize("luminance", [False, True], ids=["RGB", "Y"])
def test_psnr_and_ssim_are_those_of_scikit_image(luminance):
    from skimage.color import rgb2ycbcr
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity

    a, b = pictures(40)
    settings = {
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
        "channel_axis": 2,
        "data_range": 255,
    }
    for index in range(4):
        x, y = (np.float64(p[index, 4:-4, 4:-4]) for p in (a, b))
        if luminance:
            x, y = (rgb2ycbcr(z / 255)[..., :1] for z in (x, y))
            np.testing.assert_allclose(luminance_of(a[index, 4:-4, 4:-4]), x, rtol=1e-9)
        pair, options = (a[index : index + 1], b[index : index + 1]), {"luminance": luminance, "border": 4}
        assert psnr(*pair, **options) == pytest.approx([peak_signal_noise_ratio(x, y, data_range=255)], rel=1e-6)
        assert ssim(*pair, **options) == pytest.approx([structural_similarity(x, y, **settings)], rel=1e-6)


def test_ms_ssim_is_that_of_pytorch_msssim():
    """At five scales, which 176 pixels hold, of even sides: odd ones it pads with black. Its window is in float32."""
    from pytorch_msssim import ms_ssim as theirs

    a, b = pictures(176)
    wanted = theirs(
        tensor(np.float64(a)).permute(0, 3, 1, 2), tensor(np.float64(b)).permute(0, 3, 1, 2), size_average=False
    )
    np.testing.assert_allclose(ms_ssim(a, b), wanted.numpy(), rtol=1e-4)
    assert wanted.max() - wanted.min() > 0.1
