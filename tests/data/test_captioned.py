"""Pictures with a right and a wrong caption: what is drawn, what is read, and what is refused."""

import dataclasses
import json
import re

import numpy as np
import pytest
import tyro
from PIL import Image

import jaxgan
from jaxgan.data import (
    TFDS,
    Arrays,
    AvatarCaptions,
    Avatars,
    Batches,
    Caption,
    Captioned,
    Digits,
    Folder,
    ImageData,
    OpenMoji,
    Records,
    avatar_attributes,
    openmoji_attributes,
    parse_source,
)
from jaxgan.data.sets import emoji
from jaxgan.data.sets.wording import facts_of
from jaxgan.errors import UserError
from jaxgan.media.tokens import ALPHABET, Characters, Words
from jaxgan.systems.dcgan import DCGAN

FACES = Captioned(pictures=AvatarCaptions(count=100, size=32), text=Words())


@pytest.fixture(scope="module")
def faces(cache):
    return FACES.load()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Told(ImageData):
    """Pictures of one grey each, their number, with the fields of `fields[i]`."""

    fields: tuple

    def load(self):
        number = (np.full((self.size, self.size, 1), index, np.uint8) for index in range(len(self.fields)))
        return Records([{"image": image, **fields} for image, fields in zip(number, self.fields, strict=True)])


def told(*captions, text=None, **fields):
    pictures = Told(size=2, channels=1, fields=tuple({"captions": said} for said in captions))
    return Captioned(pictures=pictures, text=text or Words(length=6), **fields)


def read(numbers, vocabulary, separator=" "):
    return separator.join(vocabulary[number - 1] for number in numbers if number)


def visits(data, records, count, start=0):
    """`count` visits to each example: its index, and the right and the wrong caption as text."""
    for seed in range(start, start + count):
        for index in range(len(records.examples)):
            made = data.transform(records.examples[index], np.random.default_rng([seed, index]))
            yield index, *(read(made[name], records.vocabulary) for name in ("text", "wrong_text"))


def test_right_captions_are_true_and_wrong_ones_never(faces):
    """Against the facts of the faces and all that any caption says, over hundreds of draws."""
    attributes = avatar_attributes("personas")
    says = {}
    for example in faces.examples:
        for caption in example["captions"]:
            says.setdefault(re.sub(r"[^\w ]", " ", caption.text).replace("  ", " "), set()).add(caption.says)
    drawn = [set() for _ in faces.examples]
    for index, right, wrong in visits(FACES, faces, 10):
        example = faces.examples[index]
        facts = facts_of({name: values[example[name]] for name, values in attributes.items()})
        assert facts == example["facts"]
        right, wrong = (re.sub("-", " ", text) for text in (right, wrong))
        assert any(said <= facts for said in says[right])
        assert not any(said <= facts for said in says[wrong])
        drawn[index].add(right)
    assert np.mean([len(texts) for texts in drawn]) > 5  # of ten captions in ten visits


def test_what_enters_a_batch(faces):
    example = faces.examples[3]
    kept = dict(example)
    made = FACES.transform(example, np.random.default_rng(0))
    assert set(made) == {"image", "text", "wrong_text", *avatar_attributes("personas")}
    plain = AvatarCaptions(count=100, size=32)
    pictures = plain.transform(plain.load().examples[3], np.random.default_rng(0))
    assert all((made[name] == value).all() for name, value in pictures.items())
    assert (made["text"].shape, made["text"].dtype) == (made["wrong_text"].shape, made["wrong_text"].dtype)
    assert (made["text"].shape, made["text"].dtype) == ((24,), np.int32)
    assert faces.vocabulary[:2] == ("a", "and")
    assert example.keys() == kept.keys()
    again = FACES.transform(example, np.random.default_rng(0))
    assert all((made[name] == again[name]).all() for name in made)


def test_batches_in_two_processes_and_after_resuming():
    def take(count, **options):
        with Batches(FACES, batch_size=8, seed=0, **options) as batches:
            assert len(batches.spec.vocabulary) == len(set(batches.spec.vocabulary)) > 50
            assert batches.spec.shapes["text"].shape == batches.spec.shapes["wrong_text"].shape == (24,)
            return [next(batches) for _ in range(count)]

    whole, later = take(4), take(2, start=2)
    parts = [take(4, process_index=p, process_count=2) for p in (0, 1)]
    for name in ("image", "text", "wrong_text"):
        assert whole[0][name].shape[0] == 8
        assert all((one[name] == other[name]).all() for one, other in zip(whole[2:], later, strict=True))
        for batch, *halves in zip(whole, *parts, strict=True):
            assert (np.concatenate([half[name] for half in halves]) == batch[name]).all()
    assert (whole[0]["text"] != whole[0]["wrong_text"]).any(1).all()


