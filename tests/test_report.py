"""`jaxgan report`: what the page shows, what it says is missing, and that nothing of a workdir can run in it."""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

import jaxgan
from jaxgan import configs, workdir
from jaxgan.cli import main
from jaxgan.data import Avatars, Spec
from jaxgan.networks import Convolutional
from jaxgan.report import reading, write_report
from jaxgan.report.curves import draw
from jaxgan.systems.dcgan import DCGAN
from tests.command import one_sentence
from tests.translating import SYSTEMS, TOYS

NAN = float("nan")
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
LINES = [
    {"step": 1, "discriminator/loss": 1.5, "generator/loss": 0.5, "discriminator/real_logits": 0.25, "discriminator/r1": None},
    {"step": 2, "discriminator/loss": 1.25, "generator/loss": 0.75, "discriminator/real_logits": 0.5, "discriminator/r1": 0.125,
     "images_per_second": 1234.5},
    {"step": 2, "evaluation/fid": 12.5},
]  # fmt: skip


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, content: str):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(content)
        self.text = " ".join(self.words)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data.strip())

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def fabricated(folder: Path, sheets=(1, 2), classes=("cat", "dog"), lines=LINES) -> Path:
    """A workdir of a run that was stopped before its first checkpoint."""
    experiment = jaxgan.Experiment(DCGAN(networks=Convolutional(width=2)), Avatars(size=32), batch_size=8, steps=4)
    image = jax.ShapeDtypeStruct((32, 32, 3), np.float32)
    record = workdir.describe(experiment, Spec({"image": image}, classes, count=1234))
    (folder / "samples").mkdir(parents=True)
    (folder / workdir.RECORD).write_text(json.dumps(record.to_json()))
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for step in sheets:
        Image.new("RGB", (20, 10), (step % 256, 0, 0)).save(folder / "samples" / f"{step:06d}.png")
    return folder


def evaluated(folder: Path, protocol: str = "Of 8 pictures; compare with nothing") -> Path:
    figures = {
        "fid": {"value": 12.345678, "protocol": protocol},
        "precision_recall": {"precision": 0.9, "recall": 0.125},
    }
    found = {
        "metrics": figures,
        "count": {"real": 8, "generated": 4},
        "features": {"name": "classifier", "digest": "a1b2"},
    }
    (folder / "evaluation.json").write_text(json.dumps({**found, "step": 2, "seed": 7}))
    return folder


def report(folder: Path) -> Page:
    return Page(write_report(folder).read_text())


@pytest.fixture(scope="module")
def own(tmp_path_factory) -> Path:
    """A finished run `own` of a system of one's own, beside its config own.py."""
    folder = tmp_path_factory.mktemp("report")
    system, data = SYSTEMS["invert"]
    (folder / "own.py").write_text(TOYS.replace("SYSTEM", system).replace("DATA", data))
    jaxgan.fit(configs.load(str(folder / "own.py")), folder / "own")
    return folder


def test_a_page_shows_digest_parameters_versions_config_and_samples_of_a_run(own, capsys):
    assert (
        main(["report", str(own / "own"), "--config", str(own / "own.py"), "--out", str(own / "new" / "page.html")])
        == 0
    )
    assert "page.html" in capsys.readouterr().out
    page = Page((own / "new" / "page.html").read_text())
    run = jaxgan.restore(own / "own", experiment=configs.load(str(own / "own.py")))
    assert run.digest in page.text
    assert "Digest of the whole state at step 1" in page.text
    assert "1 of 1" in page.text
    assert "The run is finished." in page.text
    assert f"jax {jax.__version__}" in page.text
    assert "moving average" in page.text
    assert "batch_ size 8" in page.text
    [picture] = page.all("img")
    assert picture["src"].startswith("data:image/png;base64,")
    assert list((own / "new").iterdir()) == [own / "new" / "page.html"]


def test_without_the_config_of_ones_own_system_it_says_that_the_digest_is_missing(own, capsys):
    assert main(["report", str(own / "own")]) == 0
    page = Page((own / "own" / "report.html").read_text())
    assert "Neither digest nor parameter counts: own/experiment.json uses" in page.text
    assert "--config FILE" in page.text
    assert "Digest of the whole state" not in page.text


