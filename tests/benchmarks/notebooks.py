"""The notebooks as they are shipped, from top to bottom: how long each takes, and what it shows.

    python -m tests.benchmarks.notebooks --out DIR --json tests/benchmarks/results/notebooks.json [--only 1_quickstart]

Each runs in a folder of its own, in a kernel of its own, with a cache that is empty at first and that they share, as one after
the other on a new runtime. The executed notebooks, with their pictures, are in DIR.
"""

import argparse
import datetime
import json
import os
import platform
import time
from pathlib import Path

import jax
import nbclient
import nbformat

from jaxgan import workdir

NOTEBOOKS = Path(__file__).parents[2] / "colab"


def run(path: Path, out: Path) -> dict[str, float | str]:
    """Execute a copy of a notebook into `out`; its seconds, and those of its slowest cell."""
    os.environ["JAXGAN_WORK"] = str(out / "runs" / path.stem)
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=1200, resources={"metadata": {"path": str(out)}})
    began = time.monotonic()
    try:
        client.execute()
    finally:
        nbformat.write(notebook, out / path.name)
    seconds = time.monotonic() - began
    slowest = max((took(cell), cell.source) for cell in notebook.cells if cell.cell_type == "code")
    return {
        "seconds": round(seconds, 1),
        "slowest_cell_seconds": round(slowest[0], 1),
        "slowest_cell": slowest[1].strip().splitlines()[-1],
    }


def took(cell) -> float:
    """Seconds of an executed cell, by the times that its kernel reported."""
    times = cell.metadata.get("execution", {})
    began, ended = (times.get(name) for name in ("iopub.execute_input", "shell.execute_reply"))
    if began is None or ended is None:
        return 0.0
    return (datetime.datetime.fromisoformat(ended) - datetime.datetime.fromisoformat(began)).total_seconds()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", nargs="+", default=[], help="by name, without .ipynb")
    parser.add_argument("--commit", default="", help="to stand in the results")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    os.environ["JAXGAN_CACHE"] = str(out / "cache")
    for name in ("JAXGAN_FAST", "XLA_FLAGS"):
        os.environ.pop(name, None)
    rows = {}
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if not arguments.only or path.stem in arguments.only:
            rows[path.stem] = run(path, out)
            print(path.stem, rows[path.stem], flush=True)
    result = {
        "what": "Seconds of each notebook as shipped, from top to bottom, installation left out",
        "command": "python -m tests.benchmarks.notebooks",
        "commit": arguments.commit,
        "date": datetime.date.today().isoformat(),
        "hardware": f"{jax.devices()[0].device_kind}, {os.cpu_count()} cores, {platform.machine()}",
        "versions": workdir.versions(),
        "rows": rows,
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
