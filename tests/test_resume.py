"""Stopped, killed, damaged, refused, out of space: a run goes on to the digest of one that was not."""

import errno
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from jaxgan import workdir
from jaxgan.cli import main
from tests.command import TINY, content, digest, one_sentence, resumed, run, start

STEPS = 30
# Saves of megabytes after every other step: the process is in one for a good part of its life.
COMMAND = [*TINY, "--system.generator-hidden", "512", "--checkpoint-every", "2", "--log-every", "5"]


@pytest.fixture(scope="module")
def straight(tmp_path_factory) -> tuple[Path, str]:
    """The workdir of a run that nobody disturbed, and its digest."""
    folder = tmp_path_factory.mktemp("straight") / "run"
    return folder, digest(run(*COMMAND, "--steps", STEPS, "--workdir", folder).stdout)


@pytest.fixture
def finished(straight, tmp_path) -> Path:
    """A copy of that workdir, to be damaged."""
    return Path(shutil.copytree(straight[0], tmp_path / "run"))


def go_on(folder: Path, *options, command=COMMAND, steps=STEPS) -> int:
    """The command again, in this process; its exit code."""
    return main([*command, "--steps", str(steps), "--workdir", str(folder), *map(str, options)])


def stop_at(step: int, command: list, number: signal.Signals) -> tuple[int, str, str]:
    """Run a command, and send it a signal a moment after it has logged `step`: exit code and output."""
    process = start(*command)
    out = ""
    for line in process.stdout:
        out += line
        if (found := re.match(r"step (\d+)/", line)) and int(found[1]) >= step:
            break
    time.sleep(random.uniform(0, 0.1))
    process.send_signal(number)
    rest, err = process.communicate(timeout=300)
    return process.returncode, out + rest, err


def metric_steps(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (folder / "metrics.jsonl").read_text().splitlines()]


def leftovers(folder: Path) -> list[Path]:
    # Not by `rglob`, which fails where a folder goes while it looks.
    names = (Path(place, name) for place, folders, files in os.walk(folder) for name in (*folders, *files))
    return [path for path in names if "tmp" in path.name or "partial" in path.name]


