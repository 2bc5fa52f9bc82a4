"""What the commands share: how their flags are read, and how they complain."""

import contextlib
import dataclasses
import sys
from pathlib import Path
from typing import Any

import tyro

from jaxgan.cache import expanded
from jaxgan.errors import UserError

FLAGS = (tyro.conf.FlagCreatePairsOff,)


def complain(sentence: str, code: int = 2) -> int:
    with contextlib.suppress(OSError):  # where nobody listens, the code says it
        print(f"jaxgan: {sentence}", file=sys.stderr, flush=True)
    return code


def config_of(command: str, argv: list[str]) -> tuple[str, list[str]]:
    """The CONFIG that stands first, and the rest. Help without one is shown for the quickstart."""
    if argv and not argv[0].startswith("-"):
        return argv[0], list(argv[1:])
    if any(flag in argv for flag in ("-h", "--help")):
        return "quickstart", ["--help"]
    raise UserError(f"jaxgan {command} needs a config first: jaxgan {command} CONFIG [options]; jaxgan list names them")


def with_source(experiment: Any, argv: list[str]) -> Any:
    """The experiment with the data of `--source`, which decides what the `--data.` flags are."""
    from jaxgan.data import parse_source

    spec = None
    for index, word in enumerate(argv):  # the last, as of other flags
        if word == "--source" and index + 1 < len(argv):
            spec = argv[index + 1]
        elif word.startswith("--source="):
            spec = word.partition("=")[2]
    if spec is None:
        return experiment
    data = parse_source(spec, experiment.data)
    height, width, channels = getattr(data, "shape", (0, 0, 0))
    if height and not any(word.partition("=")[0].endswith((".size", "-h", "--help")) for word in argv):
        kind = "colour" if channels == 3 else "grey"
        part = "a." if hasattr(data, "a") else "pictures." if hasattr(data, "pictures") else ""
        print(
            f"--source {spec}: brought to {height}x{width} in {kind}, as the config has it; --data.{part}size sets another size"
        )
    return dataclasses.replace(experiment, data=data)


def parse(kind: type, program: str, argv: list[str], default: Any = None) -> Any:
    """The command's arguments, its paths with ~ expanded: a shell leaves that of `--workdir=~/x` to the program."""
    extra = {} if default is None else {"default": default}
    try:
        with _without_examples(default if {"-h", "--help"} & set(argv) else None):
            read = tyro.cli(kind, prog=program, args=argv, config=FLAGS, description=kind.__doc__ or "", **extra)
    except BrokenPipeError:  # nobody reads the help, or what is wrong with a flag
        raise SystemExit(0 if {"-h", "--help"} & set(argv) else 2) from None
    return dataclasses.replace(read, **{f.name: _at_home(getattr(read, f.name)) for f in dataclasses.fields(read)})


@contextlib.contextmanager
def _without_examples(value: Any):
    """The docstrings of a configuration and its parts end, for its help, where examples for Python begin."""
    kept: dict[type, str] = {}

    def shorten(part: Any) -> None:
        if dataclasses.is_dataclass(part) and type(part) not in kept:
            kept[type(part)] = type(part).__doc__ or ""
            type(part).__doc__ = kept[type(part)].partition(">>>")[0].rstrip()
            for field in dataclasses.fields(part):
                shorten(getattr(part, field.name))

    shorten(value)
    try:
        yield
    finally:
        for kind, documentation in kept.items():
            kind.__doc__ = documentation


def _at_home(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_at_home, value))
    return expanded(value) if isinstance(value, Path) else value
