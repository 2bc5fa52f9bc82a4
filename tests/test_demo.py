"""The page of a run: the functions behind it, which need no Gradio; and the page itself, in a browser."""

import asyncio
import contextlib
import importlib.util
import io
import json
import re
import shutil
import signal
import socket
import urllib.error
import urllib.request
import zlib
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from PIL import Image

import jaxgan
from jaxgan import media, workdir
from jaxgan.cli import main
from jaxgan.data import AvatarCaptions, Captioned, Spec
from jaxgan.data.pictures import BadPicture
from jaxgan.demo import captions, common, conditions, latents, server, translation, uploads, upscaling
from jaxgan.errors import UserError
from jaxgan.latent import files
from jaxgan.media import Words, grid
from jaxgan.networks import Convolutional, WordGRU
from jaxgan.systems.dcgan import DCGAN
from jaxgan.systems.stargan import StarGAN
from jaxgan.systems.text2image import TextToImage
from jaxgan.training.system import System
from jaxgan.translation.files import load
from jaxgan.weights import export_weights, import_weights
from tests import translating
from tests.command import one_sentence, start
from tests.weights.test_workdirs import randomised

CLASSES = ("hair=black", "hair=red", "Glasses", "Male")
PINK = "a person with pink hair and sunglasses"
DCGAN_ = DCGAN(networks=Convolutional(width=2, kernel=4, latent_dim=5))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Of DCGAN, with weights that are small enough for its pictures to differ."""
    made = randomised(DCGAN_, tmp_path_factory.mktemp("latents"), channels=1)
    state = jax.tree.map(lambda leaf: leaf - 0.55 if leaf.ndim == 4 else leaf, made.state)
    made = jaxgan.Run(made.workdir, made.record, 0, lambda: state, {})
    made.workdir.mkdir()
    return made


def record(shape, classes):
    """Of data with such labels."""
    shapes = {"image": jax.ShapeDtypeStruct((32, 32, 3), np.float32), "label": jax.ShapeDtypeStruct(shape, np.int32)}
    return workdir.Record(None, None, Spec(shapes, classes))


def test_a_picture_is_that_of_jaxgan_sample_and_of_jaxgan_edit(run):
    axes = latents.sliders(run)
    assert [axis.name for axis in axes] == ["sefa1", "sefa2", "sefa3", "sefa4", "sefa5"]  # of a latent of five numbers
    still = [(0.0, axis) for axis in axes]
    plain = latents.make(run, still, seed=3, count=4)
    np.testing.assert_array_equal(plain, run.sample(4, seed=3))
    np.testing.assert_array_equal(latents.make(run, still, 3, 4, 0.5), run.sample(4, seed=3, truncation=0.5))
    moved = latents.make(run, [(2.0, axes[1]), (0.0, axes[2]), (-1.0, axes[0])], seed=3, count=4)
    expected = run.decode(run.latents(4, 3) + np.float32(2) * axes[1].vector - axes[0].vector)
    np.testing.assert_allclose(moved, expected, atol=1e-6)
    assert np.abs(moved - plain).max() > 0.05
    assert latents.sheet(run, plain, None).size == grid(plain).size
    for wrong in ({"truncation": float("nan")}, {"truncation": -1}):
        with pytest.raises(UserError, match="must be numbers"):
            latents.make(run, [], **wrong)
    with pytest.raises(UserError, match="must be numbers"):
        latents.make(run, [(float("inf"), axes[0])])


def test_a_column_is_a_class_as_in_jaxgan_sample():
    label = {"label": SimpleNamespace(shape=())}
    record = SimpleNamespace(classes=("cat", "dog", "fox"), shapes=label, medium=media.Picture())
    conditional, other = (
        SimpleNamespace(record=record, system=SimpleNamespace(conditions=r)) for r in (("label",), ())
    )
    made = np.zeros((4, 64, 64, 3), np.float32)
    assert latents.sheet(conditional, made, None).size == (3 * 64 + 4, 2 * 64 + 2)
    assert (
        latents.sheet(conditional, made, {"label": "dog"}).size == latents.sheet(other, made, None).size == (130, 130)
    )
    record.medium = media.Points()
    assert latents.sheet(other, made[:, 0, 0, :2], None).size == (480, 480)  # a plot of points


def test_saved_directions_come_first_and_stale_ones_are_passed_over(run, capsys):
    vector = np.arange(1, 6, dtype=np.float32)
    for name, digest in (("glasses", run.digest), ("sefa2", run.digest), ("old", "another")):
        files.save(run.workdir, files.Direction(name, vector, "by hand", run.step, digest))
    axes = latents.sliders(run)
    shutil.rmtree(run.workdir / files.FOLDER)
    assert [axis.name for axis in axes] == ["glasses", "sefa2", "sefa1", "sefa3", "sefa4", "sefa5"]
    np.testing.assert_array_equal(axes[1].vector, vector)
    assert "old.npz belongs to another run" in capsys.readouterr().err


def test_what_a_page_refuses():
    assert common.checked_seed(7.0) == 7
    for wrong in (None, -1, 2**32, 0.5):
        with pytest.raises(UserError, match="seed must be a whole number"):
            common.checked_seed(wrong)
    for wrong in (None, 0, 65, 1.5):
        with pytest.raises(UserError, match="from 1 to 64"):
            common.checked_count(wrong)
    assert common.message("<b>no</b> such thing") == (
        '<p class="message bad" role="alert">&lt;b&gt;no&lt;/b&gt; such thing.</p>'
    )


def test_pictures_are_enlarged_without_blur(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (50, 100, 3), np.uint8)
    large = np.asarray(common.enlarged(Image.fromarray(pixels)))
    np.testing.assert_array_equal(large, pixels.repeat(7, 0).repeat(7, 1))
    assert common.enlarged(Image.new("RGB", (700, 20))).size == (700, 20)
    made = [common.save(Image.new("L", (1, 1)), "picture", tmp_path / "new") for _ in range(common.KEPT + 3)]
    assert len(set(made)) == len(made)
    assert sum(path.exists() for path in made) == common.KEPT + 1
    assert made[-1].exists()


def test_choices_make_a_label():
    several = record((4,), CLASSES)
    hair, others = conditions.choices(several)
    assert (hair.name, hair.options, hair.first) == ("hair", ("black", "red", "none"), "black")
    assert (others.options, others.several, others.first) == (("Glasses", "Male"), True, [])
    for chosen, label in (
        (["red", ["Male"]], [0, 1, 0, 1]), (["none", []], [0, 0, 0, 0]), (["black", ["Male", "Glasses"]], [1, 0, 1, 1])
    ):  # fmt: skip
        made = conditions.label_of(several, [hair, others], chosen)
        assert made.dtype == np.int32
        np.testing.assert_array_equal(made, label)
    with pytest.raises(UserError, match="Choose one of black, red, none"):
        conditions.label_of(several, [hair, others], [None, []])
    one = record((), ("cat", "dog"))
    (kind,) = conditions.choices(one)
    assert conditions.label_of(one, [kind], ["dog"]) == 1
    unnamed = record((2,), ())
    assert conditions.choices(unnamed) == []
    np.testing.assert_array_equal(conditions.label_of(unnamed, [], ["1, 0"]), [1, 0])
    (none,) = conditions.choices(record((1,), ("glasses=none",)))  # as the data calls it
    assert none.options == ("none",)


def png(width: int, height: int) -> bytes:
    """A PNG that is no more than a header, which says that it is so large."""
    header = b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    return (
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0d" + header + zlib.crc32(header).to_bytes(4, "big") + b"\x00\x00\x00\x00IDAT"
    )


def test_a_bad_upload_is_refused_before_it_is_decoded(tmp_path):
    settings = common.Settings(tmp_path, max_upload=10_000, max_pixels=10_000)
    path = tmp_path / "picture.png"
    for content, size, said in (
        (b"hello", None, "not a picture, or its beginning is damaged: give a PNG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", None, "not a picture"),  # Pillow would ask Ghostscript
        (bytes(10_001), None, "larger than 0.00953674 MiB"),
        (png(101, 100), None, "101 x 100 pixels are more than 0.01 megapixels"),
        (png(40_000, 40_000), None, "it has more than 0.01 megapixels"),
        (png(100, 10), 1024, "10240 x 1024 pixels are more than this page translates"),
    ):
        path.write_bytes(content)
        with pytest.raises(BadPicture, match=said):
            uploads.check(path, settings, size)
    path.write_bytes(png(100, 100))
    uploads.check(path, settings)
    path.unlink()
    with pytest.raises(BadPicture, match="no longer here"):
        uploads.check(path, settings)


def test_a_translation_is_that_of_jaxgan_translate(tmp_path):
    config = tmp_path / "attributes.py"
    toy, data = translating.SYSTEMS["attributes"]
    config.write_text(translating.TOYS.replace("SYSTEM", toy).replace("DATA", data))
    experiment = jaxgan.configs.load(str(config))
    run = jaxgan.fit(experiment, tmp_path / "run", quiet=True)
    translating.save(tmp_path / "picture.png", 20, 30, 4)
    settings = common.Settings(tmp_path / "page")
    made = translation.translate(run, tmp_path / "picture.png", settings, given={"label": "0,1,1,0"})
    words = ["translate", str(tmp_path / "run"), str(tmp_path / "picture.png"), str(tmp_path / "out.png")]
    assert main([*words, "--attributes", "0,1,1,0", "--config", str(config)]) == 0
    assert made.read_bytes() == (tmp_path / "out.png").read_bytes()
    assert translation.sizes(run) == [16, 32, 64]
    assert translation.before(run, tmp_path / "picture.png", settings).shape == (20, 30, 3)
    assert translation.before(run, tmp_path / "picture.png", settings, size=16).shape == (16, 24, 3)
    with pytest.raises(UserError, match="no direction up"):
        translation.translate(run, tmp_path / "picture.png", settings, "up")


def test_captions_without_words_are_refused(run):
    for text, said in (("  ", "Write what"), (None, "Write what"), ("a" * 3000, "2000 are the most")):
        with pytest.raises(UserError, match=said):
            captions.make(run, text)
    with pytest.raises(UserError, match="makes pictures without captions"):
        captions.make(run, PINK)


UPLOADS = Path("/uploads/gradio")


def asked(path: str, method: str = "GET", body: bytes = b"", **headers: str) -> tuple[int, bytes, dict]:
    """What comes of a request through the guard: the status, the body that the application saw, the headers."""
    seen, sent = [], []

    async def app(scope, receive, send):
        seen.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(part):
        sent.append(part)

    encoded = [(name.encode(), value.encode()) for name, value in {"host": "localhost:1", **headers}.items()]
    scope = {"type": "http", "path": path, "method": method, "headers": encoded}
    asyncio.run(server.Guard(app, UPLOADS, server.LOOPBACK)(scope, receive, send))
    return sent[0]["status"], seen[0] if seen else b"", dict(sent[0]["headers"])


def test_the_guard_lets_through_what_the_page_asks_for():
    for path in ("/", "/assets/index.js", "/theme.css", "/gradio_api/queue/data", "/gradio_api/file=/tmp/x.png"):
        status, _, headers = asked(path)
        assert status == 200, path
        assert b"default-src 'self'" in headers[b"content-security-policy"]
    for path in ("/gradio_api/file=https://example.com/", "/gradio_api/proxy=https://x", "/monitoring", "/etc/passwd"):
        assert asked(path)[0] == 404, path
    good = json.dumps({"data": [{"path": str(UPLOADS / "x.png")}, {"path": None}, 3]}).encode()
    assert asked("/gradio_api/queue/join", "POST", good)[:2] == (200, good)
    elsewhere = ("HTTPS://example.com/x.png", "/tmp/x.png", f"{UPLOADS}/../x.png", "x.png", 3, f"{UPLOADS}/\0")
    for value in ({"path": "http://10.0.0.1/"}, *([[{"a": {"path": path}}]] for path in elsewhere)):
        assert asked("/gradio_api/queue/join", "POST", json.dumps({"data": value}).encode())[0] == 403
    assert asked("/gradio_api/queue/join", "POST", b"path=x")[0] == 403
    assert asked("/gradio_api/queue/join", "POST", b"[" * 200_000)[0] == 403
    for host, status in (("[::1]:7860", 200), ("127.0.0.1", 200), ("elsewhere.example:1", 400), ("[::2]:1", 400)):
        assert asked("/", host=host)[0] == status, host
    for origin, status in (("http://localhost:1", 200), ("http://elsewhere.example", 403), ("null", 403)):
        assert asked("/gradio_api/upload", "POST", origin=origin)[0] == status, origin
    assert asked("/gradio_api/queue/join", "POST", bytes(server.LARGEST + 1))[0] == 413


def test_bad_arguments(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: "found")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UserError, match=r"cannot listen on 127\.0\.0\.1, port \d+ \(.*\): give another --port"):
            server.bind("127.0.0.1", taken.getsockname()[1])
    with pytest.raises(UserError, match="--host no such: there is no such address"):
        server.bind("no such", 0)
    for words, said in (
        (["--port", "65536"], "--port 65536: it must be a whole number from 0 to 65535"),
        (["--max-upload", "0"], "--max-upload 0.0: it must be a number of MiB above 0"),
        (["--max-upload", "nan"], "--max-upload nan"),
        (["--max-pixels", "0"], "--max-pixels 0: it must be at least 1"),
        ([], "is not a workdir"),
    ):
        assert main(["demo", str(tmp_path), *words]) == 2
        assert said in one_sentence(capsys.readouterr().err)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["demo", str(tmp_path)]) == 2
    assert "needs the package 'gradio', which is not installed: pip install \"jaxgan[demo]\"" in capsys.readouterr().err


# From here on in a browser.


@pytest.fixture(scope="module")
def browser():
    """Debian's Chromium."""
    from playwright.sync_api import sync_playwright

    if (path := shutil.which("chromium")) is None:
        pytest.skip("there is no chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextlib.contextmanager
def served(folder: Path, *words: str):
    """The address of `jaxgan demo`, which Ctrl-C ends at last, with code 130 and nothing left behind."""
    before = set(Path("/tmp").glob("jaxgan-demo-*"))
    process = start("demo", folder, "--port", "0", *words)
    try:
        found = None
        while not found:  # the end of what it says is an empty line
            line = process.stdout.readline()
            assert line, process.stderr.read()
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
        yield found[0]
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "Traceback" not in err, err
    assert set(Path("/tmp").glob("jaxgan-demo-*")) <= before


@contextlib.contextmanager
def opened(browser, address: str, width: int = 1280):
    """The page, which asks for nothing from elsewhere and is no wider than the window."""
    context = browser.new_context(viewport={"width": width, "height": 800}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(90_000)
    asked_for = []
    page.on("request", lambda request: asked_for.append(request))
    page.goto(address)
    page.wait_for_selector("#result")
    yield page
    mine = (address, "data:", "blob:")
    elsewhere = [asked.url for asked in asked_for if not asked.url.startswith(mine) and asked.failure != "csp"]
    assert len(asked_for) > 5
    assert not elsewhere
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def shown(page, action=None) -> np.ndarray:
    """The pixels of the picture to download, once `action` has changed what is shown."""
    image = page.query_selector("#result img") if action else None
    old = image.get_attribute("src") if image else None
    if action:
        action()
    page.wait_for_function("old => (document.querySelector('#result img') || {src: old}).src != old", arg=old)
    page.wait_for_function("!document.querySelector('#download').disabled")
    page.wait_for_function("!document.querySelector('#result .wrap.generating, #result .wrap:not(.hide)')")
    with page.expect_download() as download:
        page.click("#download")
    return np.asarray(Image.open(io.BytesIO(Path(download.value.path()).read_bytes())))


def write(page, place: str, text: str):
    """Types into a field and leaves it."""
    page.fill(place, text)
    page.keyboard.press("Tab")


def assert_close(found, expected):
    """Alike to one level of 255: what is rounded in another process."""
    assert found.shape == expected.shape
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 1


@pytest.mark.slow
def test_the_page_of_latents(run, browser, tmp_path):
    weights = tmp_path / "netG.safetensors"
    export_weights(run, weights)
    made = import_weights([weights], "pytorch-dcgan", tmp_path / "run")
    axes = latents.sliders(made)
    files.save(made.workdir, files.Direction("glasses", axes[4].vector, "by hand", made.step, made.digest))

    def sheet(seed, **options):
        return np.asarray(grid(made.sample(9, seed, **options)))

    with served(made.workdir) as address:
        with opened(browser, address) as page:
            np.testing.assert_array_equal(shown(page), sheet(0))
            np.testing.assert_array_equal(shown(page, lambda: write(page, "#seed input", "7")), sheet(7))
            found = shown(page, lambda: write(page, "#truncation input[type=number]", "0.5"))
            assert_close(found, sheet(7, truncation=0.5))
            shown(page, lambda: write(page, "#truncation input[type=number]", "1"))
            assert page.locator(".axis").count() == 6
            assert "glasses" in page.inner_text(".axis >> nth=0")
            found = shown(page, lambda: write(page, ".axis input[type=number] >> nth=0", "-3"))
            moved = made.decode(made.latents(9, 7) - np.float32(3) * axes[4].vector)
            assert_close(found, np.asarray(grid(moved)))
            np.testing.assert_array_equal(shown(page, lambda: page.click("#reset")), sheet(7))
            write(page, "#seed input", "-1")
            page.wait_for_selector(".message.bad >> text=The seed must be a whole number from 0")
            np.testing.assert_array_equal(shown(page, lambda: write(page, "#seed input", "8")), sheet(8))
            assert not page.query_selector(".message")
            shown(page, lambda: page.click("#new-seed"))
            found = shown(page, lambda: write(page, "#seed input", "7"))
            np.testing.assert_array_equal(found, sheet(7))
        with opened(browser, address, 400) as page:
            np.testing.assert_array_equal(shown(page), sheet(0))


@pytest.mark.slow
def test_the_page_of_captions(browser, tmp_path):
    experiment = jaxgan.Experiment(
        system=TextToImage(
            encoder=WordGRU(dim=8, width=8),
            encoder_steps=1,
            networks=Convolutional(latent_dim=4, latent="normal", width=4, kernel=4),
            projection=8,
            learning_rate=0.05,  # or all pictures were grey after two steps
        ),
        data=Captioned(pictures=AvatarCaptions(size=32, count=60), text=Words(length=16)),
        batch_size=8,
        steps=2,
        devices=1,
    )
    made = jaxgan.fit(experiment, tmp_path / "run", quiet=True)
    with served(made.workdir) as address:
        with opened(browser, address) as page:
            page.click("#make")
            page.wait_for_selector(".message.bad >> text=Write what the pictures should show.")
            page.fill("#caption textarea", PINK)
            found = shown(page, lambda: page.click("#make"))
            np.testing.assert_array_equal(found, np.asarray(grid(made.sample(9, 0, text=PINK))))
            assert not page.query_selector(".message")
            found = shown(page, lambda: write(page, "#seed input", "5"))
            np.testing.assert_array_equal(found, np.asarray(grid(made.sample(9, 5, text=PINK))))
            page.fill("#caption textarea", f"{PINK} on a <b>zebra</b>")
            shown(page, lambda: page.keyboard.press("Enter"))
            assert "zebra" in page.inner_text(".message.note")
        with opened(browser, address, 400) as page:
            page.fill("#caption textarea", "xyzzy")
            page.click("#make")
            page.wait_for_selector('.message.bad >> text=Nothing in the caption "xyzzy" is known')


@pytest.mark.slow
def test_the_page_of_translations(browser, tmp_path):
    system = StarGAN(width=4, blocks=1, discriminator_width=2, discriminator_layers=3)
    random = randomised(system, tmp_path, size=64)
    state = jax.tree.map(lambda leaf: leaf - 0.55 if leaf.ndim == 4 else leaf, random.state)
    random = jaxgan.Run(random.workdir, random.record, 0, lambda: state, {})
    export_weights(random, tmp_path / "G.safetensors")
    made = import_weights([tmp_path / "G.safetensors"], "stargan", tmp_path / "run", size=64, classes=CLASSES)
    translating.save(tmp_path / "face.png", 48, 64, 3)
    Image.new("RGB", (150, 100)).save(tmp_path / "large.png")
    (tmp_path / "notes.png").write_text("These are notes.")
    (tmp_path / "notes.txt").write_text("These are notes.")
    (tmp_path / "heavy.png").write_bytes(bytes(2**20 + 1))

    def expected(label, size=64):
        settings = common.Settings(tmp_path / "page")
        path = translation.translate(
            made, tmp_path / "face.png", settings, given={"label": np.array([label])}, size=size
        )
        return np.asarray(Image.open(path))

    def choose(page, label):
        page.click(f'label:has-text("{label}")')

    def give(page, name):
        page.set_input_files("#upload input[type=file]", tmp_path / name)

    with served(made.workdir, "--max-upload", "1", "--max-pixels", "10000") as address:
        with opened(browser, address) as page:
            page.click("#make")
            page.wait_for_selector(".message.bad >> text=Give a picture first")
            give(page, "face.png")
            page.wait_for_selector("#before img")
            before = load(translation.File(tmp_path / "face.png", "face.png", tmp_path), 3, 64).pixels
            source = page.get_attribute("#before img", "src")
            seen = np.asarray(Image.open(io.BytesIO(urllib.request.urlopen(source).read())))
            factor = common.SHOWN // max(before.shape)
            np.testing.assert_array_equal(seen, before.repeat(factor, 0).repeat(factor, 1))
            assert_close(shown(page, lambda: page.click("#make")), expected([1, 0, 0, 0]))
            choose(page, "red")
            choose(page, "Male")
            found = shown(page, lambda: page.click("#make"))
            assert_close(found, expected([0, 1, 0, 1]))
            assert np.abs(found.astype(int) - expected([1, 0, 0, 0])).max() > 8
            choose(page, "128 pixels")
            page.wait_for_function("!document.querySelector('#result img')")
            assert_close(shown(page, lambda: page.click("#make")), expected([0, 1, 0, 1], 128))
            give(page, "notes.png")
            page.wait_for_selector(".message.bad >> text=Cannot use notes.png: not a picture")
            assert not page.query_selector("#result img")
            give(page, "large.png")
            page.wait_for_selector("text=Cannot use large.png: 150 x 100 pixels are more than 0.01 megapixels.")
            give(page, "face.png")
            page.wait_for_selector("#before img")
            assert not page.query_selector(".message")
        with opened(browser, address, 400) as page:
            give(page, "heavy.png")
            page.wait_for_selector("text=exceed the maximum allowed size of 1")
            give(page, "notes.txt")
            page.wait_for_selector("text=Invalid file type: notes.txt")
            give(page, "face.png")
            page.wait_for_selector("#before img")
            assert_close(shown(page, lambda: page.click("#make")), expected([1, 0, 0, 0]))
        assert_nothing_else_is_served(address, made.workdir)


def assert_nothing_else_is_served(address: str, folder: Path):
    """No file but the page's, nothing of the internet, nobody who calls this machine by another name."""

    def status(path, **options):
        try:
            return urllib.request.urlopen(urllib.request.Request(address + path, **options), timeout=20).status
        except urllib.error.HTTPError as error:
            return error.code

    assert status("/") == 200
    for path in (folder / "experiment.json", Path(__file__).resolve(), "/etc/passwd"):
        assert status(f"/gradio_api/file={path}") == 403
    assert status("/gradio_api/file=https://example.com/") == 404
    assert status("/gradio_api/file=/../../etc/passwd") in (403, 404)
    assert status("/", headers={"Host": "elsewhere.example"}) == 400
    body = json.dumps({"data": [{"path": "https://example.com/x.png", "meta": {"_type": "gradio.FileData"}}]}).encode()
    assert status("/gradio_api/queue/join", data=body, headers={"Content-Type": "application/json"}) == 403
    secret = folder / "secret.png"
    Image.new("RGB", (8, 8), "red").save(secret)
    body = json.dumps({"data": [{"path": str(secret), "meta": {"_type": "gradio.FileData"}}]}).encode()
    assert status("/gradio_api/queue/join", data=body, headers={"Content-Type": "application/json"}) == 403
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="x.png"\r\n\r\n%s\r\n--x--\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert status("/gradio_api/upload", data=part % bytes(2**20 + 1), headers=headers) == 413


@pytest.mark.slow
def test_gradio_itself_takes_no_file_of_the_disk_for_the_pages_own(run, tmp_path, monkeypatch):
    """Behind the guard, too: that is what `has_launched` is for."""
    import uvicorn
    from gradio import processing_utils
    from gradio.context import LocalContext
    from gradio.exceptions import InvalidPathError

    pages = []
    build = server.build
    monkeypatch.setattr(server, "build", lambda *arguments: pages.append(build(*arguments)) or pages[0])
    monkeypatch.setattr(uvicorn.Server, "run", lambda *_, **__: None)
    server.serve(run, "127.0.0.1", 0)
    (tmp_path / "secret.txt").write_text("secret")
    LocalContext.blocks.set(pages[0])  # whose page a request is for
    with pytest.raises(InvalidPathError):
        processing_utils._check_allowed(str(tmp_path / "secret.txt"), check_in_upload_folder=True)


@pytest.mark.slow
def test_the_page_is_chosen_by_what_the_system_can_do(run, tmp_path):
    """Not by its class: of one's own system, too."""
    import gradio

    asked_for = []
    pages = {"upscaling": upscaling, "translation": translation, "captions": captions, "latents": latents}
    with pytest.MonkeyPatch.context() as patch:
        for name, module in pages.items():
            patch.setattr(module, "page", lambda *_, name=name: asked_for.append(name))
        one_way = {"directions": {"ab": "G"}, "reads": ("image",)}
        for own in (one_way | {"scale": 2}, one_way, {"reads": ("image", "text")}, {"reads": ("image", "label")}):
            system = type("Own", (System,), {"directions": {}} | own)
            system.__abstractmethods__ = frozenset()
            other = jaxgan.Run(run.workdir, workdir.Record(None, system(), Spec({})), 0, lambda: None, {})
            assert isinstance(server.build(other, common.Settings(tmp_path)), gradio.Blocks)
    assert asked_for == list(pages)


def test_controls_say_each_condition(tmp_path):
    """A choice of classes, a slider for each number with a name, an example of the data or a file for the rest."""
    gradio = pytest.importorskip("gradio")
    kinds = {"label": ((), np.int32), "mood": ((2,), np.float32), "mask": ((8, 8, 1), np.float32)}
    shapes = {name: jax.ShapeDtypeStruct(*kind) for name, kind in kinds.items()}
    found = SimpleNamespace(
        system=SimpleNamespace(conditions=tuple(kinds)),
        shapes=shapes,
        classes=("cat", "dog"),
        spec=Spec(shapes, media={"mood": media.Vector(names=("smile", "frown"), limit=2.0)}),
    )
    Image.new("L", (20, 30), 255).save(tmp_path / "mask.png")
    with gradio.Blocks():
        asked = conditions.controls(found, common.Settings(tmp_path, max_upload=1000), in_turn=True)
    parts = conditions.parts(asked)
    assert [part.label for part in parts[:3]] == ["Class", "smile", "frown"]
    assert [(bar.minimum, bar.maximum, bar.value) for bar in parts[1:3]] == [(-2, 2, 0)] * 2
    given = conditions.given(asked, [conditions.EACH, 0.5, -1, 3, None])
    assert set(given) == {"mood", "mask"}
    assert given["mask"] == "data:3"
    np.testing.assert_array_equal(given["mood"], [[0.5, -1]])
    given = conditions.given(asked, ["dog", 0, 0, 0, str(tmp_path / "mask.png")])
    assert given["label"].tolist() == [1]
    np.testing.assert_array_equal(given["mask"], np.ones((1, 8, 8, 1)))
    for values, sentence in (
        (["cow", 0, 0, 0, None], "Choose one of cat, dog"),
        (["dog", 0, 0, -1, None], "The number of an example is a whole one"),
        (["dog", 0, 0, 0, str(tmp_path / "gone.png")], "no longer here"),
    ):
        with pytest.raises(UserError, match=sentence):
            conditions.given(asked, values)
    (tmp_path / "large.npy").write_bytes(bytes(1001))
    with pytest.raises(UserError, match="the file is larger"):
        conditions.given(asked, ["dog", 0, 0, 0, str(tmp_path / "large.npy")])
