"""Two real processes of four devices train one run: like one of eight, and together when one is stopped or killed."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgan
from jaxgan.cli import main
from jaxgan.training import checkpoint, processes, supervision
from tests.command import TINY, digest, environment, one_sentence, resumed

COMMAND = [*TINY[: TINY.index("--devices")], "--log-every", "5", "--checkpoint-every", "5", "--sample-every", "1000"]
STEPS = 20


def start(*argv, devices: int = 4) -> subprocess.Popen:
    """`jaxgan ARGV` with so many devices."""
    flags = f"--xla_force_host_platform_device_count={devices} {environment()['XLA_FLAGS']}"
    return subprocess.Popen(
        [sys.executable, "-m", "jaxgan.cli", *map(str, argv)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**environment(), "XLA_FLAGS": flags},
    )


def start_pair(folder, *options, steps: int | tuple[int, int] = STEPS) -> list[subprocess.Popen]:
    with socket.socket() as free:
        free.bind(("localhost", 0))
        where = f"localhost:{free.getsockname()[1]},2"
    each = steps if isinstance(steps, tuple) else (steps, steps)
    return [
        start(*COMMAND, *options, "--steps", each[index], "--workdir", folder, "--distributed", f"{where},{index}")
        for index in range(2)
    ]


def finish(pair: list[subprocess.Popen], seconds: float = 120) -> list[tuple[int, str, str]]:
    """Exit code, output and errors of each."""
    ended = []
    try:
        for process in pair:
            out, err = process.communicate(timeout=seconds)
            ended.append((process.returncode, out, err))
    finally:
        for process in pair:
            process.kill()
    return ended


def when(process: subprocess.Popen, step: int) -> str:
    """Its output until it has logged `step`."""
    out = ""
    late = threading.Timer(120, process.kill)
    late.start()
    for line in process.stdout:
        out += line
        if (found := re.match(r"step (\d+)/", line)) and int(found[1]) >= step:
            break
    late.cancel()
    return out


def kill_supervised(process: subprocess.Popen) -> None:
    """SIGKILL to the process that trains, not to the one that watches over it."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True
    )
    os.kill(int(listed.stdout), signal.SIGKILL)


@pytest.fixture(scope="module")
def together(tmp_path_factory):
    """The workdir of a run of two processes, and what they printed."""
    folder = tmp_path_factory.mktemp("together") / "run"
    ended = finish(start_pair(folder))
    assert [code for code, *_ in ended] == [0, 0], ended
    return folder, ended


def assert_alike(one, other) -> None:
    """Equal but for the order of sums."""
    for mine, theirs in zip(jax.tree.leaves(one.state), jax.tree.leaves(other.state), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_two_processes_are_one_run(together, tmp_path):
    folder, (leader, follower) = together
    assert "8 x cpu of 2 processes, jit" in leader[1]
    assert "step" not in follower[1]  # logs come from process 0
    assert main([*COMMAND, "--steps", str(STEPS), "--workdir", str(tmp_path / "one")]) == 0
    assert_alike(jaxgan.restore(folder), jaxgan.restore(tmp_path / "one"))


@pytest.mark.slow
def test_pmap(together, tmp_path):
    ended = finish(start_pair(tmp_path / "run", "--parallel", "pmap"))
    assert [code for code, *_ in ended] == [0, 0], ended
    assert "8 x cpu of 2 processes, pmap" in ended[0][1]
    assert_alike(jaxgan.restore(tmp_path / "run"), jaxgan.restore(together[0]))


@pytest.mark.slow
def test_a_signal_to_one_stops_all_at_one_step(together, tmp_path):
    """And the run goes on with another number of devices."""
    pair = start_pair(tmp_path / "run", steps=100_000)
    out = when(pair[0], 5)
    pair[1].send_signal(signal.SIGTERM)
    (code, rest, _), (other, *_) = finish(pair)
    assert (code, other) == (143, 143)
    stopped = int(re.search(r"stopped by SIGTERM at step (\d+), saved", out + rest)[1])
    last = start(*COMMAND, "--steps", stopped + 5, "--workdir", tmp_path / "run", devices=1)
    ((code, out, err),) = finish([last])
    assert (code, resumed(out)) == (0, stopped), err
    ended = finish(start_pair(tmp_path / "straight", steps=stopped + 5))
    assert [code for code, *_ in ended] == [0, 0], ended
    assert_alike(jaxgan.restore(tmp_path / "run"), jaxgan.restore(tmp_path / "straight"))


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_killed(together, tmp_path, victim):
    """One of two is killed, the one that trains or the one that watches: the other says so, and the same command goes on."""
    pair = start_pair(tmp_path / "run", steps=100_000)
    when(pair[0], 10)
    pair[victim].kill() if victim else kill_supervised(pair[victim])
    began = time.monotonic()
    ended = finish(pair)
    assert time.monotonic() - began < 60
    code, _, err = ended[1 - victim]
    assert code == 1
    assert err.splitlines()[-1].startswith("jaxgan: ")
    assert err.splitlines()[-1].endswith(supervision.GONE)
    step = max(int(path.name) for path in (tmp_path / "run" / "checkpoints").iterdir() if path.name.isdigit())
    assert step >= 5
    ended = finish(start_pair(tmp_path / "run", steps=step + 5))
    assert [code for code, *_ in ended] == [0, 0], ended
    assert resumed(ended[0][1]) == step
    straight = finish(start_pair(tmp_path / "straight", steps=step + 5))
    assert digest(ended[0][1]) == digest(straight[0][1])


@pytest.mark.slow
def test_another_experiment(tmp_path):
    """The processes must train the same thing."""
    ended = finish(start_pair(tmp_path / "run", steps=(STEPS, STEPS + 1)))
    for code, _, err in ended:
        assert code == 2
        assert "process 1 of 2 was started with another experiment" in err


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        ("somewhere", "it must be HOST:PORT,COUNT,ID"),
        ("localhost:1234,2,2", "of 2 processes the last is 1, not 2"),
        (None, "JAX detects no cluster here"),
    ],
)
def test_bad_input(tmp_path, where, sentence):
    words = ["--distributed", where] if where else ["--distributed"]
    ((code, _, err),) = finish([start(*COMMAND, "--workdir", tmp_path / "run", *words)])
    assert code == 2
    assert sentence in one_sentence(err)


@pytest.mark.slow
def test_processes_that_do_not_meet(monkeypatch, tmp_path):
    """JAX aborts one that waits in vain: the process that watches over it says so. The five minutes are made five seconds."""
    code = (
        "import functools, jax, sys; from jaxgan.training import supervision as s; i = jax.distributed.initialize; "
        "jax.distributed.initialize = functools.partial(i, initialization_timeout=5); s.main(sys.argv[1:])"
    )
    monkeypatch.setattr(supervision, "COMMAND", ("-c", code))
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    where = "localhost:1,2,1"
    assert supervision.supervise([*COMMAND, "--workdir", str(tmp_path / "run"), "--distributed", where]) == 2


def test_state_is_sent_bit_for_bit():
    tree = {"a": np.float32([-0.0, np.nan, 1]), "b": jnp.bfloat16([2.5]), "n": np.int32(7), "none": np.zeros((0, 3))}
    like = jax.tree.map(np.zeros_like, tree)
    back = processes.unpacked(processes.packed(tree), like)
    assert checkpoint.digest(back) == checkpoint.digest(tree) != checkpoint.digest(like)
    assert processes.from_leader(tree) is tree  # one process: nothing is sent
    assert processes.differing("00") == []
    assert processes.Agreement().on("SIGTERM") == "SIGTERM"
