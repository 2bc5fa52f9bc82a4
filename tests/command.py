"""The real command line, in a process of its own, and a run that is small enough for it."""

import os
import re
import subprocess
import sys
from pathlib import Path

TINY = [
    "train", "gan_digits", "--system.generator-hidden", "16", "--system.discriminator-hidden", "8", "--system.pieces", "2",
    "--system.latent-dim", "4", "--batch-size", "16", "--devices", "1",
]  # fmt: skip
"""Perceptrons of a few units on digits: what is tested is everything around them."""


def environment() -> dict[str, str]:
    """A person's environment: one device, and the session's caches, of compiled programs too, which halve the time.

    The compiler's level is that of the tests: a run that they began in a process is to go on in another.
    """
    return {
        **os.environ,
        "XLA_FLAGS": "--xla_backend_optimization_level=1",
        "JAX_COMPILATION_CACHE_DIR": str(Path(os.environ["JAXGAN_CACHE"], "compiled")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
    }


def start(*argv: str | Path, cwd: Path | None = None) -> subprocess.Popen:
    """`jaxgan ARGV`, running, with its output in pipes."""
    command = [sys.executable, "-m", "jaxgan.cli", *map(str, argv)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd, env=environment()
    )


def run(*argv: str | Path, code: int = 0, cwd: Path | None = None) -> subprocess.CompletedProcess:
    """`jaxgan ARGV`, finished, with the exit code that it must have."""
    process = start(*argv, cwd=cwd)
    out, err = process.communicate(timeout=300)
    assert process.returncode == code, f"exit code {process.returncode}, not {code}:\n{out}\n{err}"
    return subprocess.CompletedProcess(argv, code, out, err)


def digest(output: str) -> str:
    """Of the last line of a run."""
    found = re.fullmatch(r"state digest: ([0-9a-f]{64})", output.strip().splitlines()[-1])
    assert found, output
    return found[1]


def resumed(output: str) -> int:
    """The step that a run says it is resumed from; 0 where it says nothing."""
    found = re.search(r"^resuming from step (\d+)$", output, re.MULTILINE)
    return int(found[1]) if found else 0


def one_sentence(stderr: str) -> str:
    """What a refused command says: one line, no traceback, no warning of a library."""
    assert "Traceback" not in stderr, stderr
    lines = stderr.strip().splitlines()
    assert len(lines) == 1, stderr
    assert lines[0].startswith("jaxgan: "), stderr
    return lines[0]


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder: what must not change where nothing is touched."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
