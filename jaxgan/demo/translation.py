"""The page of a system that turns pictures into pictures: drag and drop, before and after, attributes."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from jaxgan.data.pictures import BadPicture
from jaxgan.demo import common
from jaxgan.errors import UserError
from jaxgan.media.picture import to_image
from jaxgan.translation_files import File, load, resized, translate_files
from jaxgan.translation_labels import attribute_groups, parse_label

if TYPE_CHECKING:
    from jaxgan.run import Run
    from jaxgan.workdir import Record

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM")
"""What is read of strangers: formats that Pillow decodes itself, without the help of other programs."""
TRANSLATED = 2**20
"""Pixels of a picture that goes through the network."""
KEEP = "as it is"
"""The choice of no other size."""
NONE = "none"
WAYS = {"ab": "A to B", "ba": "B to A"}


@dataclasses.dataclass(frozen=True)
class Choice:
    """What a person chooses of a label: one of `options`, or, with `several`, any of them.

    Attributes:
        name: over it.
        options: what stands there.
        numbers: which class each is; None for none of them.
        several: ticks instead of one choice.
    """

    name: str
    options: tuple[str, ...]
    numbers: tuple[int | None, ...]
    several: bool = False

    @property
    def first(self) -> Any:
        """What is chosen when the page opens."""
        return [] if self.several else self.options[0]


def choices(record: "Record") -> list[Choice]:
    """The choices that make up a label: of an attribute with values one, any of the other attributes; or a class.

    None where the label's classes have no names: then a person writes it, see `label_of`.
    """
    classes = record.classes
    if not record.shapes["label"].shape:
        return [Choice("Class", classes, tuple(range(len(classes))))] if classes else []
    made, ticks = [], {}
    for attribute, values in attribute_groups(classes).items():
        if "" in values:
            ticks[attribute] = values[""]
            continue
        more = {} if NONE in values or "0" in values else {NONE: None}
        made.append(Choice(attribute, (*values, *more), (*values.values(), *more.values())))
    return made + ([Choice("Attributes", tuple(ticks), tuple(ticks.values()), several=True)] if ticks else [])


def label_of(record: "Record", offered: Sequence[Choice], chosen: Sequence[Any]) -> np.ndarray:
    """The label, [A] or a number [], that a person chose; of no choices the text that was written.

    Raises:
        UserError: it is none.
    """
    wanted = record.shapes["label"]
    if not offered:
        return parse_label(str(chosen[0] or ""), record)
    numbers = []
    for choice, options in zip(offered, chosen, strict=True):
        for option in options if choice.several else [options]:
            if option not in choice.options:
                raise UserError(f"Choose one of {', '.join(choice.options)}.")
            numbers.append(choice.numbers[choice.options.index(option)])
    if not wanted.shape:
        return np.array(numbers[0], wanted.dtype)
    label = np.zeros(wanted.shape, wanted.dtype)
    label[[number for number in numbers if number is not None]] = 1
    return label


def check_upload(path: Path, settings: common.Settings, size: int | None = None) -> None:
    """Looks at a file before anything of it is decoded: its bytes, and the format and the size in its header.

    Args:
        path: the file.
        settings: the limits.
        size: to what its short side is to be resized.

    Raises:
        BadPicture: it is too large, or no picture.
    """
    if not path.exists():  # uploads are kept for an hour
        raise BadPicture("it is no longer here: give it again")
    if path.stat().st_size > settings.max_upload:
        raise BadPicture(f"the file is larger than {settings.max_upload / 2**20:g} MiB")
    try:
        with Image.open(path, formats=FORMATS) as image:
            width, height = image.size
    except Image.DecompressionBombError:
        width, height = 0, 0  # as many as Pillow itself refuses
    except Exception as error:
        raise BadPicture(
            "not a picture, or its beginning is damaged: give a PNG, JPEG, WebP, GIF, BMP or TIFF"
        ) from error
    limit = f"{settings.max_pixels / 1e6:g} megapixels"
    if not width or width * height > settings.max_pixels:
        found = f"{width} x {height} pixels are" if width else "it has"
        raise BadPicture(f"{found} more than {limit}")
    made = resized(height, width, size)
    if made[0] * made[1] > TRANSLATED:
        raise BadPicture(
            f"{made[1]} x {made[0]} pixels are more than this page translates, {TRANSLATED / 1e6:.1f} megapixels: choose a "
            "smaller size, or use jaxgan translate"
        )


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
    check_upload(path, settings, size)
    return load(File(path, path.name, path), run.record.source(direction).shape[-1], size).pixels


def translate(
    run: "Run",
    path: Path,
    settings: common.Settings,
    direction: str = "ab",
    label: np.ndarray | None = None,
    size: int | None = None,
    seed: int = 0,
) -> Path:
    """What `jaxgan translate` makes of the file, noise and transparency included: a PNG in the folder of the settings.

    Raises:
        UserError: the file cannot be used, or direction or label make no sense.
    """
    check_upload(path, settings, size)
    file = File(path, path.name, common.place(f"{path.stem}_translated.png", settings.folder))
    options = {"direction": direction, "label": label, "size": size, "seed": seed, "weights": settings.weights}
    for _, reason in translate_files(run, [file], **options):
        if reason is not None:
            raise BadPicture(reason)
    return file.out


def page(run: "Run", settings: common.Settings, blocks: Any) -> None:
    """Puts the page into the Blocks, which are open."""
    del blocks
    import gradio

    ways = [(f"{WAYS.get(way, way)} ({way})", way) for way in run.system.directions]
    labelled = "label" in run.system.conditions
    offered = choices(run.record) if labelled else []
    with common.columns() as (controls, right):
        with controls:
            given = gradio.State()
            upload = gradio.File(
                label=f"Your picture, up to {settings.max_upload / 2**20:g} MiB and {settings.max_pixels / 1e6:g} megapixels",
                file_types=["image"],
                height=170,
                elem_id="upload",
            )
            parts = [_part(choice) for choice in offered]
            if labelled and not offered:
                parts = [gradio.Textbox(label="Label", placeholder="1,0,0", elem_id="label")]
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
        label = label_of(run.record, offered, chosen) if labelled else None
        made = translate(run, Path(path), settings, way, label, size or None, common.checked_seed(seed))
        with Image.open(made) as image:
            return common.enlarged(image), common.downloadable(made), ""

    outputs = [given, upload, first, saved, second, said]  # the field is emptied, for the next picture
    upload.upload(common.told(show, 6), [upload, size, way], outputs, **common.event())
    gradio.on([size.input, way.input], common.told(show, 6), [given, size, way], outputs, **common.event())
    inputs, outputs = [given, seed, size, way, *parts], [second, saved, said]
    button.click(common.told(change, 3), inputs, outputs, **common.event())
    again.click(common.new_seed, None, seed, **common.event())


def _part(choice: Choice) -> Any:
    import gradio

    kind = gradio.CheckboxGroup if choice.several else gradio.Radio
    return kind(list(choice.options), value=choice.first, label=choice.name.replace("_", " "), elem_classes="choice")
