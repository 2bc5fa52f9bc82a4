"""Preparing a data set is atomic: killed half-way, or done twice at once, with real processes."""

import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version

import pytest

from jaxgan.cache import cache_dir
from jaxgan.data import Avatars
from jaxgan.data import prepared as module
from jaxgan.data.prepared import UNFINISHED, prepared
from jaxgan.data.sets.dicebear import VERSION
from jaxgan.errors import UserError

LOAD = """
import sys
from jaxgan.data import Avatars
examples = Avatars(count={count}, size=8).load().examples
print(len(examples), sum(int(examples[i]["image"].sum()) for i in range(len(examples))))
"""


def start(count, folder):
    return subprocess.Popen(
        [sys.executable, "-c", LOAD.format(count=count)],
        env={**os.environ, "JAXGAN_CACHE": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_runs_at_once(tmp_path):
    runs = [start(60, tmp_path) for _ in range(2)]
    outputs = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0]
    assert outputs[0][0].startswith("60 ")
    assert [path.name for path in tmp_path.iterdir()] == [
        f"avatars-personas-60-8px-{VERSION}-dicebear{version('dicebear-styles')}"
    ]


def test_a_killed_run_leaves_nothing_that_is_taken_for_complete(tmp_path):
    run = start(3000, tmp_path)
    deadline = time.time() + 60
    while not list(tmp_path.glob(f"{UNFINISHED}avatars*/avatars")) and time.time() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    os.kill(run.pid, signal.SIGKILL)
    run.communicate()
    assert not list(tmp_path.glob("avatars*"))
    assert list(tmp_path.glob(f"{UNFINISHED}avatars*"))
    again = start(20, tmp_path)
    assert again.communicate(timeout=60)[0].startswith("20 ")


def test_the_second_run_draws_nothing(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path))
    Avatars(count=3, size=8).load()
    assert "preparing 3 avatars of 8 x 8 pixels" in capfd.readouterr().err
    Avatars(count=3, size=8).load()
    out, err = capfd.readouterr()
    assert out == err == ""


def test_names_and_order_of_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "x"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path / "j"))
    assert cache_dir() == tmp_path / "j"
    monkeypatch.delenv("JAXGAN_CACHE")
    assert cache_dir() == tmp_path / "x" / "jaxgan"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_dir() == tmp_path / "home" / ".cache" / "jaxgan"


def test_failures_leave_nothing_behind(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path / "cache"))

    def full(folder):
        (folder / "part").write_text("some")
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match=r"could not be written .* \(No space left on device\).* JAXGAN_CACHE"):
        prepared("set", full, "a set")
    assert list((tmp_path / "cache").iterdir()) == []

    def full_by_array_record(folder):
        raise RuntimeError("Failed to finalize: write() failed: No space left on device; writing x")

    with pytest.raises(UserError, match=r"\(No space left on device\): make room"):
        prepared("set", full_by_array_record, "a set")

    def defect(folder):
        raise RuntimeError("a defect of ours keeps its traceback")

    with pytest.raises(RuntimeError, match="a defect"):
        prepared("set", defect, "a set")
    assert list((tmp_path / "cache").iterdir()) == []
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(UserError, match="cannot be written"):
        prepared("set", full, "a set")


def test_another_run_may_be_first(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path))

    def prepare(folder):
        (folder / "ours").write_text("")
        (tmp_path / "set").mkdir()
        (tmp_path / "set" / "theirs").write_text("")

    place = prepared("set", prepare, "a set")
    assert [path.name for path in place.iterdir()] == ["theirs"]
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


def test_what_killed_runs_left_is_removed_after_a_day(monkeypatch, tmp_path):
    monkeypatch.setenv("JAXGAN_CACHE", str(tmp_path))
    old, new = tmp_path / f"{UNFINISHED}old", tmp_path / f"{UNFINISHED}new"
    theirs = tmp_path / ".ssh"  # the cache may be anywhere
    for folder in (old, new, theirs):
        folder.mkdir()
    long_ago = time.time() - module.ABANDONED - 10
    for folder in (old, theirs):
        os.utime(folder, (long_ago, long_ago))
    prepared("set", lambda folder: (folder / "x").write_text(""), "a set")
    assert not old.exists()
    assert new.exists()
    assert theirs.exists()
