"""The page of a run that makes pictures larger, in a browser."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import jaxgan
from jaxgan.data import Photographs
from jaxgan.networks.rrdb import Compact, Halving
from jaxgan.systems.esrgan import ESRGAN
from jaxgan.translation.originals import read_original
from jaxgan.translation.upscaling import Upscaler
from tests.smooth import smooth
from tests.test_demo import assert_close, browser, opened, served, write

__all__ = ["browser"]


@pytest.fixture(scope="module")
def enlarging(tmp_path_factory):
    """An ESRGAN of random weights with both stages, that makes pictures twice as large."""
    folder = tmp_path_factory.mktemp("enlarging")
    (folder / "photos").mkdir()
    Image.fromarray(smooth(32, 32)).save(folder / "photos/a.png")
    data = Photographs(path=str(folder / "photos"), size=16, factor=2)
    network = Compact(width=4, layers=1)
    system = ESRGAN(network=network, judge_network=Halving(width=2), pretraining=1, learning_rate=0.02)
    experiment = jaxgan.Experiment(system=system, data=data, batch_size=2, steps=2, devices=1)
    return jaxgan.fit(experiment, folder / "run", quiet=True)


@pytest.mark.slow
def test_the_page_of_larger_pictures(enlarging, browser, tmp_path):
    """Before, by a bicubic filter, and after under a slider; between both stages there is another."""
    picture = smooth(20, 30, seed=3)
    Image.fromarray(picture).save(tmp_path / "face.png")
    (tmp_path / "notes.png").write_text("These are notes.")
    expected = [
        Upscaler.of(enlarging, interpolate=amount).levels(read_original(tmp_path / "face.png")) for amount in (1, 0)
    ]
    assert np.abs(expected[0].astype(int) - expected[1]).max() > 4

    def made(page):
        """The picture to download, which is the one on the right of the slider."""
        page.wait_for_function("!document.querySelector('#download').disabled")
        with page.expect_download() as download:
            page.click("#download")
        return np.asarray(Image.open(io.BytesIO(Path(download.value.path()).read_bytes())))

    with served(enlarging.workdir) as address, opened(browser, address) as page:
        page.click("#make")
        page.wait_for_selector(".message.bad >> text=Give a picture first")
        page.set_input_files("#upload input[type=file]", tmp_path / "notes.png")
        page.wait_for_selector(".message.bad >> text=Cannot use notes.png: not a picture")
        page.set_input_files("#upload input[type=file]", tmp_path / "face.png")
        page.wait_for_selector("#result img")
        page.click("#make")
        assert_close(made(page), expected[0])
        sizes = "[...document.querySelectorAll('#result img')].map(image => [image.naturalWidth, image.naturalHeight])"
        assert [size for size in page.evaluate(sizes) if size == [60, 40]]
        write(page, "#sharpness input[type=number]", "0")
        shown = "[...document.querySelectorAll('#result img')].map(image => image.src).join()"
        before = page.evaluate(shown)
        page.click("#make")
        page.wait_for_function(f"before => {shown} != before", arg=before)
        assert_close(made(page), expected[1])