def wait_until(condition, seconds: float = 60) -> None:
    """Look again and again, without a pause worth speaking of, until it holds or the time is over."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)


@pytest.mark.slow
def test_stopped_politely(straight, tmp_path, capsys):
    command = [*COMMAND, "--steps", STEPS, "--workdir", tmp_path / "run"]
    for step, number, code in ((6, signal.SIGTERM, 143), (14, signal.SIGINT, 130)):
        found, out, err = stop_at(step, command, number)
        assert found == code, out + err
        assert err == ""
        stopped = re.search(rf"stopped by {number.name} at step (\d+), saved", out)
        assert stopped, out
        assert (tmp_path / "run" / "checkpoints" / stopped[1]).is_dir()
    last = run(*command)
    assert resumed(last.stdout) == int(stopped[1])
    assert digest(last.stdout) == straight[1]
    steps = metric_steps(tmp_path / "run")
    assert steps == sorted(set(steps))
    assert set(metric_steps(straight[0])) <= set(steps)


@pytest.mark.slow
def test_killed_ten_times(tmp_path):
    command = [*COMMAND[: COMMAND.index("--log-every")], "--log-every", 1, "--steps", 120]
    expected = digest(run(*command, "--workdir", tmp_path / "straight").stdout)
    command += ["--workdir", tmp_path / "run"]
    kills, during_saves, firsts = 0, 0, []
    generator = random.Random()
    while kills < 10:
        process = start(*command)
        first, target, period, last = None, None, 0.0, time.monotonic()
        for line in process.stdout:
            first = resumed(line) or first
            if found := re.match(r"step (\d+)/", line):
                period, last = time.monotonic() - last, time.monotonic()
                target = target or int(found[1]) + generator.randrange(1, 5)
                if int(found[1]) >= min(target, 118):
                    break
        saved = tmp_path / "run" / "checkpoints"
        # There is something to resume from only once a checkpoint is whole; and every other kill is aimed at a save.
        wait_until(lambda saved=saved: any(path.name.isdigit() for path in saved.iterdir()))
        if kills % 2:
            wait_until(lambda saved=saved: leftovers(saved), seconds=5)
        else:
            time.sleep(generator.uniform(0, 4 * period))  # of the last step: two saves, on a machine of any speed
        process.kill()
        process.communicate()
        if process.returncode == 0:
            pytest.fail("the run was over before its ten kills")
        kills += 1
        firsts.append(first)
        during_saves += bool(leftovers(saved))
        print(f"kill {kills}: had resumed from {first}; in a save: {bool(leftovers(saved))}")
    last = run(*command)
    assert resumed(last.stdout) > 0
    assert all(first and first > 0 for first in firsts[1:])
    assert digest(last.stdout) == expected
    steps = metric_steps(tmp_path / "run")
    assert steps == metric_steps(tmp_path / "straight")
    assert during_saves, "none of the ten kills met a save: make them longer"


SMALL_TRANSLATORS = {
    "cyclegan_avatars": [
        "--system.generator.width", 4, "--system.generator.blocks", 1, "--system.discriminator.width", 4, "--system.pool", 5,
        "--data.a.size", 32, "--data.b.size", 32, "--data.a.count", 24, "--data.b.count", 16,
    ],
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("config", list(SMALL_TRANSLATORS))
def test_killed_with_all_that_lasts(config, tmp_path):
    """The pool of CycleGAN."""
    command = [
        "train", config, *SMALL_TRANSLATORS[config], "--steps", 24, "--checkpoint-every", 2, "--log-every", 2, "--devices", 1
    ]  # fmt: skip
    straight = run(*command, "--workdir", tmp_path / "straight")
    command += ["--workdir", tmp_path / "run"]
    code, out, _ = stop_at(12, command, signal.SIGKILL)
    assert (code, resumed(out)) == (-signal.SIGKILL, 0)
    last = run(*command)
    assert resumed(last.stdout) > 0
    assert digest(last.stdout) == digest(straight.stdout)


def test_a_field_that_came_since_counts_as_its_default(finished, capsys):
    """A workdir of an earlier version lacks fields; another value than the default is refused, as ever."""
    path = finished / "experiment.json"
    record = json.loads(path.read_text())
    assert record["experiment"]["system"].pop("gradient_clip") == 0
    path.write_text(json.dumps(record))
    assert go_on(finished, "--system.gradient-clip", "1") == 2
    assert "system.gradient_clip: 0.0 in the workdir, 1.0 now" in capsys.readouterr().err
    assert go_on(finished) == 0


def test_the_seed_decides_the_digest(straight, tmp_path, capsys):
    digests = []
    for folder, seed in (("a", 0), ("b", 1)):
        assert go_on(tmp_path / folder, "--seed", seed) == 0
        digests.append(digest(capsys.readouterr().out))
    assert digests[0] == straight[1]
    assert digests[1] != straight[1]


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (["--system.learning-rate", "0.2"], "system.learning_rate: 0.1 in the workdir, 0.2 now"),
        (["--system.schedule.decay", "9"], "system.schedule.decay: 0 in the workdir, 9 now"),
        (["--data.size", "16"], "data.size: 8 in the workdir, 16 now"),
        (["--source", "avatars"], "data.class: "),
        (["--batch-size", "32"], "batch_size: 16 in the workdir, 32 now"),
        (["--seed", "1"], "seed: 0 in the workdir, 1 now"),
        (["--precision", "bfloat16"], 'precision: "float32" in the workdir, "bfloat16" now'),
    ],
)
def test_another_experiment_is_refused_and_nothing_touched(straight, capsys, options, field):
    before = content(straight[0])
    assert go_on(straight[0], *options) == 2
    sentence = one_sentence(capsys.readouterr().err)
    assert field in sentence
    assert "nothing was touched" in sentence
    assert "--overwrite" in sentence
    assert content(straight[0]) == before


def test_finished(finished, straight, capsys):
    before = content(finished / "checkpoints")
    assert go_on(finished) == 0
    out = capsys.readouterr().out
    assert f"already at step {STEPS} of {STEPS}" in out
    assert digest(out) == straight[1]
    assert content(finished / "checkpoints") == before


@pytest.mark.slow
def test_longer_run_is_the_same_as_a_straight_one(straight, tmp_path, capsys):
    """Steps, intervals and parallelism may change."""
    half = ["--parallel", "pmap", "--checkpoint-every", 7, "--log-every", 3]
    assert go_on(tmp_path / "run", *half, steps=STEPS // 2) == 0
    assert go_on(tmp_path / "run") == 0
    out = capsys.readouterr().out
    assert resumed(out) == STEPS // 2
    assert digest(out) == straight[1]


def test_overwrite_begins_again(finished, straight, capsys):
    (finished / "notes.txt").write_text("mine")
    assert go_on(finished, "--overwrite", "--seed", 5, steps=4) == 0
    out = capsys.readouterr().out
    assert resumed(out) == 0
    assert digest(out) != straight[1]
    assert metric_steps(finished) == [1, 2, 4]
    assert (finished / "notes.txt").read_text() == "mine"


def test_overwrite_spares_what_is_not_a_run(tmp_path, capsys):
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "precious.ckpt").write_text("mine")
    assert go_on(tmp_path, "--overwrite") == 2
    assert "no experiment.json" in one_sentence(capsys.readouterr().err)
    assert (tmp_path / "checkpoints" / "precious.ckpt").read_text() == "mine"


def test_two_runs_in_one_workdir(finished, capsys):
    with workdir.locked(finished):
        before = content(finished)
        assert go_on(finished, "--overwrite") == 2
        assert f"another process is training in {finished}" in one_sentence(capsys.readouterr().err)
        assert content(finished) == before


def largest(folder: Path) -> Path:
    """The file that holds most of the arrays."""
    return max((path for path in folder.rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)


def flip_bytes(folder: Path) -> None:
    path = largest(folder)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)


def flip_one_value(folder: Path) -> None:
    """What Orbax restores without a word: another value, well-formed."""
    import numpy as np

    from jaxgan.run import abstract_state
    from jaxgan.training.checkpoint import Checkpoints

    record = workdir.read(folder.parent.parent)
    checkpoints = Checkpoints(folder.parent, keep=9)
    state, meta, _ = checkpoints.restore(abstract_state(record), int(folder.name))
    kernel = state.networks["G"].params["Dense_0"]["kernel"]
    kernel.view(np.uint8).reshape(-1)[5] ^= 1
    shutil.rmtree(folder)
    checkpoints._manager.reload()
    import jaxgan.training.checkpoint as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "digest", lambda _: meta["digest"])  # the digest of what was meant
        checkpoints.save(state, meta)
        checkpoints.close()


def truncate(folder: Path) -> None:
    os.truncate(largest(folder), largest(folder).stat().st_size // 2)


def empty(folder: Path) -> None:
    os.truncate(folder / "meta" / "metadata", 0)


def delete_arrays(folder: Path) -> None:
    largest(folder).unlink()


def delete_metadata(folder: Path) -> None:
    shutil.rmtree(folder / "meta")


def delete_state(folder: Path) -> None:
    shutil.rmtree(folder / "state")


def delete_everything_in_it(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def delete_orbax_files(folder: Path) -> None:
    for name in ("_CHECKPOINT_METADATA", "commit_success.txt"):
        (folder / name).unlink(missing_ok=True)


DAMAGES = [
    flip_bytes, flip_one_value, truncate, empty, delete_arrays, delete_metadata, delete_state, delete_everything_in_it,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_checkpoint(damage, finished, straight, capsys):
    """The one before is used, that is said, and training goes on to the right digest."""
    damage(finished / "checkpoints" / str(STEPS))
    assert go_on(finished) == 0
    captured = capsys.readouterr()
    sentence = one_sentence(captured.err)
    assert f"the checkpoint of step {STEPS} in {finished / 'checkpoints'} is damaged" in sentence
    assert f"using step {STEPS - 2}" in sentence
    assert resumed(captured.out) == STEPS - 2
    assert digest(captured.out) == straight[1]
    assert (finished / "damaged" / str(STEPS)).is_dir()
    assert metric_steps(finished) == metric_steps(straight[0])


def test_checkpoint_without_its_markers(finished, straight, capsys):
    """Whether it counts as damaged is Orbax's to say; the digest is right either way."""
    delete_orbax_files(finished / "checkpoints" / str(STEPS))
    assert go_on(finished, steps=STEPS) == 0
    assert digest(capsys.readouterr().out) == straight[1]


