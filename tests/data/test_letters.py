"""Letters of the fonts that come with matplotlib, and of those that are installed, where there are many."""

import shutil
import string
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from fontTools.ttLib import TTFont  # matplotlib needs it, too

import jaxgan
from jaxgan.data import Batches, Letters, Records, parse_source
from jaxgan.data.sets.fonts import draw_characters, installed_fonts
from jaxgan.data.sets.letters import INSTALL
from jaxgan.errors import UserError

TTF = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
FONTS = ("DejaVuSans-Bold", "DejaVuSerif", "STIXGeneral", "cmr10", "cmtt10")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A few fonts of matplotlib's in folders, and one of them with another name and without Q."""
    folder = tmp_path_factory.mktemp("fonts")
    for number, name in enumerate(FONTS):
        place = folder / f"{number % 3}"
        place.mkdir(exist_ok=True)
        shutil.copy(TTF / f"{name}.ttf", place)
    renamed(TTF / "cmr10.ttf", folder / "copy.ttf", "zebra", without="Q")
    return folder


def renamed(path: Path, target: Path, family: str, without: str) -> None:
    """A copy of a font under another family's name that lacks a character."""
    with TTFont(path) as font:
        for record in font["name"].names:
            if record.nameID in (1, 16):
                record.string = family.encode(record.getEncoding())
        for table in font["cmap"].tables:
            table.cmap.pop(ord(without), None)
        font.save(target)


