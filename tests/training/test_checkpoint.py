"""Checkpoints by themselves; what a run does with damaged ones is in tests/test_resume.py."""

import logging
import sys
import types

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgan import UserError
from jaxgan.training.checkpoint import Checkpoints, check_frozen, digest, digests, host_copy, is_disk_full
from jaxgan.training.state import Network, TrainState

META = {"position": 0, "experiment": {}, "frozen": {}}


def state(step: int, value: float = 0.0) -> TrainState:
    network = Network({"kernel": np.full((3, 4), value, np.float32)}, {}, {"main": ()}, None)
    return TrainState(np.int32(step), np.uint32(7), {"G": network}, {"pool": np.zeros((0, 2), np.float32)})


@pytest.fixture
def checkpoints(tmp_path):
    opened = Checkpoints(tmp_path / "checkpoints", keep=2)
    yield opened
    opened.close()


def test_digest_sees_every_bit():
    trees = [
        {"a": np.zeros(2, np.float32)},
        {"b": np.zeros(2, np.float32)},
        {"a": np.zeros((2, 1), np.float32)},
        {"a": np.zeros(2, np.int32)},
        {"a": np.array([0, -0.0], np.float32)},
        {"a": np.array([0, np.nan], np.float32)},
        {"a": np.array([0, 1e-45], np.float32)},
        {"a": np.zeros(2, np.float32), "b": np.zeros(2, np.float32)},
    ]
    assert len({digest(tree) for tree in trees}) == len(trees)
    assert digest({"a": jnp.zeros(2)}) == digest(trees[0])  # wherever the array is


def test_host_copy_is_a_copy():
    before = state(1)
    copied = host_copy(before)
    before.networks["G"].params["kernel"][:] = 5
    assert digest(copied) == digest(state(1))


def test_saves_and_restores(checkpoints):
    for step in (1, 2, 3):
        name = checkpoints.save(state(step, step / 3), {**META, "position": step * 10})
    checkpoints.wait()
    assert checkpoints.steps() == [2, 3]
    restored, meta, warnings = checkpoints.restore(state(0))
    assert (digest(restored), meta["position"], warnings) == (name, 30, [])
    assert checkpoints.restore(state(0), 2)[1]["position"] == 20
    assert restored.aux["pool"].shape == (0, 2)
    with pytest.raises(UserError, match="has no checkpoint of step 1: it has 2, 3"):
        checkpoints.restore(state(0), 1)


@pytest.mark.parametrize(
    "name", ["exp[1]", "[!a]", "lr*", "what?", "back\\slash", "gs:", "a{b}", "byte\udcff", "two\nlines"]
)
def test_any_path_keeps_checkpoints(name, tmp_path):
    """Orbax takes a path for a pattern or an address where it can: what it wrote would not be found again."""
    (tmp_path / name).mkdir()
    opened = Checkpoints(tmp_path / name / "checkpoints")
    written = opened.save(state(1, 0.5), META)
    opened.close()
    reading = Checkpoints(tmp_path / name / "checkpoints", read_only=True)
    link = reading._path.name
    assert link.is_symlink()
    link.unlink()  # as a tidy system does in a long run
    assert digest(reading.restore(state(0))[0]) == written
    reading.close()
    assert not link.parent.exists()


@pytest.mark.parametrize("name", ["100%", "%41", "a@b=c,d", "~", "\u00e4 \u65e5", "a+b"])
def test_names_that_orbax_takes_as_they_are(name, tmp_path):
    (tmp_path / name).mkdir()
    opened = Checkpoints(tmp_path / name / "checkpoints")
    assert not opened._path.name.is_symlink()
    written = opened.save(state(1, 0.5), META)
    opened.wait()
    assert digest(opened.restore(state(0))[0]) == written
    opened.close()


def test_the_newest_save_stays_whatever_its_number(tmp_path):
    """A run that begins again saves beside what is left of another, of later steps."""
    for step in (100, 60):
        opened = Checkpoints(tmp_path / "best", keep=1)
        opened.save(state(step), META)
        opened.close()
        assert opened.steps() == [step]


def test_no_path_at_all_is_refused(tmp_path, monkeypatch):
    (tmp_path / "[tmp]").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "[tmp]"))
    with pytest.raises(UserError, match=r"checkpoints cannot be kept in .*give a --workdir of letters"):
        Checkpoints(tmp_path / "a[1]")
    assert list((tmp_path / "[tmp]").iterdir()) == []
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match=r"checkpoints cannot be kept in .*no temporary folder can be had"):
        Checkpoints(tmp_path / "a[1]")