def test_wrong_captions_come_from_all_others():
    data = told(*((f"one {word}", f"two {word}") for word in "abcde"))
    records = data.load()
    drawn = {index: {"right": [], "wrong": []} for index in range(5)}
    for index, right, wrong in visits(data, records, 400):
        drawn[index]["right"].append(right)
        drawn[index]["wrong"].append(wrong)
    for index, texts in drawn.items():
        others = {f"{count} {word}" for count in ("one", "two") for word in "abcde" if word != "abcde"[index]}
        for found, expected in (
            (texts["right"], {f"{c} {'abcde'[index]}" for c in ("one", "two")}),
            (texts["wrong"], others),
        ):
            counts = {text: found.count(text) for text in found}
            assert counts.keys() == expected
            assert max(counts.values()) < 2 * min(counts.values())


def test_the_only_wrong_caption_is_found():
    """One in two hundred: more than are drawn at random."""
    data = told(*[("the same",)] * 199, ("another",))
    records = data.load()
    for index in range(30):
        made = data.transform(records.examples[index], np.random.default_rng(index))
        assert read(made["wrong_text"], records.vocabulary) == "another"
        again = data.transform(records.examples[index], np.random.default_rng(index))
        assert (made["wrong_text"] == again["wrong_text"]).all()


def test_a_caption_that_says_less_is_not_wrong():
    fields = (
        {"captions": (Caption("a red ball", frozenset({"red", "ball"})),), "facts": frozenset({"red", "ball", "big"})},
        {"captions": (Caption("a big ball", frozenset({"big", "ball"})),), "facts": frozenset({"red", "ball", "big"})},
        {"captions": (Caption("a cube", frozenset({"cube"})),), "facts": frozenset({"cube"})},
    )
    data = Captioned(pictures=Told(size=2, channels=1, fields=fields), text=Words())
    records = data.load()
    assert {wrong for index, _, wrong in visits(data, records, 50) if index < 2} == {"a cube"}
    assert {wrong for index, _, wrong in visits(data, records, 50) if index == 2} == {"a red ball", "a big ball"}


def test_captions_that_read_alike_are_not_wrong(capsys):
    """A spelling that makes no difference, and a difference that is cut off, or not known."""
    alike = ("A red ball!", "a  r\u00e9d ball")
    data = told(alike[:1], alike[1:], ("a cube",))
    assert {wrong for index, _, wrong in visits(data, data.load(), 30) if index < 2} == {"a cube"}
    captions = [
        Caption("a ball one", frozenset({1})),
        Caption("a ball two", frozenset({2})),
        Caption("cube", frozenset({3})),
    ]
    data = told(*([caption] for caption in captions), text=Words(length=2))
    assert {wrong for index, _, wrong in visits(data, data.load(), 30) if index < 2} == {"cube"}
    assert (
        '2 of 3 different captions are longer than 2 words and cut off there (--data.text.length), such as "a ball one"'
        in (capsys.readouterr().err)
    )


def test_sets_in_which_no_caption_is_wrong():
    for captions in ([("a ball",), ("A ball.",)], [("a ball", "a cube"), ("a cube",)], [("a ball",)]):
        with pytest.raises(UserError, match="no caption that is wrong for picture number 0"):
            told(*captions).load()
    # Only at the visit: both are cut to the same words.
    data = told([Caption("a ball", frozenset({1}))], [Caption("a cube", frozenset({2}))], text=Words(length=1))
    records = data.load()
    with pytest.raises(UserError, match="no caption that is wrong for picture number 1"):
        data.transform(records.examples[1], np.random.default_rng(0))


def test_in_order_nothing_is_random():
    data = told(("a", "b"), ("c", "d", "e"), ("f",), ("g", "h")).without_augmentation()
    records = data.load()
    assert list(visits(data, records, 2))[:4] == [(0, "a", "c"), (1, "d", "f"), (2, "f", "g"), (3, "h", "b")]
    assert list(visits(data, records, 1)) == list(visits(data, records, 1, start=7))


def test_without_augmentation():
    data = Captioned(pictures=AvatarCaptions(size=32, crop="random", flip=True))
    plain = Captioned(pictures=AvatarCaptions(size=32), choice="in order")
    assert data.without_augmentation() == plain.without_augmentation() == plain
    assert data.shape == (32, 32, 3)


