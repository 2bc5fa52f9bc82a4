"""Drawn faces: exact attributes, deterministic pixels."""

import io
import subprocess
import sys
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from jaxgan.data import Avatars, Batches, avatar_attributes, avatar_options, render
from jaxgan.data.drawing import draw_all
from jaxgan.data.sets.dicebear import Style, with_derived
from jaxgan.errors import UserError


@pytest.mark.parametrize("style", get_args(Style))
def test_records_say_what_is_drawn(style):
    """Drawing a face again from the integers of its record gives its pixels, to the bit."""
    records = Avatars(style=style, count=24, size=32, label=None).load()
    attributes = avatar_attributes(style)
    for index in range(24):
        example = records.examples[index]
        named = {name: values[example[name]] for name, values in attributes.items()}
        options = avatar_options(style, index)
        assert named == with_derived(style, options)
        assert (render(style, options, 32) == example["image"]).all()


def test_attributes_of_personas():
    attributes = avatar_attributes("personas")
    sizes = {name: len(values) for name, values in attributes.items()}
    assert sizes["hair"] == 20
    assert sizes["eyes"] == 6
    assert sizes["facial_hair"] == 1 + 6
    assert sizes["mouth"] == 7
    assert sizes["skin_color"] == 7
    assert sizes["hair_color"] == 1 + 7
    assert attributes["glasses"] == ("none", "glasses", "sunglasses")


def test_one_attribute_is_changed_and_nothing_else():
    options = {**avatar_options("personas", 0), "eyes": "open"}
    without = render("personas", options, 64)
    with_glasses = render("personas", {**options, "eyes": "sunglasses"}, 64)
    changed = (without != with_glasses).any(-1)
    assert 50 < changed.sum() < 400
    assert changed[24:34, 20:44].sum() == changed.sum()  # where the eyes are
    assert (render("personas", options, 64) == without).all()


def test_labels():
    data = Avatars(count=64, size=16, label="hair_color")
    with Batches(data, batch_size=64, seed=0) as batches:
        assert batches.spec.classes == avatar_attributes("personas")["hair_color"]
        batch = next(batches)
        assert batch["image"].shape == (64, 16, 16, 3)
        assert (batch["label"] == batch["hair_color"]).all()
        assert set(batch) == {"image", "label", *avatar_attributes("personas")}
    glasses = Avatars(count=64, size=16).load()
    assert glasses.classes == ("none", "glasses", "sunglasses")
    assert {glasses.examples[i]["label"] for i in range(64)} == {0, 1, 2}


def test_several_labels():
    asked = ("hair_color=black", "glasses=sunglasses", "facial_hair=none")
    data = Avatars(count=64, size=16, label=asked)
    attributes = avatar_attributes("personas")
    with Batches(data, batch_size=64, seed=0) as batches:
        assert batches.spec.classes == asked
        batch = next(batches)
    assert (batch["label"].shape, batch["label"].dtype) == ((64, 3), np.int32)
    for column, condition in enumerate(asked):
        name, value = condition.split("=")
        expected = batch[name] == attributes[name].index(value)
        assert (batch["label"][:, column] == expected).all()
        assert 0 < expected.sum() < 64
    assert Avatars(label="hair_color=black") == Avatars(label=["hair_color=black"])


def test_faces_to_hold_out(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path))
    faces, later = Avatars(count=6, size=16).load().examples, Avatars(first=4, count=4, size=16).load().examples
    assert len(later) == 4
    for index in (0, 1):
        assert (later[index]["image"] == faces[4 + index]["image"]).all()
        assert later[index]["label"] == faces[4 + index]["label"]
    known = {face["image"].tobytes() for face in faces}
    assert all(face["image"].tobytes() not in known for face in (later[2], later[3]))
    assert sorted(path.name.partition("-1.")[0] for path in tmp_path.iterdir()) == [
        "avatars-personas-6-16px",
        "avatars-personas-from4-4-16px",
    ]


def test_sizes_and_grey():
    data = Avatars(count=4, size=(16, 24), channels=1)
    assert data.load().examples[0]["image"].shape == (16, 24, 1)
    assert Avatars(count=4, size=16, crop="random").load().examples[0]["image"].shape == (18, 18, 3)


def test_refusals():
    with pytest.raises(UserError, match='"glases", did you mean "glasses"'):
        Avatars(label="glases")
    with pytest.raises(UserError, match=r'no attribute "glasses".* beard, '):
        Avatars(style="toon-head")
    with pytest.raises(UserError, match='did you mean "personas"'):
        Avatars(style="persona")
    with pytest.raises(UserError, match='"hair_colour", did you mean "hair_color"'):
        Avatars(label=("glasses=none", "hair_colour=black"))
    with pytest.raises(UserError, match=r'hair_color cannot be "blak", did you mean "black".* hair_color=VALUE'):
        Avatars(label="hair_color=blak")
    with pytest.raises(UserError, match=r'glasses cannot be "".* none, glasses, sunglasses'):
        Avatars(label=("glasses",))
    with pytest.raises(UserError, match=r"data\.label is empty"):
        Avatars(label=())
    with pytest.raises(UserError, match="give each name once"):
        Avatars(label=("glasses=none", "glasses=none"))
    with pytest.raises(UserError, match=r"data\.first is -1"):
        Avatars(first=-1)
    with pytest.raises(UserError, match='did you mean "personas"'):
        Avatars(style="persona", label=None)
    with pytest.raises(UserError, match=r"data\.count is 0"):
        Avatars(count=0)
    options = avatar_options("personas", 0)
    with pytest.raises(UserError, match='"hairs", did you mean "hair"'):
        render("personas", {**options, "hairs": "long"}, 16)
    with pytest.raises(UserError, match='cannot be "lung", did you mean "long"'):
        render("personas", {**options, "hair": "lung"}, 16)
    with pytest.raises(UserError, match='"mouth" of style personas is missing'):
        render("personas", {name: value for name, value in options.items() if name != "mouth"}, 16)


SQUARE = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1" fill="{}"/></svg>'


def test_drawings_come_in_order_whatever_their_number():
    for count in (0, 1, 7):
        pngs = list(draw_all((SQUARE.format(f"#0000{i:02x}") for i in range(count)), 2))
        assert [np.array(Image.open(io.BytesIO(png)))[0, 0, 2] for png in pngs] == list(range(count))


def test_much_larger_drawings_than_a_pipe_holds():
    noise = "".join(f'<circle cx="{i % 97}" cy="{i % 89}" r="{i % 7}" fill="#{i:06x}"/>' for i in range(0, 60000, 60))
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100">{noise}</svg>'
    pngs = list(draw_all((svg for _ in range(12)), 256))
    assert len(set(pngs)) == 1
    assert sum(map(len, pngs)) > 1 << 17


def test_a_bad_drawing_stops_it_without_hanging(capfd):
    with pytest.raises((RuntimeError, OSError)):
        list(draw_all([SQUARE.format("red")] * 5 + ["no svg"] + [SQUARE.format("red")] * 500, 2))

    def failing():
        yield SQUARE.format("red")
        raise UserError("no more")

    with pytest.raises(UserError, match="no more"):
        list(draw_all(failing(), 2))


def test_drawing_needs_no_main_guard(tmp_path):
    """A script without `if __name__ == "__main__"` is not run again by the workers."""
    script = tmp_path / "script.py"
    script.write_text("from jaxgan.data import Avatars\nprint(len(Avatars(count=3, size=9).load().examples))\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == "3\n"
    assert done.stderr.count("\n") <= 1
