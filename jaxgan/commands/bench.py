"""`jaxgan bench`: measure a config's training step."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import tyro

from jaxgan import configs
from jaxgan.cache import write_for
from jaxgan.commands.parsing import config_of, parse, with_source
from jaxgan.errors import UserError


def run(argv: list[str]) -> int:
    """Measure a config's training step: seconds, examples/s, FLOPs, memory."""
    config, rest = config_of("bench", argv)
    chosen = with_source(configs.load(config), rest)
    kind = type(chosen)

    @dataclasses.dataclass(frozen=True)
    class Bench:
        """Measure a config's training step: seconds, examples/s, FLOPs, memory."""

        experiment: Annotated[kind, tyro.conf.arg(name="")]
        json: Path | None = None
        """A file to write the figures to."""
        source: str | None = None
        """Other data, as for train."""
        plan: str | None = None
        """Instead of measuring, what the step would cost on so many devices, such as 8,64,256: by counting, nothing is run."""

    arguments = parse(Bench, f"jaxgan bench {config}", rest, Bench(chosen))
    if arguments.plan is None:
        from jaxgan.training.benchmark import measure

        figures = {"config": config, **measure(arguments.experiment)}
        for name, value in figures.items():
            print(f"{name:20} {value:,.6g}" if isinstance(value, float) else f"{name:20} {value}")
    else:
        from jaxgan.training import scaling

        found = scaling.plan(arguments.experiment, _counts(arguments.plan))
        print(scaling.table(found))
        figures = {"config": config, "plan": found}
    if arguments.json is not None:
        write_for(arguments.json, json.dumps(figures, indent=2) + "\n")
    return 0


def _counts(written: str) -> tuple[int, ...]:
    parts = written.split(",")
    if not all(part.strip().isdigit() and int(part) for part in parts):
        raise UserError(f"--plan {written}: it must be numbers of devices, such as 8,64,256")
    return tuple(map(int, parts))