def test_what_is_lost_is_said_once(capsys):
    data = told(*[(f"caption {n}",) for n in range(150)], ("",), text=Words(limit=100))
    records = data.load()
    said = capsys.readouterr().err
    assert len(records.examples) == 150
    assert "warning: skipped, for 1 of the 151 pictures have no caption that can be read: number 150" in said
    assert "51 of 151 different captions have words that are not known and passed over, such as" in said
    assert "1 of 151 different captions are empty or have nothing that is known, and are left out" in said
    assert said.count("\n") == 3
    # The captions that are left keep to their pictures.
    made = data.transform(records.examples[149], np.random.default_rng(0))
    assert round((made["image"][0, 0, 0] + 1) * 127.5) == 149
    with pytest.raises(
        UserError, match=r"2 of the 3 pictures have no caption that can be read: number 1, number 2\. Add"
    ):
        told(("a ball", ""), ("",), ()).load()


def test_characters(capsys):
    data = told(("a b\u4f60",), ("c",), text=Characters(length=5))
    records = data.load()
    assert records.vocabulary == tuple(ALPHABET)
    made = data.transform(records.examples[0], np.random.default_rng(0))
    assert made["text"].tolist() == [1, 69, 2, 0, 0]
    assert made["wrong_text"].tolist() == [3, 0, 0, 0, 0]
    assert (
        '1 of 2 different captions have characters that are not known and passed over, such as "a b\u4f60": \u4f60'
        in (capsys.readouterr().err)
    )


def test_read_by_the_vocabulary_of_another_set():
    """Held-out captions as a trained network knows their words."""
    test = Captioned(pictures=AvatarCaptions(count=100, size=32, part="test"), text=Words())
    vocabulary = FACES.load().vocabulary
    records = test.load(vocabulary)
    assert records.vocabulary == vocabulary != test.load().vocabulary
    example = records.examples[0]
    texts = {" ".join(re.findall(r"\w+", caption.text)) for caption in example["captions"]}
    assert read(test.transform(example, np.random.default_rng(0))["text"], vocabulary) in texts


def test_new_captions(faces, capsys):
    text = "a bald person with sunglasses and a yellow shirt"
    encoded = FACES.encode([text, text.upper()], faces.vocabulary)
    assert (encoded.shape, encoded.dtype) == ((2, 24), np.int32)
    assert [read(row, faces.vocabulary) for row in encoded] == [text, text]
    assert capsys.readouterr().err == ""
    known = FACES.encode(["a purple person with zebras, and lions"], faces.vocabulary)
    assert read(known[0], faces.vocabulary) == "a purple person with and"
    assert "words that are not known are passed over: zebras, lions\n" in capsys.readouterr().err
    FACES.encode(["hair " * 25], faces.vocabulary)
    assert "only its first 24 words are read\n" in capsys.readouterr().err
    with pytest.raises(UserError, match="caption 2 is empty: write what"):
        FACES.encode([text, " "], faces.vocabulary)
    with pytest.raises(UserError, match=r'nothing in the caption "zebras" is known: write it with words .*: a, and'):
        FACES.encode(["zebras"], faces.vocabulary)
    with pytest.raises(UserError, match="write it in Latin letters"):
        Captioned(pictures=FACES.pictures).encode(["\u4f60"], tuple(ALPHABET))


@pytest.mark.parametrize("several", [False, True])
def test_vectors_from_elsewhere(tmp_path, several):
    vectors = np.random.default_rng(0).normal(size=(6, 3, 5) if several else (6, 5))
    vectors[1] = vectors[0]
    images = np.arange(6, dtype=np.uint8)[:, None, None, None] * np.ones((1, 4, 4, 3), np.uint8)
    np.savez(tmp_path / "x.npz", image=images, text=vectors)
    data = Captioned(pictures=Arrays(path=str(tmp_path / "x.npz"), size=4))
    records = data.load()
    assert records.vocabulary == ()
    own = [{row.tobytes() for row in np.float32(vectors[index]).reshape(-1, 5)} for index in range(6)]
    rights, wrongs = [set() for _ in own], [set() for _ in own]
    for index in range(6):
        for seed in range(100):
            made = data.transform(records.examples[index], np.random.default_rng(seed))
            assert made["text"].dtype == made["wrong_text"].dtype == np.float32
            rights[index].add(made["text"].tobytes())
            wrongs[index].add(made["wrong_text"].tobytes())
    assert rights == own
    for index in range(6):
        assert wrongs[index] == set().union(*own) - own[index]
    with Batches(data, batch_size=4, seed=0) as batches:
        assert next(batches)["text"].shape == (4, 5)
    with pytest.raises(UserError, match=r'turned into vectors elsewhere.*given=\{"text": vectors\}'):
        data.encode(["a ball"], ())
    vectors[2] = np.nan
    np.savez(tmp_path / "x.npz", image=images, text=vectors)
    with pytest.raises(UserError, match='the "text" of an example is not finite'):
        data.load()


