"""The page of a system that turns pictures into pictures: drag and drop, before and after, attributes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from jaxgan.conditions import Given
from jaxgan.data.pictures import BadPicture
from jaxgan.demo import common, conditions, uploads
from jaxgan.errors import UserError
from jaxgan.media.picture import to_image
from jaxgan.translation.files import File, load, translate_files

if TYPE_CHECKING:
    from jaxgan.run import Run

KEEP = "as it is"
"""The choice of no other size."""
WAYS = {"ab": "A to B", "ba": "B to A"}


def sizes(run: "Run") -> list[int]:
    """Short sides to which pictures may be resized: that of the training pictures, and some larger."""
    height, width, _ = run.record.source("ab").shape
    return [factor * min(height, width) for factor in (1, 2, 4)]


def before(
    run: "Run", path: Path, settings: common.Settings, direction: str = "ab", size: int | None = None
) -> np.ndarray:
    """The picture as it is going to be translated, uint8 [H, W, C]: upright, over white, resized, grey where it must be.

    Raises:
        BadPicture: it cannot be used.
    """
    uploads.check(path, settings, size)
    return load(File(path, path.name, path), run.record.source(direction).shape[-1], size).pixels


def translate(
    run: "Run",
    path: Path,
    settings: common.Settings,
    direction: str = "ab",
    given: Given | None = None,
    size: int | None = None,
    seed: int = 0,
) -> Path:
    """What `jaxgan translate` makes of the file, noise and transparency included: a PNG in the folder of the settings.

    Raises:
        UserError: the file cannot be used, or direction or what is given make no sense.
    """
    uploads.check(path, settings, size)
    file = File(path, path.name, common.place(f"{path.stem}_translated.png", settings.folder))
    options = {"direction": direction, "given": given, "size": size, "seed": seed}
    for _, reason in translate_files(run, [file], **options):
        if reason is not None:
            raise BadPicture(reason)
    return file.out


def page(run: "Run", settings: common.Settings, blocks: Any) -> None:
    """Puts the page into the Blocks, which are open."""
    del blocks
    import gradio

    ways = [(f"{WAYS.get(way, way)} ({way})", way) for way in run.system.directions]
    with common.columns() as (controls, right):
        with controls:
            kept = gradio.State()
            upload = gradio.File(
                label=f"Your picture, up to {settings.max_upload / 2**20:g} MiB and {settings.max_pixels / 1e6:g} megapixels",
                file_types=["image"],
                height=170,
                elem_id="upload",
            )
            asked = conditions.controls(run.record, settings, besides=("input",))
            trained, *larger = sizes(run)
            options = [(f"{trained} pixels, as in training", trained), *((f"{size} pixels", size) for size in larger)]
            size = gradio.Radio([*options, (KEEP, 0)], value=trained, label="Short side", elem_id="size")
            way = gradio.Radio(ways, value=ways[0][1], label="Direction", visible=len(ways) > 1, elem_id="direction")
            button = gradio.Button("Translate", variant="primary", elem_id="make")
            with gradio.Accordion("Seed of the noise, if there is any", open=False):
                seed, again = common.seed_row()
        with right:
            said = gradio.HTML(elem_id="message", padding=False)
            with gradio.Row(elem_classes="pair"):
                with gradio.Column():
                    gradio.HTML("<h2>Before</h2>", padding=False)
                    first = common.picture("Before", "before")
                with gradio.Column():
                    gradio.HTML("<h2>After</h2>", padding=False)
                    second = common.picture("After", "result")
            saved = common.download()

    def show(path, size, way):
        """A new picture, or a new size of it, before it is translated."""
        cleared = (None, None, None, gradio.update(value=None, interactive=False))
        if path is None:
            return *cleared, None, ""
        try:
            pixels = before(run, Path(path), settings, way, size or None)
        except BadPicture as error:
            return *cleared, None, common.message(f"cannot use {Path(path).name}: {error}")
        return path, None, common.enlarged(to_image(pixels)), cleared[3], None, ""

    def change(path, seed, size, way, *chosen):
        if path is None:
            raise UserError("Give a picture first: drop it on the field, or click there.")
        given = conditions.given(asked, chosen)
        made = translate(run, Path(path), settings, way, given, size or None, common.checked_seed(seed))
        with Image.open(made) as image:
            return common.enlarged(image), common.downloadable(made), ""

    outputs = [kept, upload, first, saved, second, said]  # the field is emptied, for the next picture
    upload.upload(common.told(show, 6), [upload, size, way], outputs, **common.event())
    gradio.on([size.input, way.input], common.told(show, 6), [kept, size, way], outputs, **common.event())
    inputs, outputs = [kept, seed, size, way, *conditions.parts(asked)], [second, saved, said]
    button.click(common.told(change, 3), inputs, outputs, **common.event())
    again.click(common.new_seed, None, seed, **common.event())
