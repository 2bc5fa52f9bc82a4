"""The page of a system that makes pictures of captions: a text box."""

import contextlib
import io
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxgan.conditions import Given, captions
from jaxgan.demo import common, conditions
from jaxgan.errors import UserError
from jaxgan.latent import files

if TYPE_CHECKING:
    from jaxgan.run import Run

LONGEST = 2000
"""Characters of a caption; what a run reads of it is less."""
WORDS = 300
"""Of the vocabulary that are shown."""


def make(
    run: "Run",
    text: str | None,
    seed: int = 0,
    count: int = common.SHEET,
    truncation: float = 1.0,
    given: Given | None = None,
) -> tuple[np.ndarray, str]:
    """What `jaxgan sample --text` makes of the caption, [count, H, W, C] in [-1, 1]; and what of it could not be read, or "".

    Raises:
        UserError: there is no caption, it is too long, or nothing of it is known.
    """
    text = (text or "").strip()
    if not text:
        raise UserError("Write what the pictures should show.")
    if len(text) > LONGEST:
        raise UserError(f"The caption has {len(text)} characters: {LONGEST} are the most.")
    if not 0 <= truncation <= 10:
        raise UserError("Truncation must be a number.")
    # Data says on standard error what it passes over, whatever data it is; here nobody would see it.
    heard = io.StringIO()
    with contextlib.redirect_stderr(heard):
        captions.read(run.record, text)
    note = heard.getvalue().strip().removeprefix("warning: ")
    with contextlib.redirect_stderr(io.StringIO()):
        made = run.sample(count, seed, text=text, given=given, truncation=truncation)
    if note:
        print(f"warning: {note}", file=sys.stderr, flush=True)
    return made, note


def known_words(run: "Run") -> list[str]:
    """The words that the run reads, in alphabetical order; [] where it reads characters."""
    words = sorted(word for word in run.record.spec.vocabulary if word.isalpha())
    return words if max(map(len, words), default=1) > 1 else []


def page(run: "Run", settings: common.Settings, blocks: Any) -> None:
    """Puts the page into the Blocks, which are open."""
    del blocks
    import gradio

    with common.columns() as (controls, right):
        with controls:
            text = gradio.Textbox(
                label="Caption",
                placeholder="Write what the pictures should show",
                lines=1,  # so that Enter is enough
                max_lines=4,
                max_length=LONGEST,
                elem_id="caption",
            )
            button = gradio.Button("Make pictures", variant="primary", elem_id="make")
            seed, again = common.seed_row()
            count = gradio.Slider(1, common.CHUNK, common.SHEET, step=1, label="Pictures", elem_id="count")
            asked = conditions.controls(run.record, settings, besides=("text",))
            truncation = common.truncation_slider()
            if words := known_words(run):
                some = ", ".join(words[:WORDS]) + (", ..." if len(words) > WORDS else "")
                with gradio.Accordion(f"The {len(words)} words it knows", open=False):
                    gradio.Textbox(some, show_label=False, interactive=False, lines=4, max_lines=12, container=False)
        with right:
            said = gradio.HTML(elem_id="message", padding=False)
            shown = common.picture("Pictures", "result")
            saved = common.download()

    def draw(text, seed, count, truncation, *chosen):
        seed, count = common.checked_seed(seed), common.checked_count(count)
        made, note = make(run, text, seed, count, truncation, conditions.given(asked, chosen))
        image = run.record.medium.sheet(run.record.medium.checked(made))
        path = common.save(image, f"{files.file_name(text.strip())[:100]}_seed{seed}", settings.folder)
        return common.enlarged(image), common.downloadable(path), common.message(note, "note") if note else ""

    def redraw(text, *rest):
        """Where there is a caption yet; without one there is nothing to complain about."""
        return draw(text, *rest) if (text or "").strip() else (gradio.skip(), gradio.skip(), "")

    others = conditions.parts(asked)
    inputs, outputs = [text, seed, count, truncation, *others], [shown, saved, said]
    gradio.on([button.click, text.submit], common.told(draw, 3), inputs, outputs, **common.event())
    changes = [part.change for part in (seed, count, truncation, *others)]
    gradio.on(changes, common.told(redraw, 3), inputs, outputs, **common.event(trigger_mode="always_last"))
    again.click(common.new_seed, None, seed, **common.event())