def test_captions_in_an_npz_file(tmp_path):
    np.savez(tmp_path / "x.npz", image=np.zeros((2, 4, 4, 3), np.uint8), captions=[["a ball", ""], ["a cube", "it"]])
    data = Captioned(pictures=Arrays(path=str(tmp_path / "x.npz"), size=4), text=Words())
    assert set(visits(data, data.load(), 20)) == {(0, "a ball", "a cube"), (0, "a ball", "it"), (1, "a cube", "a ball"),
                                                   (1, "it", "a ball")}  # fmt: skip


def test_emoji(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path))
    openmoji_attributes()
    some = emoji.annotations()[::300]
    monkeypatch.setattr(emoji, "annotations", lambda: some)
    data = Captioned(pictures=OpenMoji(size=16, label=None), text=Words())
    records = data.load()
    assert records.examples[0]["captions"] == ("grinning face", "face smiling: grinning face")
    rights = {right for index, right, _ in visits(data, records, 20) if index == 0}
    assert rights == {"grinning face", "face smiling grinning face"}


def test_pictures_without_captions():
    with pytest.raises(UserError, match="pictures of Digits have no captions: give AvatarCaptions, OpenMoji"):
        Captioned(pictures=Digits()).load()
    with pytest.raises(UserError, match=r"Captioned\.pictures is 'avatars': it must be ImageData"):
        Captioned(pictures="avatars")
    with pytest.raises(UserError, match=r"Captioned\.choice is 'randm'.*did you mean random"):
        Captioned(pictures=Digits(), choice="randm")
    with pytest.raises(UserError, match=r"Captioned\.text is .*Characters or Words"):
        Captioned(pictures=Digits(), text="words")


def test_in_an_experiment_and_on_the_command_line():
    for data in (
        Captioned(pictures=AvatarCaptions(size=32, part="all", first=9), text=Words(length=9, limit=50)),
        Captioned(pictures=Folder(path="x", captions="x/captions.csv"), choice="in order"),
        Captioned(pictures=TFDS(name="coco_captions", caption_key="captions"), text=Characters(length=99)),
    ):
        experiment = jaxgan.Experiment(system=DCGAN(), data=data)
        assert jaxgan.Experiment.from_json(json.loads(json.dumps(experiment.to_json()))) == experiment
        words = ("--data.text.length", "77", "--data.pictures.size", "16", "--data.choice", "in order")
        changed = tyro.cli(jaxgan.Experiment, args=words, default=experiment).data
        assert changed == Captioned(
            pictures=dataclasses.replace(data.pictures, size=16),
            text=dataclasses.replace(data.text, length=77),
            choice="in order",
        )


def test_sources_on_the_command_line(tmp_path):
    like = Captioned(pictures=AvatarCaptions(size=16, channels=1, flip=True), text=Words(length=9))
    picture = {"size": 16, "channels": 1, "flip": True}
    assert parse_source("avatars", like) == like
    assert parse_source("openmoji", like).pictures == OpenMoji(**picture)
    assert parse_source("tfds:x", like).pictures == TFDS(name="x", caption_key="caption", **picture)
    other = dataclasses.replace(like, pictures=TFDS(name="y", caption_key="captions"))
    assert parse_source("tfds:x", other).pictures == TFDS(name="x", caption_key="captions")
    np.savez(tmp_path / "a.npz", image=np.zeros((1, 2, 2, 3), np.uint8))
    assert parse_source(str(tmp_path / "a.npz"), like).pictures == Arrays(path=str(tmp_path / "a.npz"), **picture)
    with pytest.raises(UserError, match=r"captions\.csv or captions\.jsonl, but .* has neither"):
        parse_source(str(tmp_path), like)
    for index in range(3):
        Image.effect_noise((9, 9), 50).save(tmp_path / f"{index}.png")
    (tmp_path / "captions.csv").write_text("file,caption\n0.png,a ball\n1.png,a cube\n2.png,a ball\n")
    data = parse_source(str(tmp_path), like)
    table = str(tmp_path / "captions.csv")
    assert data == dataclasses.replace(like, pictures=Folder(path=str(tmp_path), captions=table, **picture))
    assert set(visits(data, data.load(), 5)) == {
        (0, "a ball", "a cube"),
        (1, "a cube", "a ball"),
        (2, "a ball", "a cube"),
    }
    (tmp_path / "captions.jsonl").write_text("")
    with pytest.raises(UserError, match="has both"):
        parse_source(str(tmp_path), like)
    with pytest.raises(UserError, match="digits has none: a source is avatars"):
        parse_source("digits", like)
    assert parse_source("avatars", Avatars()) == Avatars()