@pytest.fixture(scope="module", autouse=True)
def cache_of_letters(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAXGAN_CACHE", str(tmp_path_factory.mktemp("letters")))
        yield


def all_of(records: Records) -> list[dict]:
    return [records.examples[index] for index in range(len(records.examples))]


def test_letters_are_as_large_as_said_and_in_the_middle(folder):
    records = Letters(path=str(folder), part="all").load()
    assert records.classes == tuple(string.ascii_uppercase)
    examples = all_of(records)
    assert {example["label"] for example in examples} == set(range(26))
    for example in examples:
        image = example["image"]
        assert (image.shape, image.dtype) == ((32, 32, 1), np.uint8)
        rows, columns = np.nonzero((image[..., 0] < 250).any(1))[0], np.nonzero((image[..., 0] < 250).any(0))[0]
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert 25 <= max(height, width) <= 26
        assert abs(rows[0] - (31 - rows[-1])) <= 2
        assert abs(columns[0] - (31 - columns[-1])) <= 2
        assert image.min() < 80
    (square,) = (
        e["image"] for e in examples if e["family"] == b"DejaVu Sans" and e["style"] == b"Bold" and e["label"] == 8
    )
    assert (square[4:28, 16, 0] < 10).all()  # an I
    large = Letters(path=str(folder), part="all", size=64, channels=3).load().examples[0]["image"]
    assert large.shape == (64, 64, 3)
    assert (large == large[..., :1]).all()


def test_what_a_font_lacks_and_what_is_the_same_is_left_out(folder):
    families = [(e["family"], e["label"]) for e in all_of(Letters(path=str(folder), part="all").load())]
    assert len([1 for family, _ in families if family == b"cmr10"]) == 26
    assert not [1 for family, _ in families if family == b"zebra"]  # all that it has is cmr10's
    assert [letter is None for letter in draw_characters(folder / "copy.ttf", "PQR\uffff", 32)] == [
        False,
        True,
        False,
        True,
    ]


def test_a_font_to_hold_out_is_in_training_under_no_name(folder):
    fonts = [font for font, _ in installed_fonts(folder)]
    part = {font.family: font.part for font in fonts}
    assert set(part) == {"DejaVu Sans", "DejaVu Serif", "STIXGeneral", "cmr10", "cmtt10", "zebra"}
    assert part["zebra"] == part["cmr10"]  # by its looks
    assert part["DejaVu Sans"] == part["DejaVu Serif"]  # by their names
    assert set(part.values()) == {"train", "test"}
    parts = {name: all_of(Letters(path=str(folder), part=name).load()) for name in ("train", "test", "all")}
    assert all(part[e["family"].decode()] == name for name in ("train", "test") for e in parts[name])
    assert len(parts["train"]) + len(parts["test"]) == len(parts["all"])


def test_neither_files_nor_sizes_change_order_or_parts(folder, tmp_path):
    for number, path in enumerate(sorted(folder.rglob("*.ttf"), reverse=True)):
        shutil.copy(path, tmp_path / f"{number}.TTF")
    shutil.copy(TTF / "cmr10.ttf", tmp_path / "twice.ttf")
    one, other = (Letters(path=str(place), part="train").load() for place in (folder, tmp_path))
    assert one.identity == other.identity
    for a, b in zip(all_of(one), all_of(other), strict=True):
        assert (a["image"] == b["image"]).all()
        assert (a["label"], a["family"]) == (b["label"], b["family"])
    larger = {e["family"] for e in all_of(Letters(path=str(folder), part="train", size=48).load())}
    assert larger == {e["family"] for e in all_of(one)}


def test_other_fonts_are_another_set(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "fewer")
    next((tmp_path / "fewer").rglob("DejaVuSans-Bold.ttf")).unlink()
    one, other = (Letters(path=str(place), part="all").load() for place in (folder, tmp_path / "fewer"))
    assert one.identity != other.identity
    assert len(one.examples) > len(other.examples)


def test_what_draws_no_letters_is_counted(folder, tmp_path, capfd):
    shutil.copy(TTF / "cmr10.ttf", tmp_path)
    shutil.copy(TTF / "LastResortHE-Regular.ttf", tmp_path)  # boxes
    shutil.copy(TTF / "STIXSizFourSymReg.ttf", tmp_path)  # braces
    (tmp_path / "cut.ttf").write_bytes((TTF / "cmr10.ttf").read_bytes()[:2000])
    (tmp_path / "empty.otf").write_bytes(b"")
    (tmp_path / "readme.txt").write_text("fonts")
    assert {font.family for font, _ in installed_fonts(tmp_path)} == {"cmr10"}
    assert "fonts: 4 of 5 draw no letters, or none that can be read" in capfd.readouterr().err


def test_lower_case_and_digits(tmp_path):
    shutil.copy(TTF / "cmr10.ttf", tmp_path)
    letters = Letters(path=str(tmp_path), part="all", characters="letters").load()
    assert letters.classes == tuple(string.ascii_uppercase + string.ascii_lowercase)
    with Batches(Letters(path=str(tmp_path), part="all", characters="alphanumeric"), batch_size=4, seed=0) as batches:
        assert (batches.spec.count, len(batches.spec.classes)) == (62, 62)
        batch = next(batches)
    assert {name: batch[name].shape for name in batch} == {"image": (4, 32, 32, 1), "label": (4,)}
    assert parse_source("letters", Letters(size=64, channels=3)) == Letters(size=64, channels=3)


def test_refusals(folder, tmp_path):
    with pytest.raises(UserError, match=r"none has none: apt-get install fonts-urw-base35 .*; or give the folder"):
        Letters(path=str(tmp_path / "none")).load()
    shutil.copy(TTF / "cmr10.ttf", tmp_path)
    (font,) = [font for font, _ in installed_fonts(tmp_path)]
    other = {"train": "test", "test": "train"}[font.part]
    with pytest.raises(UserError, match=rf"of 1 fonts in .* none is in the part {other}: apt-get install"):
        Letters(path=str(tmp_path), part=other).load()
    with pytest.raises(UserError, match="capitals, letters, alphanumeric"):
        Letters(characters="digits")
    with pytest.raises(UserError, match="train, test or all"):
        Letters(part="validation")


def test_the_page_of_the_data_names_the_same_packages():
    page = (Path(jaxgan.__file__).parent / "data" / "README.md").read_text()
    assert INSTALL in " ".join(page.replace("\\\n", "").split())


@pytest.mark.slow
def test_what_is_learnt_on_fonts_holds_for_others():
    """The fonts of the README's packages: a classifier that has seen none of the test's designs reads them."""
    from sklearn import svm

    fonts = [font for font, _ in installed_fonts(Path("/usr/share/fonts"))]
    if len({font.family for font in fonts}) < 100:
        pytest.skip("needs the fonts that the message of Letters names")
    families = {part: {font.family for font in fonts if font.part == part} for part in ("train", "test")}
    assert not families["train"] & families["test"]
    x, y = {}, {}
    for part in families:
        examples = all_of(Letters(part=part).load())
        x[part] = np.stack([1 - example["image"].ravel() / np.float32(255) for example in examples])
        y[part] = np.array([example["label"] for example in examples])
        assert min(np.bincount(y[part], minlength=26)) > 10
    reader = svm.SVC(C=10, gamma=0.005).fit(x["train"], y["train"])
    assert (reader.predict(x["test"]) == y["test"]).mean() > 0.94  # 0.965 of 467 fonts
