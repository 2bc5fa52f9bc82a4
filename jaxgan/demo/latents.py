"""The page of a system that makes something from noise: seeds, truncation, classes, directions as sliders, mixed styles."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from jaxgan.conditions import Given
from jaxgan.demo import common, conditions
from jaxgan.errors import UserError
from jaxgan.latent import files, generator, sefa_directions, standardized
from jaxgan.latent.directions import all_layers, one_layer
from jaxgan.training.checkpoint import warn

if TYPE_CHECKING:
    from jaxgan.run import Run

SLIDERS = 6
"""At least so many, as far as the latents go: directions of the run, then SeFa's."""
REACH = 4.0
"""Of a slider to either side, in standard deviations of the latents."""
SAMPLES = 4096
"""From which SeFa's directions take their scale, as by default in `jaxgan directions`: they are the same."""
MANY = 2000
"""At most, of what shows nothing alone, such as points."""
ABOUT = "Strengths in standard deviations of the latents. sefa: what the first layer stretches most."
MIXING = "From the coarsest on; the others take those of another seed"
"""The slider that mixes styles, where the latents have layers."""
COLUMNS = 16
"""Classes that have a column each on a sheet."""


@dataclasses.dataclass(frozen=True)
class Slider:
    """A direction of the latent space.

    Attributes:
        name: as `jaxgan edit --direction` knows it, or "number i" of the latent.
        vector: of the shape of one latent; strength 1 is one standard deviation of the latents along it.
    """

    name: str
    vector: np.ndarray


def sliders(run: "Run") -> list[Slider]:
    """The directions that were saved with the run; and, up to `SLIDERS`, those of SeFa, or else numbers of the latent.

    SeFa's cost one look at the generator's first layer. A saved direction that no longer fits is passed over, and said.
    """
    if not run.system.has_latents:
        return []
    found = []
    for path in sorted((run.workdir / files.FOLDER).glob("*.npz")):
        try:
            found.append(Slider(path.stem, files.load(run, path.stem).vector))
        except UserError as error:
            warn(str(error))
    space = run.system.spaces[0]
    latents = run.latents(SAMPLES, space=space)
    flat = one_layer(latents, space)
    count = min(SLIDERS, flat.shape[1])
    try:
        units = sefa_directions(generator.first_kernel(run, space=space), count)
        names = [f"sefa{number}" for number in range(1, count + 1)]
    except UserError:  # its first layer is no linear map of the latents
        units, names = np.eye(count, flat.shape[1]), [f"number {number}" for number in range(1, count + 1)]
    vectors = all_layers(standardized(units, flat), latents, space)
    known = {slider.name for slider in found}
    more = [Slider(name, vector) for name, vector in zip(names, vectors, strict=True) if name not in known]
    return found + more[: max(0, SLIDERS - len(found))]


def make(
    run: "Run",
    moves: Sequence[tuple[float, Slider]],
    seed: int = 0,
    count: int = common.SHEET,
    truncation: float = 1.0,
    given: Given | None = None,
    mixing: tuple[int, int] | None = None,
) -> np.ndarray:
    """What `jaxgan sample` makes of this seed, [count, ...]; moved along directions.

    `mixing`: the coarse layers that keep their styles, and the seed of the styles of the others; for StyleGAN.

    Raises:
        UserError: as `Run.sample`; a strength or the truncation is not a number of the sliders.
    """
    if not 0 <= truncation <= 10 or not all(np.isfinite(strength) for strength, _ in moves):
        raise UserError("Truncation and strengths must be numbers.")
    moves = [(strength, slider) for strength, slider in moves if strength]
    if not moves and not mixing:
        return run.sample(count, seed, given=given, truncation=truncation)
    z = run.latents(count, seed, run.system.spaces[0], given)
    if mixing:
        kept, other = mixing
        z = np.concatenate([z[:, :kept], run.latents(count, other, "w", given)[:, kept:]], 1)
    for strength, slider in moves:
        z = z + np.float32(strength) * slider.vector
    return run.decode(z, given=given, truncation=truncation)


