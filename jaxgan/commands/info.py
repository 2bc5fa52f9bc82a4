"""`jaxgan info`: what a workdir holds."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import tyro

import jaxgan
from jaxgan import configs
from jaxgan.commands.parsing import parse


@dataclasses.dataclass(frozen=True)
class Info:
    """What a workdir holds."""

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
    saved = workdir.load_json(arguments.workdir / workdir.RECORD)
    print(f"system       {workdir.system_name(trained.system)}")
    print(f"step         {trained.step} of {trained.experiment.steps}")
    for name, network in trained.state.networks.items():
        count = sum(leaf.size for leaf in jax.tree.leaves(network.params))
        print(f"network {name:4} {count:,} parameters" + ("" if network.ema is None else ", with moving average"))
    for name, value in _flat(saved["experiment"]):
        print(f"  {name} = {value}")
    print(f"classes      {', '.join(trained.record.classes) or 'none'}")
    if trained.record.vocabulary:
        print(f"vocabulary   {len(trained.record.vocabulary)}: {' '.join(trained.record.vocabulary[:20])} ...")
    print(f"versions     {', '.join(f'{k} {v}' for k, v in saved['versions'].items())}")
    if trained.metrics:
        last = {}
        for line in trained.metrics:  # what is measured at some steps only is not in every line
            last |= line if line["step"] == trained.metrics[-1]["step"] else {}
        print(f"last metrics {json.dumps(last)}")
    print(f"state digest: {trained.digest}")
    return 0


def _flat(value: Any, name: str = ""):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _flat(item, f"{name}.{key}" if name else key)
    else:
        yield name, value
