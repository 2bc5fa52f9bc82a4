"""The command line: a thin layer over the Python API. What a command does, one function call does.

    jaxgan train CONFIG     train a config, or go on with it
    jaxgan sample WORKDIR   make pictures with a trained run
    jaxgan bench CONFIG     measure a config's training step
    jaxgan list             the configs that ship with jaxgan
    jaxgan info WORKDIR     what a workdir holds

Exit codes: 0 done; 1 done in part, or training went wrong; 2 bad input, or a disk that is full; 130 Ctrl-C and 143 SIGTERM,
after saving.
"""

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

import jaxgan
from jaxgan import configs
from jaxgan.errors import UserError

FLAGS = (tyro.conf.FlagCreatePairsOff,)


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    sys.stdout.reconfigure(line_buffering=True)  # in a pipe or a job's log, too, progress shows as it happens
    if not argv:
        return _complain(f"give a command: {', '.join(COMMANDS)}; jaxgan --help explains them")
    if argv[0] in ("-h", "--help", "help"):
        print(__doc__.strip() + "\n\nEach command has its own --help.")
        return 0
    if argv[0] == "--version":
        print(f"jaxgan {jaxgan.__version__}")
        return 0
    command = COMMANDS.get(argv[0])
    if command is None:
        import difflib

        close = difflib.get_close_matches(argv[0], COMMANDS, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        return _complain(f"there is no command {argv[0]}.{hint} The commands are {', '.join(COMMANDS)}.")
    try:
        return command(argv[1:])
    except UserError as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        from jaxgan.training.checkpoint import is_disk_full

        if is_disk_full(error):
            return _complain("the disk is full: make room and run the same command to go on")
        if error.filename is None:
            raise
        return _complain(f"cannot use {error.filename}: {error.strerror}")


def _complain(sentence: str, code: int = 2) -> int:
    print(f"jaxgan: {sentence}", file=sys.stderr, flush=True)
    return code


def train(argv: list[str]) -> int:
    """Train a config, or go on with it where its workdir has a checkpoint."""
    config, rest = _config_of("train", argv)
    if not {"-h", "--help"} & set(rest):
        print(f"jaxgan {jaxgan.__version__}: training {config}", flush=True)
    chosen = _with_source(configs.load(config), rest)
    kind = type(chosen)

    @dataclasses.dataclass(frozen=True)
    class Train:
        """Train a config, or go on with it where its workdir has a checkpoint."""

        experiment: Annotated[kind, tyro.conf.arg(name="")]
        workdir: Path = Path("runs") / configs.find(config).stem
        """Folder of the run. A run that it holds is gone on with."""
        source: str | None = None
        """Other data: avatars, openmoji, digits, tfds:NAME, a folder of pictures, or an .npz file."""
        overwrite: bool = False
        """Begin again, dropping the run that the workdir holds."""
        deterministic: bool = False
        """On GPU, choose only algorithms that give the same bits each time. Slower. CPU and TPU do so anyway."""

    arguments = _parse(Train, f"jaxgan train {config}", rest, Train(chosen))
    if arguments.deterministic:
        flags = "--xla_gpu_deterministic_ops=true"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
        print(f"deterministic: XLA_FLAGS has {flags}; on CPU and TPU it changes nothing", flush=True)
    from jaxgan.training.loop import TrainingDiverged

    try:
        run = jaxgan.fit(arguments.experiment, arguments.workdir, overwrite=arguments.overwrite)
    except TrainingDiverged as error:
        return _complain(str(error), 1)
    return {None: 0, "SIGINT": 130, "SIGTERM": 143}[run.stopped]


@dataclasses.dataclass(frozen=True)
class Sample:
    """Make pictures with a trained run. The same arguments give the same pictures."""

    workdir: tyro.conf.Positional[Path]
    """Folder of the run."""
    num: int = 64
    """How many pictures."""
    seed: int = 0
    """Of the noise. Picture i of a seed is the same whatever --num is."""
    label: str | None = None
    """A class, by name or number. Without it a conditional system goes through all of them."""
    weights: Literal["ema", "raw"] = "ema"
    """The moving average of the weights where there is one, or the weights themselves."""
    step: int | None = None
    """Which checkpoint; the newest by default."""
    out: Path | None = None
    """The PNG file for the sheet of all pictures; WORKDIR/sample.png by default."""
    separate: Path | None = None
    """A folder for each picture as a file of its own, instead of a sheet."""
    config: str | None = None
    """The config again, for a system that is not part of jaxgan."""


def sample(argv: list[str]) -> int:
    """Make pictures with a trained run."""
    arguments = _parse(Sample, "jaxgan sample", argv)
    out = arguments.out or (arguments.workdir / "sample.png" if arguments.separate is None else None)
    if out is not None and out.suffix.lower() != ".png":
        raise UserError(f"--out {out}: it must end in .png")
    if arguments.num < 1:
        raise UserError(f"--num {arguments.num}: it must be at least 1")
    if not 0 <= arguments.seed < 2**32:
        raise UserError(f"--seed {arguments.seed}: it must be a whole number from 0 to {2**32 - 1}")
    from jaxgan import pictures

    experiment = configs.load(arguments.config) if arguments.config else None
    run = jaxgan.restore(arguments.workdir, step=arguments.step, experiment=experiment)
    made = run.sample(arguments.num, arguments.seed, arguments.label, arguments.weights)
    if arguments.separate is not None:
        arguments.separate.mkdir(parents=True, exist_ok=True)
        for index, picture in enumerate(pictures.to_uint8(made)):
            pictures.to_image(picture).save(arguments.separate / f"{index:05d}.png")
        print(f"{len(made)} pictures of step {run.step} in {arguments.separate}")
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        # Going through the classes, a column is a class, where they fit.
        classes = len(run.record.classes)
        by_class = "label" in run.system.reads and arguments.label is None and 1 < classes <= 16
        pictures.grid(made, classes if by_class else None).save(out)
        print(f"{len(made)} pictures of step {run.step} in {out}")
    return 0


def bench(argv: list[str]) -> int:
    """Measure a config's training step: seconds, images/s, FLOPs, memory."""
    config, rest = _config_of("bench", argv)
    chosen = _with_source(configs.load(config), rest)
    kind = type(chosen)

    @dataclasses.dataclass(frozen=True)
    class Bench:
        """Measure a config's training step: seconds, images/s, FLOPs, memory."""

        experiment: Annotated[kind, tyro.conf.arg(name="")]
        json: Path | None = None
        """A file to write the figures to."""
        source: str | None = None
        """Other data, as for train."""

    arguments = _parse(Bench, f"jaxgan bench {config}", rest, Bench(chosen))
    from jaxgan.benchmark import measure

    figures = {"config": config, **measure(arguments.experiment)}
    for name, value in figures.items():
        print(f"{name:20} {value:,.6g}" if isinstance(value, float) else f"{name:20} {value}")
    if arguments.json is not None:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 0


@dataclasses.dataclass(frozen=True)
class List:
    """The configs that ship with jaxgan."""


def list_configs(argv: list[str]) -> int:
    """The configs that ship with jaxgan."""
    _parse(List, "jaxgan list", argv)
    found = configs.shipped()
    width = max(map(len, found), default=0)
    for name, path in found.items():
        print(f"{name:{width}}  {configs.summary(path)}")
    return 0


@dataclasses.dataclass(frozen=True)
class Info:
    """What a workdir holds."""

    workdir: tyro.conf.Positional[Path]
    """Folder of the run."""
    config: str | None = None
    """The config again, for a system that is not part of jaxgan."""


def info(argv: list[str]) -> int:
    """What a workdir holds."""
    arguments = _parse(Info, "jaxgan info", argv)
    import jax

    from jaxgan import workdir

    experiment = configs.load(arguments.config) if arguments.config else None
    run = jaxgan.restore(arguments.workdir, experiment=experiment)
    saved = workdir.load_json(arguments.workdir / workdir.RECORD)
    print(f"system       {workdir.system_name(run.system)}")
    print(f"step         {run.step} of {run.experiment.steps}")
    for name, network in run.state.networks.items():
        count = sum(leaf.size for leaf in jax.tree.leaves(network.params))
        print(f"network {name:4} {count:,} parameters" + ("" if network.ema is None else ", with moving average"))
    for name, value in _flat(saved["experiment"]):
        print(f"  {name} = {value}")
    print(f"classes      {', '.join(run.record.classes) or 'none'}")
    print(f"versions     {', '.join(f'{k} {v}' for k, v in saved['versions'].items())}")
    if run.metrics:
        print(f"last metrics {json.dumps(run.metrics[-1])}")
    print(f"state digest: {run.digest}")
    return 0


COMMANDS = {"train": train, "sample": sample, "bench": bench, "list": list_configs, "info": info}


def _config_of(command: str, argv: list[str]) -> tuple[str, list[str]]:
    """The CONFIG that stands first, and the rest. Help without one is shown for the quickstart."""
    if argv and not argv[0].startswith("-"):
        return argv[0], list(argv[1:])
    if any(flag in argv for flag in ("-h", "--help")):
        return "quickstart", ["--help"]
    raise UserError(f"jaxgan {command} needs a config first: jaxgan {command} CONFIG [options]; jaxgan list names them")


def _with_source(experiment: Any, argv: list[str]) -> Any:
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


def _parse(kind: type, program: str, argv: list[str], default: Any = None) -> Any:
    extra = {} if default is None else {"default": default}
    return tyro.cli(kind, prog=program, args=argv, config=FLAGS, description=kind.__doc__ or "", **extra)


def _flat(value: Any, name: str = ""):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else key)
    else:
        yield name, value


if __name__ == "__main__":
    sys.exit(main())
