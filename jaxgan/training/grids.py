"""The sheets and files that a run shows while it trains."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxgan import workdir
from jaxgan.errors import UserError
from jaxgan.media.base import png
from jaxgan.sampling import make_preview, network_variables
from jaxgan.training.checkpoint import is_disk_full
from jaxgan.training.logs import Logs
from jaxgan.training.preview import preview_files, preview_inputs, preview_sheet
from jaxgan.training.state import Network


class Grids:
    """Of one run, always of the same latents and inputs."""

    def __init__(self, record: workdir.Record, examples, frozen: dict[str, Any], directory: Path, logs: Logs):
        """Of the first `examples` of the data, with the pretrained networks `frozen`; into the workdir and the logs."""
        self._record, self._system, self._frozen = record, record.system, frozen
        self._folder, self._logs = directory / "samples", logs
        self._inputs = preview_inputs(record, examples)
        self._complained = False

    def show(self, step: int, networks: Callable[[], dict[str, Network]]) -> None:
        """The sheet of a step, of what `networks` gives; what goes wrong with it is said once, and stops no training."""
        try:
            self._save(step, networks())
        except Exception as error:
            if is_disk_full(error):
                raise
            reason = next(iter(str(error).strip().splitlines()), "")
            what = reason if isinstance(error, UserError) else f"{type(error).__name__}: {reason}"
            self._complain(step, f"no sample grid could be made ({what}); training goes on")

    def _complain(self, step: int, why: str) -> None:
        """Say once that there are no grids. A run of hours should not end without one sample, and nobody know why."""
        if not self._complained:
            self._logs.say(
                f"warning: step {step}: {why}. What {type(self._system).__name__}.preview returns should be like "
                f"{self._system.makes!r}, [B, {', '.join(map(str, self._record.made.shape))}], or rows of K [B, K, ...], or "
                "{title: [B, ...]} of what has several columns"
            )
        self._complained = True

    def _save(self, step: int, networks: dict[str, Network]) -> None:
        """The sheet of the preview, and some of it as files that play."""
        made = make_preview(self._system, {**network_variables(networks), **self._frozen}, self._inputs)
        sheet = preview_sheet(self._record, made, self._inputs)
        self._folder.mkdir(exist_ok=True)
        for name, content, suffix in (("", png(sheet), ".png"), *preview_files(self._record, made)):
            (self._folder / f"{step:06d}{name and f'-{name}'}{suffix}").write_bytes(content)
            self._logs.shown(step, f"samples{name and f'/{name}'}", content, suffix)
