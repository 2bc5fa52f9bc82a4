"""The blocks of a JPEG."""

import io

import numpy as np
import pytest
from PIL import Image

from jaxgan.errors import UserError
from jaxgan.metrics.blocking import block_ratio
from tests.smooth import smooth


def compressed(pixels, quality):
    with io.BytesIO() as file:
        Image.fromarray(pixels).save(file, "JPEG", quality=quality)
        return np.asarray(Image.open(io.BytesIO(file.getvalue())))


def larger(pixels):
    size = 4 * pixels.shape[1], 4 * pixels.shape[0]
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC))


def test_the_stronger_the_compression_the_more_blocks():
    picture = smooth(200, 200)
    small = [picture, compressed(picture, 50), compressed(picture, 20), compressed(picture, 5)]
    ratios = [block_ratio(pixels[None])[0] for pixels in small]
    assert ratios == sorted(ratios)
    assert ratios[0] == pytest.approx(1, abs=0.05)
    assert ratios[-1] > 2
    blocky = larger(small[-1])[None]
    assert block_ratio(blocky, 4)[0] > 2
    assert block_ratio(blocky, 5)[0] < 1.5  # where mostly there are no borders


def test_it_names_what_is_too_small():
    with pytest.raises(UserError, match="no two blocks of 8 x 8"):
        block_ratio(np.zeros((1, 15, 40, 3), np.uint8))
