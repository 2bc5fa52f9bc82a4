"""The README's Python is run as it stands, and so is that of the page on the API, whose names exist."""

import ast
import dataclasses
import importlib
import re
from pathlib import Path

import pytest

import jaxgan

BLOCKS = re.findall(r"```python\n(.*?)```", (Path(__file__).parent.parent / "README.md").read_text(), re.DOTALL)


API = (Path(jaxgan.__file__).parent / "README.md").read_text()


def test_the_names_on_the_page_of_the_api_exist():
    """And none of `jaxgan`'s own is missing."""
    cells = re.findall(r"^\| (`.*?) \| (.*) \|$", API, re.MULTILINE)
    assert len(cells) > 20
    named = set()
    for first, rest in cells:
        for path in re.findall(r"`(jaxgan[\w.]*)`", first):
            found, *names = "jaxgan", *path.split(".")[1:]
            thing = importlib.import_module(found)
            for name in names:
                found += f".{name}"
                thing = getattr(thing, name) if hasattr(thing, name) else importlib.import_module(found)
            named.add(names[-1])
            if path.count(".") == 1 and isinstance(
                thing, type(jaxgan)
            ):  # a package, whose parts are in the second column
                for name in re.findall(r"`(\w+)`", rest):
                    assert hasattr(thing, name), f"{path}.{name}"
    assert named >= set(jaxgan.__all__)


@pytest.mark.slow
def test_the_example_on_the_page_of_the_api(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```python\n(.*?)```", API, re.DOTALL)
    names = {}
    exec(block.replace("steps=2)", "steps=2, devices=1)"), names)
    assert names["logits"].shape == (16,)
    assert Path("grid.png").exists()
    assert len(ast.parse(block).body) < 20


@pytest.mark.slow
def test_the_notebook_example(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(BLOCKS[0].replace("steps=2,", "steps=2,\n    devices=1,"), names)
    assert names["pictures"].shape == (16, 32, 32, 3)
    assert names["run"].step == 2


def test_the_gan_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my_gan.py").write_text(BLOCKS[1])
    from jaxgan import configs

    experiment = dataclasses.replace(configs.load("my_gan.py"), steps=3)  # on all eight devices
    run = jaxgan.fit(experiment, "run", quiet=True)
    assert run.step == 3
    assert run.sample(5).shape == (5, 8, 8, 1)
    assert jaxgan.restore("run", experiment=experiment).digest == run.digest
