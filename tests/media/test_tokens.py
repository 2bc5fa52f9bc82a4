"""Captions as numbers: what is kept, and what is said to be lost."""

import subprocess
import sys

import numpy as np
import pytest

from jaxgan.errors import UserError
from jaxgan.media.tokens import ALPHABET, Characters, Words

CAPTIONS = ["a red ball", "a blue ball", "the ball's red stripe", "a zebra"]


def decoded(ids, vocabulary, separator):
    return separator.join(vocabulary[number - 1] for number in ids if number)


def test_the_alphabet():
    assert len(ALPHABET) == len(set(ALPHABET)) == 69
    assert ALPHABET.startswith("abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/")
    assert ALPHABET[-1] == " "
    assert Characters().vocabulary(["any"]) == Characters().vocabulary([]) == tuple(ALPHABET)


@pytest.mark.parametrize("text", ["a red ball, 2 stripes!", ALPHABET.strip(), "x"])
def test_characters_there_and_back(text):
    encoded = Characters(length=80).encode(text, tuple(ALPHABET))
    assert (encoded.ids.shape, encoded.ids.dtype) == ((80,), np.int32)
    assert decoded(encoded.ids, ALPHABET, "") == text
    assert (encoded.ids[len(text) :] == 0).all()
    assert (encoded.unknown, encoded.cut, encoded.empty) == ((), 0, False)


def test_words_there_and_back():
    reader = Words(length=8)
    vocabulary = reader.vocabulary(CAPTIONS)
    for caption in CAPTIONS:
        encoded = reader.encode(f" {caption.upper()}. ", vocabulary)
        assert (encoded.ids.shape, encoded.ids.dtype) == ((8,), np.int32)
        assert decoded(encoded.ids, vocabulary, " ") == caption
        assert (encoded.unknown, encoded.cut, encoded.empty) == ((), 0, False)


def test_frequent_words_first_then_in_alphabetical_order():
    assert Words().vocabulary(CAPTIONS) == ("a", "ball", "red", "ball's", "blue", "stripe", "the", "zebra")
    assert Words(limit=4).vocabulary(CAPTIONS) == ("a", "ball", "red", "ball's")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Caf\u00e9 \u00c5ngstr\u00f6m", "cafe angstrom"),
        ("a  ball\n\tof\u00a0wool", "a ball of wool"),
        ("man\u2019s \u201cshoe\u201d \u2013 \u00bd \ufb01t\u2026", 'man\'s "shoe" - 1/2 fit...'),
    ],
)
def test_the_same_letters_in_another_dress(one, other):
    vocabulary = tuple(ALPHABET)
    first, second = (Characters(length=40).encode(text, vocabulary) for text in (one, other))
    assert first.ids.tolist() == second.ids.tolist()
    assert first.unknown == ()
    assert Words().vocabulary([one]) == Words().vocabulary([other])


def test_what_is_unknown_is_a_blank_among_characters_and_left_out_among_words():
    encoded = Characters(length=6).encode("a\u4f60b", tuple(ALPHABET))
    assert encoded.ids.tolist() == [1, 0, 2, 0, 0, 0]
    assert encoded.unknown == ("\u4f60",)
    encoded = Words(length=4).encode("a green, green ball", ("a", "ball"))
    assert encoded.ids.tolist() == [1, 2, 0, 0]
    assert encoded.unknown == ("green",)


def test_what_is_too_long_is_cut():
    encoded = Characters(length=5).encode("a red ball", tuple(ALPHABET))
    assert decoded(encoded.ids, ALPHABET, "") == "a red"
    assert encoded.cut == 5
    encoded = Words(length=2).encode("a green red ball", ("a", "ball", "red"))
    assert encoded.ids.tolist() == [1, 3]
    assert encoded.cut == 1


@pytest.mark.parametrize("text", ["", "  \n", "\u4f60 \u597d"])
def test_nothing_is_left(text):
    assert Characters().encode(text, tuple(ALPHABET)).empty
    assert Words().encode(text, ("a", "ball")).empty


def test_other_scripts_have_words():
    vocabulary = Words().vocabulary(["\u043a\u0440\u0430\u0441\u043d\u044b\u0439 \u043c\u044f\u0447"])
    assert vocabulary == ("\u043a\u0440\u0430\u0441\u043d\u044b\u0439", "\u043c\u044f\u0447")


def test_refusals():
    with pytest.raises(UserError, match=r"Characters\.length is 0"):
        Characters(length=0)
    with pytest.raises(UserError, match=r"Words\.limit is 1\.5"):
        Words(limit=1.5)


def test_it_needs_no_jax():
    code = "import sys; sys.modules['jaxgan'] = type(sys)('jaxgan'); sys.modules['jaxgan'].__path__ = [sys.argv[1]]\n"
    code += "import jaxgan.media.tokens; assert 'jax' not in sys.modules"
    import jaxgan

    subprocess.run([sys.executable, "-c", code, jaxgan.__path__[0]], check=True)
