"""`jaxgan train`: train a config, or go on with it where its workdir has a checkpoint."""

import dataclasses
import os
from pathlib import Path
from typing import Annotated

import tyro

import jaxgan
from jaxgan import configs
from jaxgan.commands.parsing import complain, config_of, parse, with_source


def run(argv: list[str]) -> int:
    """Train a config, or go on with it where its workdir has a checkpoint."""
    config, rest = config_of("train", argv)
    if not {"-h", "--help"} & set(rest):
        print(f"jaxgan {jaxgan.__version__}: training {config}", flush=True)
    chosen = with_source(configs.load(config), rest)
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

    arguments = parse(Train, f"jaxgan train {config}", rest, Train(chosen))
    if arguments.deterministic:
        flags = "--xla_gpu_deterministic_ops=true"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
        print(f"deterministic: XLA_FLAGS has {flags}; on CPU and TPU it changes nothing", flush=True)
    from jaxgan.training.loop import TrainingDiverged

    try:
        run = jaxgan.fit(arguments.experiment, arguments.workdir, overwrite=arguments.overwrite)
    except TrainingDiverged as error:
        return complain(str(error), 1)
    return {None: 0, "SIGINT": 130, "SIGTERM": 143}[run.stopped]
