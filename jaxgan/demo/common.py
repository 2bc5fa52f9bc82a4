"""What the pages share: their limits, their messages and the files of their pictures."""

import contextlib
import dataclasses
import html
import random
import shutil
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL import Image

from jaxgan.errors import UserError
from jaxgan.media import Medium
from jaxgan.media.playing import element
from jaxgan.sampling import CHUNK

if TYPE_CHECKING:
    from jaxgan.run import Run

SHOWN = 768
"""Smaller pictures are enlarged by a whole factor up to about this long side, so that a browser need not blur them."""
SHEET = 9
"""Pictures that a page begins with: three rows of three, on a telephone, too."""
KEPT = 64
"""Pictures that can still be downloaded; older files are removed."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a page works with.

    Attributes:
        folder: where its files are, a temporary folder of its own.
        max_upload: bytes of a file.
        max_pixels: of an uploaded picture, by its header, before it is decoded.
    """

    folder: Path
    max_upload: int = 20 * 2**20
    max_pixels: int = 25_000_000


def checked_seed(seed: float | None) -> int:
    """The seed as an int. Raises: UserError: it is none that `jaxgan sample` would take."""
    if seed is None or seed != int(seed) or not 0 <= seed < 2**32:
        raise UserError(f"The seed must be a whole number from 0 to {2**32 - 1}.")
    return int(seed)


def checked_count(count: float | None, most: int = CHUNK) -> int:
    """The number of pictures as an int. Raises: UserError: it is not from 1 to `most`."""
    if count is None or count != int(count) or not 1 <= count <= most:
        raise UserError(f"The number must be a whole one from 1 to {most}.")
    return int(count)


def new_seed() -> int:
    """Any seed."""
    return random.randrange(2**32)


def enlarged(image: Image.Image) -> Image.Image:
    """The picture with each pixel a square of several, as far as its long side stays within `SHOWN`; large ones as they are."""
    factor = max(1, SHOWN // max(image.size))
    return image.resize((factor * image.width, factor * image.height), Image.Resampling.NEAREST)


def place(name: str, folder: Path) -> Path:
    """A path in the folder for a new file of this name, which no other page writes to; the oldest files are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        shutil.rmtree(old)
    return Path(tempfile.mkdtemp(dir=folder), name)


def save(image: Image.Image, name: str, folder: Path) -> Path:
    """Writes a PNG to download into the folder."""
    path = place(f"{name}.png", folder)
    image.save(path)
    return path


def message(sentence: str, kind: Literal["bad", "note"] = "bad") -> str:
    """A sentence as HTML for the place of messages; nothing in it is taken for HTML."""
    sentence = sentence[:1].upper() + sentence[1:] + ("" if sentence.endswith((".", "?", "!")) else ".")
    return f'<p class="message {kind}" role="alert">{html.escape(sentence)}</p>'


def told(function: Callable[..., tuple], outputs: int) -> Callable[..., tuple]:
    """`function`, of which a page shows what goes wrong as a sentence. It returns `outputs` values, and the message last.

    Where it raises, the other values stay on the page as they are.
    """
    import gradio

    def call(*values):
        try:
            return function(*values)
        except UserError as error:
            return (*(gradio.skip() for _ in range(outputs - 1)), message(str(error)))
        except Exception:
            traceback.print_exc()
            sentence = "That went wrong, and not through you: the terminal in which jaxgan demo runs says why"
            return (*(gradio.skip() for _ in range(outputs - 1)), message(sentence))

    return call


def title(run: "Run") -> str:
    """The head of a page, as HTML."""
    name, folder = html.escape(type(run.system).__name__), html.escape(run.workdir.resolve().name)
    return f"<h1>{name}</h1><p>step {run.step:,} of the run <code>{folder}</code></p>"


def event(**options: Any) -> dict[str, Any]:
    """What all events have in common: none is an API, and one at a time keeps the device for itself."""
    return {"api_visibility": "private", "concurrency_id": "run", "concurrency_limit": 1, **options}


def seed_row() -> tuple[Any, Any]:
    """A number for the seed, and a button that draws another."""
    import gradio

    with gradio.Row(elem_classes="seeds"):
        seed = gradio.Number(0, label="Seed", precision=0, min_width=120, elem_id="seed")
        again = gradio.Button("New seed", min_width=100, size="md", elem_id="new-seed")
    return seed, again


def truncation_slider() -> Any:
    """Psi of `System.truncate`."""
    import gradio

    return gradio.Slider(
        0,
        1.5,
        1,
        step=0.05,
        label="Truncation",
        info="Below 1: more typical, less variety",
        elem_id="truncation",
    )


def picture(label: str, name: str) -> Any:
    """A place for a picture. Its label is for those who cannot see it: Gradio would put it over the picture."""
    import gradio

    return gradio.Image(
        label=label,
        show_label=False,
        format="png",
        interactive=False,
        buttons=["fullscreen"],
        elem_id=name,
        elem_classes="picture",
    )


def download() -> Any:
    """A button for the PNG."""
    import gradio

    return gradio.DownloadButton("Download PNG", interactive=False, size="md", elem_id="download")


def players(medium: Medium, made: np.ndarray) -> str:
    """The first of what was made as HTML that plays; "" of a medium that the sheet shows all of."""
    if medium.plays == ".png":
        return ""
    parts = [
        element(medium.encode(x, medium.plays), medium.plays, f"{medium.one} {number}")
        for number, x in enumerate(made[:SHEET], 1)
    ]
    return f'<div class="players">{"".join(parts)}</div>'


def downloadable(path: Path) -> Any:
    """That button with its file."""
    import gradio

    return gradio.update(value=str(path), interactive=True)


@contextlib.contextmanager
def columns():
    """Two columns, which stand below each other where there is no room: yields (controls, pictures) to be entered."""
    import gradio

    with gradio.Row(elem_classes="page"):
        controls = gradio.Column(scale=2, min_width=300)
        pictures = gradio.Column(scale=3, min_width=300, elem_classes="pictures")
        yield controls, pictures
