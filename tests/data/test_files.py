"""Folders of files that are no pictures."""

import numpy as np
import pytest

from jaxgan.data import Batches, Files, parse_source
from jaxgan.errors import UserError
from jaxgan.media import Audio, Medium, Notes, Video, Voxels

SOUND = Audio(rate=8000)


def sounds(folder, lengths=(100, 200, 300), classes=("a", "b")):
    for number, length in enumerate(lengths):
        path = folder / classes[number % len(classes)] / f"{number}.wav" if classes else folder / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(SOUND.encode(np.linspace(0, 1, length), ".wav"))
    return folder


def test_sounds_in_subfolders_are_cut_and_filled(tmp_path):
    data = Files(path=str(sounds(tmp_path)), medium=SOUND, entry="wave", length=150)
    with Batches(data, batch_size=3, seed=0) as batches:
        assert batches.spec.media == {"wave": SOUND, "label": Medium()}
        assert batches.spec.classes == ("a", "b")
        assert batches.spec.count == 3
        waves = np.concatenate([next(batches)["wave"] for _ in range(8)])
    assert waves.shape == (24, 150)
    assert {len(np.unique(waves[:, 0].round(3))) > 5, (waves[:, -1] == 0).any()} == {True}  # random parts; silence
    first = data.without_augmentation()
    example = first.load().examples[0]
    made = first.transform(example, np.random.default_rng(0))
    assert (made["wave"][100:] == 0).all()
    assert made["label"] == 0
    assert made["wave"].dtype == np.float32
    assert example["file"] == "a/0.wav"


def test_what_cannot_be_used_is_said(tmp_path):
    folder = sounds(tmp_path / "sounds", classes=())
    with pytest.raises(
        UserError, match=r"0\.wav and .*1\.wav are of two shapes, \[100\] and \[200\].*give data\.length"
    ):
        Files(path=str(folder), medium=SOUND, entry="wave").load()
    with pytest.raises(UserError, match=r"3 of the 3 sounds .* 8000 samples a second, and the data 16000"):
        Files(path=str(folder), medium=Audio(), entry="wave", length=8).load()
    with pytest.raises(UserError, match=r"has no pieces \(\.mid, \.npy\)"):
        Files(path=str(folder), medium=Notes(), length=8).load()
    (tmp_path / "shapes").mkdir()
    (tmp_path / "shapes" / "a.obj").write_text("v 0 0 0\n")
    with pytest.raises(UserError, match=r"1 of the 1 shapes .* written as \.obj files, and not read: give \.npy"):
        Files(path=str(tmp_path / "shapes"), medium=Voxels()).load()
    with pytest.raises(UserError, match="does not exist"):
        Files(path=str(tmp_path / "none"), medium=SOUND).load()
    with pytest.raises(UserError, match=r"Files\.length is 0"):
        Files(path=str(folder), medium=SOUND, length=0)


def test_one_damaged_file_of_many_is_skipped(tmp_path, capsys):
    folder = sounds(tmp_path, lengths=[50] * 150, classes=())
    (folder / "7.wav").write_bytes(b"RIFF")
    records = Files(path=str(folder), medium=SOUND, entry="wave").load()
    assert len(records.examples) == 149
    assert "warning: skipped 1 of the 150 sounds" in capsys.readouterr().err


def test_a_clip_that_is_short_ends_with_its_last_frame(tmp_path):
    clip = np.repeat(np.linspace(-1, 1, 3, dtype=np.float32)[:, None, None, None], 8, 1).repeat(8, 2).repeat(3, 3)
    np.save(tmp_path / "a.npy", clip)
    data = Files(path=str(tmp_path), medium=Video(), entry="video", length=5)
    made = data.transform(data.load().examples[0], np.random.default_rng(0))["video"]
    np.testing.assert_array_equal(made[:, 0, 0, 0], [-1, 0, 1, 1, 1])


def test_another_folder_by_its_name(tmp_path):
    like = Files(path="here", medium=SOUND, entry="wave", length=8)
    assert parse_source(str(tmp_path), like) == Files(path=str(tmp_path), medium=SOUND, entry="wave", length=8)
