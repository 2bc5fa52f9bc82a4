"""The README's Python is run as it stands."""

import dataclasses
import re
from pathlib import Path

import pytest

import jaxgan

BLOCKS = re.findall(r"```python\n(.*?)```", (Path(__file__).parent.parent / "README.md").read_text(), re.DOTALL)


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
