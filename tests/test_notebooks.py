"""The notebooks, each run from top to bottom in its fast mode: one that has gone stale fails. Takes minutes."""

import json
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

NOTEBOOKS = sorted((Path(__file__).parents[1] / "colab").glob("*.ipynb"))
CELL_LIMIT = 400
"""Seconds that a cell may take; in the fast mode a whole notebook takes about one minute."""
TWICE = ("1_quickstart",)
FOREIGN = re.compile(r"/(work|home|root|tmp|opt)/|/Users/|index-url|pypi\.org|pythonhosted|pip install jaxgan\b")
"""Folders of a machine, package registries, and jaxgan by its bare name, which is on none of them."""

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture
def kernel_environment(tmp_path, monkeypatch, cache):
    """What a kernel inherits: not the fake devices and the unoptimised programs of the other tests, but what other notebooks
    have compiled."""
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(cache / "compiled"))
    monkeypatch.setenv("JAXGAN_FAST", "1")
    monkeypatch.setenv("JAXGAN_WORK", str(tmp_path / "runs"))


def cells(path, kind=None):
    return [cell for cell in json.loads(path.read_text())["cells"] if kind in (None, cell["cell_type"])]


def source(cell):
    return "".join(cell["source"])


@every_notebook
def test_runs_from_top_to_bottom_and_shows_pictures(path, tmp_path, kernel_environment):
    """One of those that open runs again does so twice: then it finds the runs of the first time, as after a lost runtime."""
    import nbclient  # here: without the extra [notebooks] the other tests still run
    import nbformat

    for _ in range(2 if path.stem in TWICE else 1):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        nbclient.NotebookClient(notebook, timeout=CELL_LIMIT, resources={"metadata": {"path": str(tmp_path)}}).execute()
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
        assert {kind for output in outputs for kind in output.get("data", {})} & {"image/png", "image/gif"}


@every_notebook
def test_is_committed_without_what_it_printed(path):
    assert all(cell["execution_count"] is None and not cell["outputs"] for cell in cells(path, "code"))


@every_notebook
def test_names_no_machine_and_no_registry(path):
    for cell in cells(path):
        assert not FOREIGN.search(source(cell))


def test_all_open_with_the_same_two_cells():
    opening = {
        path.name: [source(cell) for cell in cells(path, "code") if "# @title" in source(cell)] for path in NOTEBOOKS
    }
    first, *others = opening.values()
    assert len(first) == 2
    assert [name for name, found in opening.items() if found != first] == []
    assert len(others) >= 3