def sheet(run: "Run", made: np.ndarray, given: Given | None = None) -> Image.Image:
    """The sheet of `jaxgan sample`; where there are classes, a column for each."""
    classes, medium = class_names(run), run.record.medium
    columns = len(classes) if "label" not in (given or {}) and 1 < len(classes) <= COLUMNS else None
    return medium.sheet(medium.checked(made), columns)


def class_names(run: "Run") -> tuple[str, ...]:
    """The classes that one can choose from."""
    one = "label" in run.system.conditions and not run.record.shapes["label"].shape
    return run.record.classes if one else ()


def page(run: "Run", settings: common.Settings, blocks: Any) -> None:
    """Puts the page into the Blocks, which are open; there are pictures as soon as it is loaded."""
    import gradio

    medium, name = run.record.medium, run.record.medium.many.capitalize()
    classes, axes = class_names(run), sliders(run)
    layers = run.latents(1, space="w").shape[1] if "w" in run.system.spaces else 0
    most = common.CHUNK if medium.alone else MANY
    rows = 4 * len(classes) if 1 < len(classes) <= COLUMNS else common.SHEET
    with common.columns() as (controls, right):
        with controls:
            seed, again = common.seed_row()
            first = rows if medium.alone else MANY // 2
            count = gradio.Slider(1, most, first, step=1, label=name, elem_id="count")
            asked = conditions.controls(run.record, settings, in_turn=True)
            inputs = [seed, count, *conditions.parts(asked)]
            if run.system.has_latents:
                inputs.append(common.truncation_slider())
            if layers:
                own = gradio.Slider(0, layers, layers, step=1, label="Layers with styles of their own", info=MIXING)
                other = gradio.Number(1, label="Seed of the other styles", precision=0, elem_id="other-seed")
                inputs += [own, other]
            if axes:
                with gradio.Group(elem_classes="axes"):
                    gradio.HTML(f"<h2>Directions</h2><p>{ABOUT}</p>", padding=True)
                    strengths = [
                        gradio.Slider(-REACH, REACH, 0, step=0.1, label=axis.name, elem_classes="axis") for axis in axes
                    ]
                inputs += strengths
                reset = gradio.Button("All directions to 0", elem_id="reset")
        with right:
            said = gradio.HTML(elem_id="message", padding=False)
            shown = common.picture(name, "result")
            players = gradio.HTML(elem_id="players", padding=False, visible=medium.plays != ".png")
            button = common.download()

    def draw(seed, count, *rest):
        size = len(conditions.parts(asked))
        given, seed, rest = conditions.given(asked, rest[:size]), common.checked_seed(seed), list(rest[size:])
        truncation = rest.pop(0) if run.system.has_latents else 1.0
        own, other = (rest.pop(0), common.checked_seed(rest.pop(0))) if layers else (0, 0)
        mixing = (int(own), other) if own != layers else None
        moves = list(zip(rest, axes, strict=True))
        made = make(run, moves, seed, common.checked_count(count, most), truncation, given, mixing)
        image = sheet(run, made, given)
        label = classes[int(given["label"][0])] if classes and "label" in given else None
        path = common.save(image, f"seed{seed}{_words(label, truncation, moves, mixing)}", settings.folder)
        return common.enlarged(image), common.players(medium, made), common.downloadable(path), ""

    outputs = [shown, players, button, said]
    triggers = [part.change for part in inputs] + [blocks.load]
    # While a slider is dragged only its last place counts.
    gradio.on(triggers, common.told(draw, 4), inputs, outputs, **common.event(trigger_mode="always_last"))
    again.click(common.new_seed, None, seed, **common.event())
    if axes:
        reset.click(lambda: [0] * len(axes), None, strengths, **common.event())


def _words(
    label: str | None, truncation: float, moves: Sequence[tuple[float, Slider]], mixing: tuple[int, int] | None
) -> str:
    """What else a picture was made of, for the name of its file."""
    words = [files.file_name(label)] if label is not None else []
    words += [f"truncation{truncation:g}"] if truncation != 1 else []
    words += [f"layers{mixing[0]}seed{mixing[1]}"] if mixing else []
    words += [f"{files.file_name(slider.name)}{strength:+g}" for strength, slider in moves if strength]
    return "".join(f"_{word}" for word in words)[:150]
