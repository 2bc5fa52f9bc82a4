"""What each medium writes and reads: files that other programs understand, and stills that show what they should."""

import io
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from jaxgan import media
from jaxgan.errors import UserError
from jaxgan.media.base import tiled
from jaxgan.media.playing import KINDS, element, summary
from jaxgan.media.voxels import obj, render

RANDOM = np.random.default_rng(0)
EXAMPLES = {
    "picture": (media.Picture(), RANDOM.uniform(-1, 1, (12, 9, 3)).astype(np.float32)),
    "grey": (media.Picture(), RANDOM.uniform(-1, 1, (70, 9, 1)).astype(np.float32)),
    "points": (media.Points(), np.array([0.5, -1], np.float32)),
    "vector": (media.Vector(names=("age", "smile")), np.array([0.25, -0.5], np.float32)),
    "text": (media.Text(vocabulary=("a", "red", "ball")), np.array([1, 2, 3, 0], np.int32)),
    "sound": (media.Audio(rate=8000), np.sin(np.arange(4000) * 0.3).astype(np.float32)),
    "notes": (media.Notes(lowest=60), np.eye(8, 12, dtype=np.float32)),
    "clip": (media.Video(), RANDOM.uniform(-1, 1, (5, 16, 20, 3)).astype(np.float32)),
    "shape": (media.Voxels(), np.pad(np.ones((4, 4, 4), np.float32), 2)),
    "numbers": (media.Medium(), RANDOM.normal(size=(6, 10)).astype(np.float32)),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_medium(name, tmp_path):
    """It takes its own examples and no others, draws them, writes each of its files, and reads what it wrote last."""
    medium, x = EXAMPLES[name]
    medium.check(x.shape, x.dtype)
    assert min(medium.still(x).size) >= 16
    sheet = medium.sheet(np.stack([x] * 5))
    assert isinstance(sheet, Image.Image)
    assert medium.plays in KINDS
    for suffix in {*medium.suffixes, medium.plays, ".png"} - {".mp4"}:
        content = medium.encode(x, suffix)
        assert content, suffix
        if suffix in KINDS:
            assert "<script" not in element(content, suffix)
            assert summary("a", content, suffix).value[0].tag.startswith("a")
    npy = tmp_path / "x.npy"
    npy.write_bytes(medium.encode(x, ".npy") if ".npy" in medium.suffixes else media.Medium().encode(x, ".npy"))
    np.testing.assert_array_equal(media.Medium().decode(npy), x)
    if type(medium) is not media.Medium:
        with pytest.raises(UserError, match=r"are .*not float32 \[2, 3, 4, 5, 6\]"):
            medium.check((2, 3, 4, 5, 6), np.dtype(np.float32))
        with pytest.raises(UserError, match=f"what was made are float32 arrays .*: {medium.many} are"):
            medium.checked(np.zeros((1, 2, 3, 4, 5, 6), np.float32))


def test_a_sound_is_a_wav_file(tmp_path):
    sound, rate = np.stack([np.linspace(-1, 1, 100), np.linspace(2, -2, 100)], 1).astype(np.float32), 22050
    content = media.Audio(rate=rate).encode(sound, ".wav")
    with wave.open(io.BytesIO(content)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes(), file.getsampwidth()) == (rate, 2, 100, 2)
    (tmp_path / "a.wav").write_bytes(content)
    np.testing.assert_allclose(media.Audio(rate=rate).decode(tmp_path / "a.wav"), np.clip(sound, -1, 1), atol=1e-4)
    with pytest.raises(ValueError, match="22050 samples a second, and the data 16000"):
        media.Audio().decode(tmp_path / "a.wav")
    (tmp_path / "b.wav").write_bytes(b"RIFF no")
    with pytest.raises(ValueError, match="no WAV file"):
        media.Audio().decode(tmp_path / "b.wav")


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_wav_files_of_other_widths(tmp_path, width):
    values = np.array([-1.0, -0.5, 0.0, 0.5])
    whole = np.int64(values * 2 ** (8 * width - 1)) + (128 if width == 1 else 0)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, width, 8000, 0, "NONE", ""))
        file.writeframes(b"".join(int(v).to_bytes(width, "little", signed=width > 1) for v in whole))
    np.testing.assert_allclose(media.Audio(rate=8000).decode(tmp_path / "a.wav"), values, atol=1e-7)