def test_all_checkpoints_damaged(finished, capsys):
    for folder in (finished / "checkpoints").iterdir():
        truncate(folder)
    before = content(finished / "checkpoints")
    for argv in ([*COMMAND, "--workdir"], ["sample"], ["info"]):
        assert main([*argv, str(finished)]) == 2
        sentence = one_sentence(capsys.readouterr().err)
        assert "No good one is left" in sentence
        assert "--overwrite" in sentence
    assert content(finished / "checkpoints") == before


def test_damaged_logs(finished, straight, capsys):
    """A half-written last line, and a record that a crash of the machine left half-written."""
    lines = (finished / "metrics.jsonl").read_text()
    (finished / "metrics.jsonl").write_text(lines[:-20])
    (finished / "experiment.json").write_text((finished / "experiment.json").read_text()[:100])
    assert main(["sample", str(finished)]) == 2
    assert "experiment.json is damaged" in one_sentence(capsys.readouterr().err)
    assert go_on(finished, "--seed", 1) == 2
    assert "seed: 0 in the workdir, 1 now" in capsys.readouterr().err
    assert go_on(finished) == 0
    captured = capsys.readouterr()
    assert "experiment.json is damaged: written anew" in one_sentence(captured.err)
    assert digest(captured.out) == straight[1]
    assert metric_steps(finished) == metric_steps(straight[0])[:-1]
    assert main(["sample", str(finished), "--num", "1"]) == 0


