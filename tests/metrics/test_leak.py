"""Leaks of augmentation: the share of changed pictures is found, whatever the classifier's errors, where it can be."""

import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.metrics import named
from jaxgan.metrics.evaluation import result
from jaxgan.metrics.leak import CHANGES, leaks
from jaxgan.metrics.seeing import see


def pictures(count, seed, channels=3):
    """Light from above and from the left, on something reddish, with much noise; 10 x 10 uint8."""
    random = np.random.default_rng(seed)
    light = np.linspace(0.8, -0.4, 10)[:, None] + np.linspace(0.4, -0.4, 10)
    x = (light[..., None] + np.array([0.5, 0, -0.2]))[..., :channels] + random.normal(size=(count, 10, 10, channels))
    return x / 4


def whole(x):
    return np.clip(np.rint(127.5 * (x + 1)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("name", CHANGES)
def test_the_share_that_is_changed_is_found(name):
    real, made = pictures(1200, 0), pictures(1000, 1)
    changed = CHANGES[name](made, np.random.default_rng(2))
    made = np.where((np.arange(1000) % 5 < 2)[:, None, None, None], changed, made)
    found = leaks(whole(real), whole(made))
    assert set(found) == set(CHANGES)
    share, deviation = found[name]
    assert abs(share - 0.4) < 4 * deviation < 0.4


def test_of_other_real_pictures_nothing_is_changed():
    for channels in (1, 3):
        found = leaks(whole(pictures(1200, 0, channels)), whole(pictures(1000, 1, channels)))
        assert set(found) == set(CHANGES) - ({"recoloured"} if channels == 1 else set())
        for share, deviation in found.values():
            assert abs(share) < 4 * deviation < 0.3


def test_what_the_real_pictures_do_not_tell_is_left_out(capsys):
    noise = np.random.default_rng(0).integers(0, 256, (400, 9, 12, 1)).astype(np.uint8)
    assert leaks(noise, noise) == {}
    seen = see("real", [noise], None, ("leak",)), see("generated", [noise], None, ("leak",))
    figures = {"leak": named.find("leak").figures(*seen, None, 0)}
    assert np.isnan(result(figures, {}, None, 1, 0)["metrics"]["leak"]["value"])
    assert "nothing is known about leaks" in capsys.readouterr().err
    with pytest.raises(UserError, match="at least 64 real pictures, but there are 10"):
        leaks(noise[:10], noise)


def test_the_metric_is_the_greatest_of_them():
    real, made = (
        see(what, [whole(pictures(600, seed))], None, ("leak",)) for seed, what in enumerate(("real", "made"))
    )
    figures = named.find("leak").figures(real, made, None, 3)
    assert figures["value"] == max(figures[name] for name in CHANGES)
    assert "600 made 10x10 uint8 RGB pictures against 600 real" in figures["protocol"]
