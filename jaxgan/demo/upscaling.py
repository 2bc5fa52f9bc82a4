"""The page of a system that makes pictures larger: before and after under a slider."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from jaxgan.data.pictures import BadPicture
from jaxgan.demo import common, uploads
from jaxgan.errors import UserError
from jaxgan.translation.upscaling import Upscaler

if TYPE_CHECKING:
    from jaxgan.run import Run


def stages(run: "Run") -> bool:
    """Whether there are generators between that of a first stage and that of the GAN."""
    return "P" in run.variables()


def before(path: Path, settings: common.Settings) -> Image.Image:
    """The picture as it is, upright.

    Raises:
        BadPicture: it cannot be used.
    """
    from PIL import ImageOps

    uploads.check(path, settings)
    try:
        with Image.open(path, formats=uploads.FORMATS) as image:
            return ImageOps.exif_transpose(image.convert("RGBA" if "A" in image.getbands() else "RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        raise BadPicture(f"damaged: {error}") from error


def enlarge(run: "Run", path: Path, settings: common.Settings, sharpness: float | None = None) -> Path:
    """What `jaxgan upscale` makes of the file: a PNG in the folder of the settings.

    Raises:
        UserError: the file cannot be used.
    """
    uploads.check(path, settings)
    out = common.place(f"{path.stem}_larger.png", settings.folder)
    reason, _ = Upscaler.of(run, interpolate=sharpness).file(path, out)
    if reason is not None:
        raise BadPicture(reason)
    return out


def page(run: "Run", settings: common.Settings, blocks: Any) -> None:
    """Puts the page into the Blocks, which are open."""
    del blocks
    import gradio

    with common.columns() as (controls, right):
        with controls:
            kept = gradio.State()
            upload = gradio.File(
                label=f"Your picture, up to {settings.max_upload / 2**20:g} MiB and {uploads.TRANSLATED / 1e6:.1f} megapixels",
                file_types=["image"],
                height=170,
                elem_id="upload",
            )
            sharpness = gradio.Slider(
                0, 1, 1, step=0.05, label="Smooth to sharp", visible=stages(run), elem_id="sharpness"
            )
            button = gradio.Button("Enlarge", variant="primary", elem_id="make")
        with right:
            said = gradio.HTML(elem_id="message", padding=False)
            gradio.HTML("<h2>Before and after</h2>", padding=False)
            both = gradio.ImageSlider(show_label=False, buttons=["fullscreen"], elem_id="result")
            saved = common.download()

    def show(path):
        """A new picture, before it is made larger."""
        cleared = (None, None, None, gradio.update(value=None, interactive=False))
        if path is None:
            return *cleared, ""
        try:
            image = common.enlarged(before(Path(path), settings))
        except BadPicture as error:
            return *cleared, common.message(f"cannot use {Path(path).name}: {error}")
        return path, None, (image, image), cleared[3], ""

    def change(path, sharp):
        if path is None:
            raise UserError("Give a picture first: drop it on the field, or click there.")
        made = enlarge(run, Path(path), settings, sharp if stages(run) else None)
        with Image.open(made) as image:
            image.load()
            small = before(Path(path), settings).resize(image.size, Image.Resampling.BICUBIC)
        return (small, image), common.downloadable(made), ""

    # The field is emptied, for the next picture.
    upload.upload(common.told(show, 5), [upload], [kept, upload, both, saved, said], **common.event())
    button.click(common.told(change, 3), [kept, sharpness], [both, saved, said], **common.event())