def test_a_spectrogram_shows_the_pitch():
    """Black where the tone is: a quarter of the way up for an eighth of the rate."""
    still = np.asarray(media.Audio(rate=8000).still(np.sin(np.arange(8000) * 2 * np.pi / 8)))
    spectrum = still[50:]
    assert abs(int(spectrum.mean(1).argmin()) - (len(spectrum) - 1 - len(spectrum) // 4)) <= 1
    low = np.asarray(media.Audio().still(np.full(8000, 0.5)))[:48]
    assert (low[:, 100] < 100).nonzero()[0].tolist() == [12]  # a quarter from the top


def test_notes_are_a_midi_file_that_is_read_again(tmp_path):
    medium = media.Notes(lowest=48, tempo=90, steps=4)
    roll = np.full((16, 24), -1, np.float32)
    roll[0:4, 12], roll[4:8, 16], roll[0:16, 0], roll[8:9, 12], roll[9:10, 12] = 1, 0.5, 0.25, 1, -0.1
    content = medium.encode(roll, ".mid")
    assert content[:4] == b"MThd"
    assert struct.unpack(">HHH", content[8:14]) == (0, 1, 480)
    assert round(60_000_000 / 90).to_bytes(3, "big") in content
    (tmp_path / "a.mid").write_bytes(content)
    again = medium.decode(tmp_path / "a.mid")
    assert again.shape == (16, 128 - 48)
    assert medium.notes(again[:, :24])[:2] == medium.notes(medium.decode(tmp_path / "a.mid"))[:2]
    heard = [(n.start, n.steps, n.pitch, round(n.velocity, 2)) for n in medium.notes(again)]
    assert heard == [(0, 16, 48, 0.25), (0, 4, 60, 1.0), (4, 4, 64, 0.5), (8, 1, 60, 1.0)]


def test_midi_files_of_others(tmp_path):
    """Running status, tempo, drums, a note that is ended by a velocity of 0, two tracks, and what is cut off."""
    first = b"\x00\xff\x51\x03\x07\xa1\x20\x00\x90\x3c\x40\x00\x40\x7f\x60\x3c\x00\x00\x40\x00\x00\xff\x2f\x00"
    second = b"\x00\x99\x24\x7f\x00\xc0\x05\x30\x90\x43\x20\x30\x80\x43\x00\x00\xff\x2f\x00"
    head = b"MThd" + struct.pack(">IHHH", 6, 1, 2, 96)
    tracks = b"".join(b"MTrk" + struct.pack(">I", len(track)) + track for track in (first, second))
    (tmp_path / "a.mid").write_bytes(head + tracks)
    medium = media.Notes(lowest=60, steps=4)
    heard = [
        (n.start, n.steps, n.pitch, round(n.velocity * 127)) for n in medium.notes(medium.decode(tmp_path / "a.mid"))
    ]
    assert heard == [(0, 4, 60, 64), (0, 4, 64, 127), (2, 2, 67, 32)]
    for content, words in ((b"RIFF", "no Standard MIDI"), (head + tracks[:20], "cut off")):
        (tmp_path / "b.mid").write_bytes(content)
        with pytest.raises(ValueError, match=words):
            medium.decode(tmp_path / "b.mid")


def test_notes_sound_at_their_pitch():
    roll = np.zeros((8, 1), np.float32)
    roll[:] = 1
    content = media.Notes(lowest=69).encode(roll, ".wav")
    with wave.open(io.BytesIO(content)) as file:
        sound = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        loudest = np.abs(np.fft.rfft(sound)).argmax() * file.getframerate() / len(sound)
    assert abs(loudest - 440) < 2


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_clip_moves(suffix):
    clip = np.broadcast_to(np.linspace(-1, 1, 5, dtype=np.float32)[:, None, None, None], (5, 16, 20, 1))
    with Image.open(io.BytesIO(media.Video(fps=10).encode(clip, suffix))) as film:
        frames = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(film)]
        assert film.info["duration"] == 100
        assert film.info["loop"] == 0
    np.testing.assert_allclose([frame[5, 5] for frame in frames], [0, 64, 128, 191, 255], atol=2)


def test_a_clip_is_read_again(tmp_path):
    clip = np.repeat(np.linspace(-1, 1, 4, dtype=np.float32)[:, None, None, None], 128, 1).repeat(128, 2).repeat(3, 3)
    (tmp_path / "a.webp").write_bytes(media.Video().encode(clip, ".webp"))
    np.testing.assert_allclose(media.Video().decode(tmp_path / "a.webp"), clip, atol=0.01)


def test_a_shape_is_a_closed_mesh_that_looks_outwards():
    solid = np.zeros((3, 4, 5), bool)
    solid[1, 1:3, 1:4] = True
    lines = [line.split() for line in obj(solid).decode().splitlines()]
    corners = np.array([[float(part) for part in rest] for kind, *rest in lines if kind == "v"])
    faces = np.array([[int(part) - 1 for part in rest] for kind, *rest in lines if kind == "f"])
    assert len(faces) == 2 * (2 * 3 + 1 * 3 + 1 * 2)  # squares of a box of 1 x 2 x 3
    edges = {(face[i], face[(i + 1) % 4]) for face in faces for i in range(4)}
    assert len(edges) == 4 * len(faces)
    assert all(
        (b, a) in edges for a, b in edges
    )  # each edge of two squares, in both senses: closed, and of one orientation
    a, b, c, d = (corners[faces[:, i]] for i in range(4))
    volume = sum(float((p * np.cross(q, r)).sum()) / 6 for p, q, r in ((a, b, c), (a, c, d)))
    assert volume == pytest.approx(6)  # positive: outwards; x, y, z a right-handed frame


def test_a_render_shows_what_is_before_and_above():
    """A tower at the right in front of a low plate: dark above at the right, white at the left."""
    solid = np.zeros((16, 16, 16), bool)
    solid[0:3, 2:, 12:15] = True
    picture = render(solid, 0.0)
    seen = picture < 255
    assert seen.any()
    columns = seen.any(0).nonzero()[0]
    assert columns.min() > len(picture) / 2
    assert (render(np.zeros((4, 4, 4), bool), 0.0) == 255).all()
    around = [render(solid, turn) for turn in np.linspace(0, 2 * np.pi, 4, endpoint=False)]
    assert len({picture.tobytes() for picture in around}) == 4


def test_texts_of_words_and_of_characters():
    words = media.Text(vocabulary=("a", "ball", "red"))
    assert words.text(np.array([1, 3, 2, 0, 0])) == "a red ball"
    assert words.text(np.array([9, 0, 2])) == "\N{REPLACEMENT CHARACTER} ball"
    assert words.numbers("a red zebra ball", 4).tolist() == [1, 3, 2, 0]
    characters = media.Text(vocabulary=tuple("CO=("))
    assert characters.text(characters.numbers("C=O", 5)) == "C=O"
    assert words.encode(np.array([1, 3]), ".txt") == b"a red\n"
    with pytest.raises(UserError, match="not said: give Text"):
        media.Text().check((5,), np.dtype(np.int32))


def test_a_long_text_goes_on_in_the_next_line():
    medium = media.Text(vocabulary=("word", "a" * 300))
    one, many, endless = (medium.still(np.full(count, number)) for count, number in ((1, 1), (40, 1), (1, 2)))
    assert many.width <= 340
    assert endless.width <= 340
    assert many.height > 3 * one.height / 2


def test_markup_in_a_text_is_shown_and_not_run():
    assert element(b"<script>alert(1)</script>", ".txt") == "<pre>&lt;script&gt;alert(1)&lt;/script&gt;</pre>"
    assert "<script" not in element(b"", ".wav", '"><script>')


def test_vectors_are_a_table_that_is_read_again(tmp_path):
    medium = media.Vector(names=("age", "smile"))
    (tmp_path / "a.csv").write_bytes(medium.encode(np.array([0.25, -0.5]), ".csv"))
    assert (tmp_path / "a.csv").read_text() == "age,smile\n0.25,-0.5\n"
    assert medium.decode(tmp_path / "a.csv").tolist() == [0.25, -0.5]


def test_columns_of_different_widths_stand_under_their_titles():
    tiles = [Image.new("L", (20, 10), 0), Image.new("RGB", (200, 30), "red"), None, Image.new("L", (20, 20), 0)]
    sheet = tiled(tiles, 2, ("narrow one", "a=b"))
    assert sheet.size == (20 + 2 + 200, 2 * 14 + 2 + 2 * 30 + 2)
    pixels = np.asarray(sheet)
    assert pixels[45, 10].tolist() == [0, 0, 0]
    assert pixels[45, 100].tolist() == [255, 0, 0]
    assert (pixels[62:, :20] == 255).all()  # the cell that is empty


def test_what_is_guessed():
    guessed = [type(media.guessed(shape)).__name__ for shape in ((2,), (8, 8, 3), (8, 8, 1), (8, 8, 5), (100,), ())]
    assert guessed == ["Points", "Picture", "Picture", "Medium", "Medium", "Medium"]
    assert type(media.guessed((8, 8, 3), np.dtype(np.int32))) is media.Medium


@pytest.mark.parametrize("shape", [(), (1,), (40,), (100_000,), (3, 100_000), (50_000, 2), (64, 64, 18)])
def test_maps_of_many_numbers_stay_small(shape):
    still = media.Medium().still(np.linspace(0, 1, int(np.prod(shape))).reshape(shape))
    assert 1 <= min(still.size) <= max(still.size) <= 256
    assert len(np.unique(np.asarray(still))) > 1 or np.prod(shape) == 1


def test_decoding_pictures(tmp_path: Path):
    Image.new("RGB", (6, 4), (255, 0, 128)).save(tmp_path / "a.png")
    made = media.Picture().decode(tmp_path / "a.png")
    assert made.shape == (4, 6, 3)
    np.testing.assert_allclose(made[0, 0], [1, -1, 0.004], atol=1e-3)
