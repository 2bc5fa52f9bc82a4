"""Captions of drawn faces: every word is true, and the parts share no combination."""

import itertools
import re

import numpy as np
import pytest

from jaxgan.data import AvatarCaptions, Avatars, Batches, avatar_attributes, caption_of
from jaxgan.data.sets.avatar_captions import COMBINED, avatar_part
from jaxgan.data.sets.dicebear import avatar_options, with_derived
from jaxgan.data.sets.wording import FORMS, captions_of, facts_of
from jaxgan.errors import UserError

ATTRIBUTES = avatar_attributes("personas")
FACES = [with_derived("personas", avatar_options("personas", number)) for number in range(400)]
SAID = [(face, caption) for number, face in enumerate(FACES) for caption in captions_of(face, number)]


def test_captions_say_only_what_is_true():
    for face, caption in SAID:
        assert caption.says <= facts_of(face)
        assert len({name.removesuffix("_color") for name, _ in caption.says}) >= 2


def said(caption, pattern):
    return re.search(rf"\b(?:{pattern})\b", caption.text) is not None


def test_words_mean_what_is_drawn():
    """Independent of the facts: a word is said of a face only if its attributes are these, and of some that have them."""
    told = {
        "bald": lambda face: face["hair"] == "bald",
        "beanie": lambda face: face["hair"] == "beanie",
        "no visible hair": lambda face: face["hair"] in ("bald", "beanie", "cap"),
        "only at the sides": lambda face: face["hair"] == "balding",
        "long": lambda face: face["hair"] in ("long", "extraLong"),
        "curly": lambda face: face["hair"].startswith("curly"),
        "(?<!sun)glasses(?<!no glasses)(?<!without glasses)": lambda face: face["glasses"] == "glasses",
        "sunglasses": lambda face: face["glasses"] == "sunglasses",
        "no glasses|without glasses": lambda face: face["glasses"] == "none",
        "no facial hair": lambda face: face["facial_hair"] == "none",
        "mustache": lambda face: face["facial_hair"] in ("pyramid", "walrus"),
        "checked": lambda face: face["clothes"] == "checkered",
        "light skin": lambda face: face["skin_color"] in ("tone1", "tone2", "tone3"),
        "frown": lambda face: face["mouth"] == "frown" and face["facial_hair"] != "beardMustache",
        **{f"{c} hair": lambda face, c=c: face["hair_color"] == c for c in ATTRIBUTES["hair_color"][1:]},
        **{f"{c} (?:shirt|top)": lambda face, c=c: face["clothing_color"] == c for c in ATTRIBUTES["clothing_color"]},
    }
    for words, is_true in told.items():
        faces = [face for face, caption in SAID if said(caption, words)]
        assert faces, words
        assert all(map(is_true, faces)), words
    for face, caption in SAID:
        bare = said(caption, "bald|beanie|cap|no visible hair")
        hairy = said(
            caption, rf"haired|(?:{'|'.join(ATTRIBUTES['hair_color'][1:])})(?: hair| bob| mohawk| pigtails| buzz)"
        )
        assert bare <= (face["hair_color"] == "none")
        assert hairy <= (face["hair_color"] != "none")


def test_captions_of_a_face_are_of_several_forms():
    for number, face in enumerate(FACES[:50]):
        captions = captions_of(face, number)
        assert len({caption.text for caption in captions}) == len(FORMS) == 10
        assert len({frozenset(name for name, _ in caption.says) for caption in captions}) >= 6
        assert captions == captions_of(face, number)
    assert not any(re.search(r"\ba [aeiou]|  | ,|\{|\}", caption.text) for _, caption in SAID)


def test_parts_share_no_combination_and_have_every_value():
    combinations = [
        dict(zip(COMBINED, values, strict=True)) for values in itertools.product(*(ATTRIBUTES[n] for n in COMBINED))
    ]
    parts = {part: [c for c in combinations if avatar_part(c) == part] for part in ("train", "test")}
    assert [len(found) for found in parts.values()] == [151, 17]
    for found in parts.values():
        for name in COMBINED:
            assert {c[name] for c in found} == set(ATTRIBUTES[name])
    # Which are held out never changes: figures of other runs could not be compared.
    assert avatar_part({"hair_color": "black", "glasses": "none", "clothing_color": "blue"}) == "train"
    assert [" ".join(c.values()) for c in parts["test"]][:3] == [
        "none none pink",
        "none none turquoise",
        "black glasses green",
    ]


