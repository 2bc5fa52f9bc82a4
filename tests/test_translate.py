"""`Run.translate`: pictures of any size, noise, labels and what it refuses; and what --label says."""

import re
from pathlib import Path

import numpy as np
import pytest

import jaxgan
from jaxgan.conditions.labels import parse_label
from jaxgan.translation.translator import at_once, pad, padding_multiple
from tests.translating import opened, train


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    return train(tmp_path_factory.mktemp("runs"))


@pytest.mark.parametrize("size", [(16, 16), (13, 7), (1, 1), (3, 70), (129, 65)])
def test_any_size(runs, size):
    run = opened(runs, "invert")
    pictures = np.random.default_rng(0).uniform(-1, 1, (3, *size, 3)).astype(np.float32)
    np.testing.assert_array_equal(run.translate(pictures), -pictures)
    np.testing.assert_array_equal(run.translate(pictures, direction="ba"), pictures)
    np.testing.assert_array_equal(run.translate(pictures, statistics="running"), -pictures / 2)
    raw = opened(runs, "invert")
    raw.weights = "raw"
    np.testing.assert_array_equal(raw.translate(pictures), -1.5 * pictures)


def test_padding_reflects_at_the_bottom_and_the_right():
    picture = np.arange(6.0).reshape(2, 3, 1)
    np.testing.assert_array_equal(pad(picture, 3, 5)[..., 0], [[0, 1, 2, 1, 0], [3, 4, 5, 4, 3], [0, 1, 2, 1, 0]])
    np.testing.assert_array_equal(pad(picture, 2, 6)[..., 0], [[0, 1, 2, 2, 2, 2], [3, 4, 5, 5, 5, 5]])
    assert pad(picture, 2, 3) is picture


def test_padding_is_coarser_where_sizes_are_many():
    few, many = [(64, 8 * n) for n in range(1, 9)], [(64, 8 * n - 3) for n in range(1, 10)]
    assert padding_multiple(few, 8) == padding_multiple(few * 9, 8) == 8
    assert padding_multiple(many, 8) == 64
    assert padding_multiple([(n, n) for n in range(1, 200)], 12) == 12 * 6
    assert padding_multiple([(n, n) for n in range(1, 3000)], 256) == 256
    assert [at_once(side, side) for side in (8, 64, 100, 128, 256, 4000)] == [4096, 64, 16, 16, 4, 1]


def test_noise_is_of_the_picture_and_the_seed(runs):
    run = opened(runs, "noisy")
    made = run.translate(np.zeros((70, 64, 64, 3), np.float32))  # more than go at once
    assert len(np.unique(made[:, 0, 0, 0])) == 70
    for count in (1, 3, 65):
        np.testing.assert_array_equal(run.translate(np.ones((count, 64, 64, 3), np.float32)), made[:count])
    assert not np.array_equal(run.translate(np.zeros((1, 64, 64, 3), np.float32), seed=1), made[:1])


def test_labels(runs):
    pictures = np.zeros((3, 5, 4, 3), np.float32)
    made = opened(runs, "attributes").translate(pictures, label=[[1, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]])
    np.testing.assert_allclose(made[:, 0, 0, 0], np.array([1, 12, 0]) / 8 - 1)
    made = opened(runs, "classes").translate(pictures, label=np.array([2, 0, 1]))
    np.testing.assert_allclose(made[:, 0, 0, 0], np.array([2, 0, 1]) / 8 - 1)


REFUSED = {
    "direction": ("one_way", {"direction": "ba"}, "there is no direction ba: OneWay goes ab"),
    "no directions": ("no_way", {}, "NoWay does not turn pictures into pictures: jaxgan sample shows"),
    "statistics": ("invert", {"statistics": "mine"}, "there are no statistics mine"),
    "channels": ("grey", {}, "the pictures have 3 channels, but those of the run 1"),
    "dtype": ("invert", {"pictures": np.zeros((2, 8, 8, 3), np.uint8)}, "in [-1, 1], but these are uint8 [2, 8, 8, 3]"),
    "no batch": ("invert", {"pictures": np.zeros((8, 8, 3))}, "but these are float64 [8, 8, 3]"),
    "no pictures": ("invert", {"pictures": np.zeros((0, 8, 8, 3))}, "[0, 8, 8, 3]"),
    "superfluous": ("invert", {"label": [1, 2]}, "label: Invert makes its pictures without any label"),
    "missing": ("attributes", {}, "Bright must be told what the pictures shall be: give --label"),
    "short": ("attributes", {"label": [[1, 0, 0], [1, 0, 0]]}, "label is [2, 3], and must be [2, 4]"),
    "one": ("attributes", {"label": [1, 0, 0, 1]}, "label is [4], and"),
    "no truth": ("attributes", {"label": np.full((2, 4), 0.5)}, "labels are numbers from 0 to 1: hair=black"),
    "beyond": ("classes", {"label": [0, 3]}, "labels are numbers from 0 to 2: cat, dog, fox"),
    "below": ("classes", {"label": [0, -1]}, "labels are numbers from 0 to 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_python(runs, name):
    system, arguments, expected = REFUSED[name]
    with pytest.raises(jaxgan.UserError, match=re.escape(expected)):
        opened(runs, system).translate(**{"pictures": np.zeros((2, 8, 8, 3), np.float32), **arguments})


LABELS = {
    "1,0, 0,1": [1, 0, 0, 1],
    "hair=red,Glasses=1,Male=0": [0, 1, 1, 0],
    "Male=1, hair=black ,Glasses=0": [1, 0, 0, 1],
    "hair=0,Glasses=0,Male=0": [0, 0, 0, 0],
    "hair=none,Glasses=1,Male=0": [0, 0, 1, 0],
    "1,0,0": 'has 3 numbers, but the run 4 attributes: hair=black, hair=red, Glasses, Male',
    "1,0,0,2": "give 4 numbers, each 0 or 1, or names, as hair=black",
    "Male": "give 4 numbers, each 0 or 1, or names",
    "hair=red": 'does not say Glasses, Male, which nobody else knows: name all (--label '
    '"hair=red,Glasses=0,Male=0"), or give all 4 numbers',
    "Glasses=1,Male=1": '(--label "Glasses=1,Male=1,hair=black")',
    "hair=rad,Glasses=1,Male=1": 'there is no value "rad" of hair, did you mean "red"? There are hair=black, hair=red, hair=0',
    "Glases=1": 'there is no attribute "Glases", did you mean "Glasses"? There are hair, Glasses, Male',
    "Male=2": 'no value "2" of Male. There are Male=0, Male=1',
    "Male=1,Glasses": "there is no value of Glasses. There are Glasses=0, Glasses=1",
    "Male=1,Male=0": "names Male twice",
}  # fmt: skip


@pytest.mark.parametrize("text", LABELS)
def test_attributes(runs, text):
    record, expected = opened(runs, "attributes").record, LABELS[text]
    if isinstance(expected, list):
        made = parse_label(text, record)
        assert made.dtype == np.int32
        assert made.tolist() == expected
    else:
        with pytest.raises(jaxgan.UserError, match=re.escape(expected)):
            parse_label(text, record)


def test_a_class(runs):
    record = opened(runs, "classes").record
    assert [parse_label(text, record).item() for text in ("fox", "0", " 1")] == [2, 0, 1]
    for text in ("wolf", "3", "1,0", "-1"):
        with pytest.raises(jaxgan.UserError, match=f"--label {text}: there is no such class.*cat, dog, fox"):
            parse_label(text, record)
