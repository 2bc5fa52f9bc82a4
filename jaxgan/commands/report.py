"""`jaxgan report`: a run as one HTML file."""

import dataclasses
from pathlib import Path

import tyro

from jaxgan import configs
from jaxgan.commands.parsing import parse
from jaxgan.errors import UserError


@dataclasses.dataclass(frozen=True)
class Report:
    """A run as one HTML file: config, curves, sample grids over time, metrics, throughput, versions, digest.

    It opens without a server or a network, and says what the run has not got (yet).
    """

    workdir: tyro.conf.Positional[Path]
    """Folder of the run."""
    out: Path | None = None
    """The HTML file; WORKDIR/report.html by default."""
    config: str | None = None
    """The config again, for a system that is not part of jaxgan."""


def run(argv: list[str]) -> int:
    """Write a run as one HTML file."""
    arguments = parse(Report, "jaxgan report", argv)
    if arguments.out is not None and arguments.out.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"--out {arguments.out}: it must end in .html")
    from jaxgan.report import write_report

    experiment = configs.load(arguments.config) if arguments.config else None
    out = write_report(arguments.workdir, arguments.out, experiment=experiment)
    print(f"the report of {arguments.workdir} is {out} ({out.stat().st_size / 2**20:.1f} MiB)")
    return 0