def test_a_run_in_training_has_a_page_that_says_what_it_lacks(tmp_path):
    folder = fabricated(tmp_path / "run")
    page = report(folder)
    for sentence in (
        "2 of 4", "The run is still training, or was stopped on the way.", "run holds no checkpoint yet", "No evaluation",
        "DCGAN on Avatars (32 x 32 x 3)", "cat, dog", "1,234",
        "Median 1,234, from 1,234 to 1,234; 154.3 steps of 8 a second",
    ):  # fmt: skip
        assert sentence in page.text
    titles = ("losses", "evaluated: fid", "logits", "r1", "throughput, examples a second")
    assert [chart["aria-label"] for chart in page.all("svg")] == [f"{title} against the step" for title in titles]
    [slider] = page.all("input")
    assert (slider["min"], slider["max"], slider["value"]) == ("0", "1", "1")

    shutil.rmtree(folder / "samples")
    (folder / "metrics.jsonl").unlink()
    page = report(folder)
    assert "No curves" in page.text
    assert "No sample grids" in page.text
    assert not page.all("svg") + page.all("img") + page.all("input")


def test_the_figures_of_an_evaluation_stand_with_their_protocol(tmp_path):
    page = report(evaluated(fabricated(tmp_path / "run")))
    assert "Of 8 pictures; compare with nothing" in page.text
    assert "12.35" in page.text
    assert "recall 0.125" in page.text
    assert "Step 2, seed 7. Pictures: 8 real, 4 generated. Feature network: classifier, digest a1b2." in page.text


def test_what_is_damaged_is_said_and_costs_nothing_else(tmp_path):
    folder = evaluated(fabricated(tmp_path / "run"))
    with (folder / "metrics.jsonl").open("a") as file:
        file.write('[1]\n{"step": 3, "x": "no number", "y": true}\n{"step": 3, "generator/loss": Infinity, "z": 1')
        file.write("0" * 400 + '}\n{"step": 3, "generator/lo')
    sheet = folder / "samples" / "000002.png"
    sheet.write_bytes(sheet.read_bytes()[:-20])
    (folder / "evaluation.json").write_text('{"metrics": {"fid": 3}}')
    page = report(folder)
    assert "2 of 7 lines of metrics.jsonl cannot be read" in page.text
    assert "Sample grids that cannot be read: 000002.png." in page.text
    assert "evaluation.json is damaged" in page.text
    assert len(page.all("svg")) == 6
    assert len(page.all("img")) == 1
    (folder / "metrics.jsonl").write_bytes(b'\xff\xfe{"step": 1}\n')
    assert "No curves" in report(folder).text