def test_examples():
    parts = {part: AvatarCaptions(count=100, first=50, size=32, part=part).load() for part in ("train", "test", "all")}
    train, test, every = (parts[part].examples for part in ("train", "test", "all"))
    assert len(train) + len(test) == len(every) == 100
    assert 3 <= len(test) <= 25
    faces = Avatars(count=100, first=50, size=32, label=None).load().examples
    for index in range(100):
        example, face = every[index], faces[index]
        assert (example["image"] == face["image"]).all()
        named = {name: values[example[name]] for name, values in ATTRIBUTES.items()}
        assert example["captions"] == captions_of(named, 50 + index)
        assert all((name, named[name]) in example["facts"] for name in COMBINED)
    for part, examples in (("train", train), ("test", test)):
        for example in examples:
            assert avatar_part({name: ATTRIBUTES[name][example[name]] for name in COMBINED}) == part
    assert parts["train"].classes == ()
    with Batches(AvatarCaptions(count=100, first=50, size=32), batch_size=2, seed=0) as batches:
        batch = next(batches)
    assert set(batch) == {"image", *ATTRIBUTES}
    assert batch["image"].dtype == np.float32


@pytest.mark.parametrize(
    ("facts", "caption"),
    [
        (
            {"clothing_color": "yellow", "hair": "bald", "glasses": "sunglasses"},
            "a bald person with sunglasses and a yellow shirt",
        ),
        (
            {"glasses": "none", "hair_color": "orange", "clothing_color": "blue"},
            "a person with orange hair, no glasses and a blue shirt",
        ),
        ({"hair_color": "none"}, "a person with no visible hair"),
        ({"hair": "bob", "hair_color": "orange", "clothes": "checkered"}, "a person with an orange bob and a checked shirt"),
        ({"facial_hair": "walrus", "facial_hair_color": "black", "hair": "cap", "hair_color": "none"},
         "a person with an orange cap and a black mustache"),
        ({"skin_color": "tone7", "mouth": "surprise"}, "a person with dark skin and a surprised look"),
        ({"hair": "bald"}, "a bald person"),
    ],
)  # fmt: skip
def test_asking_for_a_face(facts, caption):
    assert caption_of(facts) == caption
    assert caption_of(dict(reversed(facts.items()))) == caption


def test_what_is_asked_for_is_said_in_training_too():
    words = {word for _, caption in SAID for word in re.findall(r"\w+", caption.text)}
    for name in ("hair", "hair_color", "facial_hair", "facial_hair_color", "glasses", "clothing_color", "mouth"):
        for value in ATTRIBUTES[name]:
            assert set(re.findall(r"\w+", caption_of({name: value}))) - {"facial"} <= words, value


def test_refusals():
    with pytest.raises(UserError, match="train, test or all"):
        AvatarCaptions(part="validation")
    with pytest.raises(UserError, match=r"data\.count is 0"):
        AvatarCaptions(count=0)
    first = next(number for number, face in enumerate(FACES) if avatar_part(face) == "train")
    with pytest.raises(UserError, match=rf"none of the faces {first} to {first} is in the part test"):
        AvatarCaptions(count=1, first=first, size=8, part="test").load()
    with pytest.raises(UserError, match='do not say "hair_colour", did you mean "hair_color"'):
        caption_of({"hair_colour": "black"})
    with pytest.raises(UserError, match='cannot say glasses "sunglases", did you mean "sunglasses"'):
        caption_of({"glasses": "sunglases"})
    with pytest.raises(UserError, match="do not go together"):
        caption_of({"hair": "bald", "hair_color": "black"})
    with pytest.raises(UserError, match="do not go together"):
        caption_of({"hair": "long", "hair_color": "none"})
    with pytest.raises(UserError, match="nothing to say"):
        caption_of({})
