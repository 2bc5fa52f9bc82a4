"""`jaxgan info`: what a workdir holds."""

import dataclasses
from pathlib import Path
from typing import Any

import tyro

import jaxgan
from jaxgan import configs
from jaxgan.commands.parsing import parse


@dataclasses.dataclass(frozen=True)
class Info:
    """What a workdir holds: how far it is, its last figures, and what its config has beyond the defaults."""

    workdir: tyro.conf.Positional[Path]
    """Folder of the run."""
    config: str | None = None
    """The config again, for a system that is not part of jaxgan."""


def run(argv: list[str]) -> int:
    """What a workdir holds."""
    arguments = parse(Info, "jaxgan info", argv)
    import jax

    from jaxgan import workdir

    experiment = configs.load(arguments.config) if arguments.config else None
    trained = jaxgan.restore(arguments.workdir, experiment=experiment)
    saved, record = workdir.load_json(trained.workdir / workdir.RECORD), trained.record
    about, data = trained.experiment, type(trained.experiment.data).__name__
    shapes = ", ".join(f"{name} {list(kind.shape)}" for name, kind in record.shapes.items())
    print(f"system       {workdir.system_name(trained.system)}")
    print(f"step         {trained.step:,} of {about.steps:,}, {about.batch_size} rows each, seed {about.seed}")
    print(f"data         {data}, {record.spec.count:,} examples: {shapes}")
    print(f"classes      {', '.join(record.classes) or 'none'}")
    if others := [f"{name} {medium}" for name, medium in record.spec.media.items() if dataclasses.fields(medium)]:
        print(f"media        {', '.join(others)}"[:200])
    if record.spec.vocabulary:
        print(f"vocabulary   {len(record.spec.vocabulary)}: {' '.join(record.spec.vocabulary[:20])} ...")
    for name, network in trained.state.networks.items():
        count = sum(leaf.size for leaf in jax.tree.leaves(network.params))
        print(f"network      {name}, {count:,} parameters" + ("" if network.ema is None else ", with moving average"))
    kept = sorted(int(path.name) for path in (trained.workdir / "checkpoints").iterdir() if path.name.isdigit())
    print(f"checkpoints  {', '.join(map(str, kept))}" + (", and best" if (trained.workdir / "best").is_dir() else ""))
    last: dict[str, tuple[int, Any]] = {}
    for line in trained.metrics:  # what is measured at some steps only is not in every line
        last |= {name: (line["step"], value) for name, value in line.items() if name != "step"}
    if last:
        newest = trained.metrics[-1]["step"]
        print(f"last figures, of step {newest:,}")
        for name, (step, value) in last.items():
            shown = f"{value:.5g}" if isinstance(value, int | float) else value
            print(f"  {name:34} {shown}" + (f", of step {step:,}" if step != newest else ""))
    print("config, where it is not the default (jaxgan report shows all of it)")
    for name, value in changed(about):
        print(f"  {name:34} {value}")
    print(f"versions     {', '.join(f'{k} {v}' for k, v in saved['versions'].items())}")
    print(f"state digest: {trained.digest}")
    return 0


def changed(part: Any, name: str = "") -> list[tuple[str, Any]]:
    """The dotted fields of a configuration whose values are not the defaults of their class; parts by their class, too."""
    found = []
    for field in dataclasses.fields(part):
        value, dotted = getattr(part, field.name), f"{name}.{field.name}" if name else field.name
        if dataclasses.is_dataclass(value):
            if not isinstance(field.default, type(value)):
                found.append((dotted, type(value).__name__))
            found += changed(value, dotted)
        elif value != field.default:
            found.append((dotted, value))
    return found