def test_nothing_of_a_workdir_can_run_or_load(tmp_path):
    lines = [{"step": 1, HOSTILE: 1.0, f"{HOSTILE}/loss": 2.0, "\ud800": 3.0, f"evaluation/{HOSTILE}": 1.0}]
    folder = fabricated(tmp_path / HOSTILE.replace("/", ""), classes=(HOSTILE,), lines=lines)
    saved = workdir.load_json(folder / workdir.RECORD)
    saved["experiment"]["data"] = {"class": f"{HOSTILE}:{HOSTILE}", HOSTILE: {HOSTILE: HOSTILE}}
    saved["shapes"] |= {HOSTILE: [[HOSTILE], HOSTILE]}
    saved |= {"versions": {HOSTILE: HOSTILE}, "vocabulary": [HOSTILE]}
    (folder / workdir.RECORD).write_text(json.dumps(saved))
    found = json.loads((evaluated(folder, HOSTILE) / "evaluation.json").read_text())
    found["metrics"][HOSTILE] = {HOSTILE: HOSTILE}
    (folder / "evaluation.json").write_text(json.dumps({**found, "step": HOSTILE, "count": {HOSTILE: HOSTILE}}))

    page = report(folder)
    assert HOSTILE in page.text
    assert [attributes.get("type") for attributes in page.all("script")] == ["application/json", None]
    assert len(page.all("img")) == 1
    for tag, attributes in page.tags:
        assert tag not in ("iframe", "object", "embed", "base", "form")
        for name, value in attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "xlink:href"):
                assert value.startswith(("data:", "#"))
    content = (folder / "report.html").read_text()
    assert "http://" not in content
    assert "https://" not in content
    [policy] = [tag["content"] for tag in page.all("meta") if tag.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src data:; ")
    assert "script-src 'sha256-" in policy


def test_the_same_workdir_gives_the_same_bytes_wherever_it_lies(tmp_path):
    folder = evaluated(fabricated(tmp_path / "here" / "run"))
    first = write_report(folder).read_bytes()
    assert write_report(folder).read_bytes() == first
    copy = shutil.copytree(folder, tmp_path / "there" / "deeper" / "run")
    assert write_report(copy).read_bytes() == first
    assert str(tmp_path).encode() not in first


def test_of_many_grids_some_stand_evenly_with_the_first_and_the_last(tmp_path, monkeypatch):
    folder = fabricated(tmp_path / "run", sheets=range(1, 101))
    (folder / "samples" / "other.png").write_bytes(b"no grid")
    contents = reading.read(folder)
    steps = [sheet.step for sheet in contents.sheets]
    assert (len(steps), contents.sheets_found) == (40, 100)
    assert (steps[0], steps[-1]) == (1, 100)
    assert set(np.diff(steps)) == {2, 3}
    assert "40 of the 100 grids" in report(folder).text
    monkeypatch.setattr(reading, "MOST_BYTES", 1)
    assert [sheet.step for sheet in reading.read(folder).sheets] == [1, 100]


@pytest.mark.parametrize(
    "points",
    [[(1, 2.0)], [(1, NAN), (2, NAN)], [(0, 1.0), (1, NAN), (2, 3.0)], [(0, -1e300), (10**30, 1e300)]],
)
def test_a_chart_takes_single_missing_and_enormous_figures(points):
    chart = draw("title", {"name": points}, "prefix")
    assert chart.svg.startswith("<svg ")
    assert chart.svg.endswith("</svg>")
    assert "http" not in chart.svg
    assert "#0102" not in chart.svg


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{0}/nowhere"], ("nowhere", "is not a folder", "jaxgan train")),
        (["{0}"], ("is not a workdir", "experiment.json")),
        (["{0}/damaged"], ("experiment.json", "is damaged")),
        (["{0}/odd"], ("experiment.json", "is damaged", "classes")),
        (["{0}/run", "--out", "{0}/page.png"], ("--out", "page.png", "must end in .html")),
        (["{0}/run", "--out", "{0}/folder.html"], ("folder.html is a folder",)),
        (["{0}/run", "--config", "gan_digits"], ("holds another experiment", "system.class")),
        (["{0}/run", "--config", "nothing"], ("there is no config nothing",)),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, capsys, arguments, words):
    fabricated(tmp_path / "run")
    for name, content in {
        "damaged": "{",
        "odd": '{"experiment": {}, "shapes": {}, "classes": 3, "examples": 1}',
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / workdir.RECORD).write_text(content)
    (tmp_path / "folder.html").mkdir()
    assert main(["report", *(argument.format(tmp_path) for argument in arguments)]) == 2
    sentence = one_sentence(capsys.readouterr().err)
    assert all(word in sentence for word in words), sentence
    assert not list(tmp_path.rglob("*.partial"))


@pytest.mark.slow
def test_in_a_browser_the_slider_changes_the_picture_and_a_phone_needs_no_sideways_scrolling(tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api", reason='pip install "jaxgan[browser]"')
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium")
    folder = evaluated(fabricated(tmp_path / "run", classes=(HOSTILE, "x" * 300)), HOSTILE)
    page_file = write_report(folder)
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for width in (400, 1280):
            page = browser.new_context(viewport={"width": width, "height": 800}, offline=True).new_page()
            said, asked = [], []
            page.on("console", lambda message, said=said: said.append(message.text))
            page.on("pageerror", lambda error, said=said: said.append(str(error)))
            page.on("dialog", lambda dialog, said=said: (said.append(dialog.message), dialog.dismiss()))
            page.on("request", lambda request, asked=asked: asked.append(request.url))
            page.goto(page_file.as_uri())
            before = page.locator("#sheet").get_attribute("src")
            page.locator("#slider").fill("0")
            assert page.locator("#sheet").get_attribute("src") != before
            assert page.locator("#step").text_content() == "step 1"
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate("document.getElementById('sheet').naturalWidth") == 20
            assert not said
            assert [url for url in asked if not url.startswith("data:")] == [page_file.as_uri()]
        browser.close()
