"""What the commands share: how their flags are read, and how they complain."""

import dataclasses
import sys
from typing import Any

import tyro

from jaxgan.errors import UserError

FLAGS = (tyro.conf.FlagCreatePairsOff,)


def complain(sentence: str, code: int = 2) -> int:
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

    for index, word in enumerate(argv):
        if word == "--source" and index + 1 < len(argv):
            spec = argv[index + 1]
        elif word.startswith("--source="):
            spec = word.partition("=")[2]
        else:
            continue
        return dataclasses.replace(experiment, data=parse_source(spec, experiment.data))
    return experiment


def parse(kind: type, program: str, argv: list[str], default: Any = None) -> Any:
    extra = {} if default is None else {"default": default}
    return tyro.cli(kind, prog=program, args=argv, config=FLAGS, description=kind.__doc__ or "", **extra)