def test_older_ones_stay_until_a_newer_one_is_read_back(checkpoints, monkeypatch):
    for step in (1, 2):
        checkpoints.save(state(step), META)
    checkpoints.save(state(3), META)
    checkpoints._manager.wait_until_finished()
    monkeypatch.setattr("jaxgan.training.checkpoint.time.sleep", lambda seconds: None)
    for file in (checkpoints.directory / "3").rglob("*"):
        if file.is_file():
            file.write_bytes(b"")  # as a drive that says that it has written
    with pytest.raises(UserError, match=r"step 3 .*cannot be read back.*The checkpoint of step 2 is good"):
        checkpoints.wait()
    restored, _, warnings = checkpoints.restore(state(0))
    assert int(restored.step) == 2
    assert "step 3" in warnings[0]
    assert checkpoints.steps() == [1, 2, 3]


def test_another_structure_is_refused(checkpoints):
    checkpoints.save(state(1), META)
    checkpoints.wait()
    other = state(0)
    other.networks["G"].params["kernel"] = np.zeros((3, 5), np.float32)
    with pytest.raises(UserError, match=r"step 1 .* is damaged"):
        checkpoints.restore(other)


def test_leftovers_of_a_killed_save_are_removed(checkpoints, tmp_path):
    checkpoints.save(state(1), META)
    checkpoints.wait()
    leftover = checkpoints.directory / "2.orbax-checkpoint-tmp"
    (checkpoints.directory / "1").rename(leftover)  # as a kill just before the last step of a save leaves it
    reading = Checkpoints(checkpoints.directory, read_only=True)
    assert reading.steps() == []
    reading.close()
    assert leftover.exists()  # one who only reads may be reading beside a run that writes it
    Checkpoints(checkpoints.directory).close()
    assert not leftover.exists()


def test_frozen_networks(tmp_path):
    meta = {"frozen": digests({"VGG": {"kernel": np.ones(3)}})}
    check_frozen({"VGG": {"kernel": np.ones(3)}}, meta, tmp_path)
    for other in ({"VGG": {"kernel": np.zeros(3)}}, {}, {"VGG": {"kernel": np.ones(3)}, "LPIPS": {}}):
        with pytest.raises(UserError, match=r"the pretrained network (VGG|LPIPS) is not the one"):
            check_frozen(other, meta, tmp_path)


def test_is_disk_full():
    wrapped = ValueError("save failed")
    wrapped.__cause__ = OSError(28, "No space left on device")
    assert is_disk_full(wrapped)
    assert is_disk_full(ValueError("RESOURCE_EXHAUSTED: Failed to write 9 bytes: No space left on device"))
    assert not is_disk_full(OSError(13, "Permission denied"))


def test_only_the_echoes_of_a_failure_are_hushed(checkpoints, capsys, caplog):
    def unraisable(text):
        error = RuntimeError(text)
        sys.unraisablehook(types.SimpleNamespace(
            exc_type=RuntimeError, exc_value=error, exc_traceback=None, err_msg=None, object=None
        ))  # fmt: skip

    def log(text):
        logging.getLogger("asyncio").error("Task exception was never retrieved", exc_info=ValueError(text))

    from jaxgan.training import checkpoint

    before = sys.unraisablehook
    seen = []
    try:
        sys.unraisablehook = lambda unraisable: seen.append(str(unraisable.exc_value))
        checkpoint._hush_late_errors.__wrapped__()
        unraisable("Event loop is closed")
        unraisable("something else")
    finally:
        sys.unraisablehook = before
    log("Failed writing /w/checkpoints/5.orbax-checkpoint-tmp/state")
    log('Error reading "D" in OCDBT database at local file "/w/checkpoints/28/state/"')
    log("of another program")
    assert seen == ["something else"]
    assert [str(record.exc_info[1]) for record in caplog.records] == ["of another program"]


def test_a_changed_position_is_damage(checkpoints):
    """The position in the data matters as much as the state: another one would train on other pictures."""
    for step in (1, 2):
        checkpoints.save(state(step), {**META, "position": 10 * step})
    checkpoints.wait()
    (metadata,) = (checkpoints.directory / "2" / "meta").glob("metadata")
    text = metadata.read_text()
    assert '"position": 20' in text or '"position":20' in text
    metadata.write_text(text.replace("20", "30", 1))
    _, meta, warnings = checkpoints.restore(state(0))
    assert meta["position"] == 10
    assert "step 2" in warnings[0]
