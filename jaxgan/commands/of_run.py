"""What the commands on a trained run share; not a command itself."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

import jaxgan
from jaxgan import configs
from jaxgan.conditions import Given, assigned, merged
from jaxgan.errors import UserError

if TYPE_CHECKING:
    from jaxgan.run import Run

GIVEN = """What else the run makes its samples of, as NAME=VALUE: a file, numbers, numbers by name (smile=0.5,frown=1), or data
for what the run's own data has there, data:7 for its example 7. Give it again for another."""


@dataclasses.dataclass(frozen=True)
class OfRun:
    """The flags of every command that opens a run."""

    workdir: tyro.conf.Positional[Annotated[Path, tyro.conf.arg(metavar="WORKDIR")]]
    """Folder of the run."""
    step: int | Literal["best"] | None = dataclasses.field(default=None, kw_only=True)
    """Which checkpoint, or best: what --evaluate-every kept; the newest by default."""
    weights: Literal["ema", "raw"] = dataclasses.field(default="ema", kw_only=True)
    """The moving average of the weights where there is one, or the weights themselves."""
    standing: int = dataclasses.field(default=0, kw_only=True)
    """Passes over which the statistics of the generator's BatchNorm are averaged anew, such as 16, as BigGAN is sampled from. 0
    takes those of training."""
    config: str | None = dataclasses.field(default=None, kw_only=True)
    """The config again, for a system that is not part of jaxgan."""

    def open(self, truncation: float = 1.0) -> "Run":
        """The run, to be sampled from with this truncation. Raises: UserError: as `jaxgan.restore`, or `Run.standing`."""
        experiment = configs.load(self.config) if self.config else None
        run = jaxgan.restore(self.workdir, step=self.step, weights=self.weights, experiment=experiment)
        return run.standing(self.standing, truncation)


def given_by(label: str | None, words: tuple[str, ...]) -> Given:
    """What --label and --given say. Raises: UserError: they make no sense."""
    return merged(label, assigned(words))


def check_numbers(seed: int = 0, truncation: float = 1.0, **at_least_one: int) -> None:
    """Raises: UserError: the seed or the truncation is none, or a number is below 1."""
    if not 0 <= seed < 2**32:
        raise UserError(f"--seed {seed}: it must be a whole number from 0 to {2**32 - 1}")
    if not truncation >= 0:
        raise UserError(f"--truncation {truncation}: it must be a number of at least 0; 1 changes nothing")
    for name, value in at_least_one.items():
        if value < 1:
            raise UserError(f"--{name} {value}: it must be at least 1")
