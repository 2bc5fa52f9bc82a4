"""`jaxgan train`: train a config, or go on with it where its workdir has a checkpoint."""

import contextlib
import dataclasses
import os
from pathlib import Path
from typing import Annotated

import tyro

import jaxgan
from jaxgan import configs
from jaxgan.commands.parsing import complain, config_of, parse, with_source
from jaxgan.errors import UserError

DISTRIBUTED = "--distributed"
STOPPED = {None: 0, "SIGINT": 130, "SIGTERM": 143}
"""Exit codes by the signal that ended training early."""


def run(argv: list[str]) -> int:
    """Train a config, or go on with it where its workdir has a checkpoint."""
    config, rest = config_of("train", argv)
    asks_for_help = {"-h", "--help"} & set(rest)
    if DISTRIBUTED in (word.partition("=")[0] for word in rest):
        from jaxgan.training import supervision

        if not asks_for_help and not supervision.is_supervised():
            return supervision.supervise(["train", *argv])
        rest = _with_value(rest)
    if not asks_for_help:
        with contextlib.suppress(BrokenPipeError):  # a person who has gone away (`| head`) stops no training
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
        """Other data: avatars, openmoji, digits, letters, clipart, tfds:NAME, a folder of pictures, or an .npz file. Where the
        config learns from sounds, clips or other files, a folder of those; from pairs, a folder of them; where from two sets, a
        folder with A and B, or trainA and trainB."""
        seeds: str | None = None
        """Train with each of these seeds, such as 0,1,2, in WORKDIR/seed0, ..., and write what they have in common to
        WORKDIR/summary.json; instead of --seed."""
        overwrite: bool = False
        """Begin again, dropping the run that the workdir holds."""
        distributed: str | None = None
        """Train with several processes, each started by this command: alone where JAX knows the cluster (a TPU pod slice,
        SLURM), otherwise with HOST:PORT,COUNT,ID: where process 0 listens, how many there are, and which one this is."""
        profile: bool = False
        """Write a trace of five steps into WORKDIR/tensorboard, for TensorBoard's profiler or XProf."""
        deterministic: bool = False
        """On GPU, choose only algorithms that give the same bits each time. Slower. CPU and TPU do so anyway."""

    if all(any(word.partition("=")[0] == flag for word in rest) for flag in ("--seed", "--seeds")):
        raise UserError("--seed and --seeds are both given: --seed is for one run, --seeds for one of each")
    arguments = parse(Train, f"jaxgan train {config}", rest, Train(chosen))
    if arguments.deterministic:
        flags = "--xla_gpu_deterministic_ops=true"
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
        print(f"deterministic: XLA_FLAGS has {flags}; on CPU and TPU it changes nothing", flush=True)
    if arguments.distributed is None:
        return _train(arguments)
    if arguments.seeds is not None:
        raise UserError("--seeds and --distributed are both given: train one seed after the other, with --seed")
    from jaxgan.training import processes, supervision

    processes.initialize(arguments.distributed)
    supervision.have_met()
    code = _train(arguments)
    if code in STOPPED.values():
        processes.part()
    return code


def _train(arguments) -> int:
    if arguments.seeds is not None:
        if arguments.profile:
            raise UserError("--seeds and --profile are both given: profile one run")
        return _train_seeds(arguments)
    from jaxgan.training.loop import TrainingDiverged

    try:
        with contextlib.ExitStack() as stack:
            callbacks = ()
            if arguments.profile:
                from jaxgan.training.profile import Profile

                callbacks = (stack.enter_context(Profile(arguments.workdir / "tensorboard")),)
            run = jaxgan.fit(
                arguments.experiment, arguments.workdir, overwrite=arguments.overwrite, callbacks=callbacks
            )
    except TrainingDiverged as error:
        return complain(str(error), 1)
    return STOPPED[run.stopped]


def _with_value(words: list[str]) -> list[str]:
    """`--distributed` that stands alone, with the value that says so."""
    made = []
    for word, following in zip(words, [*words[1:], "--"], strict=True):
        made += [word, "auto"] if word == DISTRIBUTED and following.startswith("--") else [word]
    return made


def _train_seeds(arguments) -> int:
    from jaxgan.training import seeds

    summary = seeds.fit_seeds(
        arguments.experiment, seeds.parse_seeds(arguments.seeds), arguments.workdir, overwrite=arguments.overwrite
    )
    print(f"\n{summary.table()}\nsummary in {arguments.workdir / seeds.SUMMARY}")
    code = STOPPED[summary.stopped]
    for result in summary.diverged:
        code = complain(f"seed {result.seed}: {result.sentence}", code or 1)
    return code