@pytest.fixture
def small_disk(tmp_path):
    """A disk of its own: `small_disk(size)` makes it, or changes its size."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def resize(size: str) -> Path:
        options = f"size={size}" + (",remount" if os.path.ismount(folder) else "")
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode:
            pytest.skip(f"mounting a file system is not permitted here: {made.stderr.strip()}")
        return folder

    yield resize
    if os.path.ismount(folder):
        subprocess.run(["umount", str(folder)], check=True)


def fill_disk(small_disk, size: str, straight_digest: str) -> str:
    folder = small_disk(size)
    command = [*COMMAND, "--steps", STEPS, "--workdir", folder / "run"]
    refused = run(*command, code=2)
    sentence = one_sentence(refused.stderr)
    assert "the disk is full" in sentence
    assert "make room and run the same command" in sentence
    assert not leftovers(folder / "run" / "checkpoints")
    small_disk("200m")
    again = run(*command)
    assert again.stderr == ""
    if found := re.search(r"The checkpoint of step (\d+) is good", sentence):
        assert resumed(again.stdout) == int(found[1])
    assert digest(again.stdout) == straight_digest
    return sentence


@pytest.mark.slow
def test_full_disk(small_disk, straight):
    one = sum(p.stat().st_size for p in (straight[0] / "checkpoints" / str(STEPS)).rglob("*") if p.is_file())
    assert "The checkpoint of step" in fill_disk(small_disk, f"{one * 5 // 2 // 1024}k", straight[1])


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.01, 1.02, 3.1])
def test_full_disk_at_any_moment(small_disk, straight, share):
    one = sum(p.stat().st_size for p in (straight[0] / "checkpoints" / str(STEPS)).rglob("*") if p.is_file())
    fill_disk(small_disk, f"{max(8, int(one * share) // 1024)}k", straight[1])


def test_a_disk_without_locks_is_said_and_used(tmp_path, monkeypatch, capsys):
    def none(*_):
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", none)
    with workdir.locked(tmp_path / "run"):
        assert (tmp_path / "run").is_dir()
    assert "cannot be locked (Operation not supported)" in capsys.readouterr().err
