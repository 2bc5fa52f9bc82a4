"""The READMEs: their Python is run as it stands, the names on the page of the API exist, and so does what is linked."""

import ast
import dataclasses
import importlib
import re
from pathlib import Path

import pytest

import jaxgan

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = sorted(
    page for page in ROOT.glob("**/README.md") if not any(part[0] == "." for part in page.relative_to(ROOT).parts)
)


def blocks(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


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
    exec(blocks("README.md")[0].replace("steps=2,", "steps=2,\n    devices=1,"), names)
    assert names["pictures"].shape == (16, 32, 32, 3)
    assert names["run"].step == 2


def test_the_gan_of_ones_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("my_gan.py").write_text(blocks("jaxgan/systems/README.md")[0])
    from jaxgan import configs

    experiment = dataclasses.replace(configs.load("my_gan.py"), steps=3)  # on all eight devices
    run = jaxgan.fit(experiment, "run", quiet=True)
    assert run.step == 3
    assert run.sample(5).shape == (5, 8, 8, 1)
    assert jaxgan.restore("run", experiment=experiment).digest == run.digest


def heads(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    links = [first or second for first, second in re.findall(r'\]\(([^)\s]+)\)|src="([^"]+)"', page.read_text())]
    for link in links:
        if not link.startswith("http"):
            path, _, head = link.partition("#")
            target = page.parent / path if path else page
            assert target.exists(), link
            assert not head or head in heads(target), link


def test_the_readme_is_short_and_all_others_are_one_click_away():
    assert len(README.splitlines()) < 250
    linked = {(ROOT / path).resolve() for path in re.findall(r"\]\(([^)#\s]+)", README) if not path.startswith("http")}
    assert {page.resolve() for page in PAGES} - linked == {(ROOT / "README.md").resolve()}


def test_notebooks_know_a_clone_by_a_file_that_is_there():
    notebooks = sorted((ROOT / "colab").glob("*.ipynb"))
    assert len(notebooks) == 6
    for notebook in notebooks:
        (name,) = re.findall(r'Path\(folder, \\"jaxgan\\", \\"(\w+\.py)\\"\)', notebook.read_text())
        assert (ROOT / "jaxgan" / name).is_file(), notebook.name
