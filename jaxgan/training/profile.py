"""A trace of a few training steps, for TensorBoard's profiler or XProf."""

from pathlib import Path
from typing import Any

import jax

from jaxgan.training import processes
from jaxgan.training.checkpoint import warn


class Profile:
    """A callback of `jaxgan.fit`, and a context: `with Profile(folder) as profile: jaxgan.fit(..., callbacks=(profile,))`.

    It skips the first two steps and traces the next few (windows, where steps are fused, of which the first may yet have to be
    compiled) into `folder/plugins/profile`, where both programs look for it. Of several processes the first alone is traced.
    """

    def __init__(self, folder: str | Path, steps: int = 5):
        self.folder, self.steps = Path(folder), steps
        self._calls, self._tracing = 0, False

    def __call__(self, step: int, run: Any) -> None:
        self._calls += 1
        if self._calls == 2:
            jax.profiler.start_trace(str(self.folder))
            self._tracing = True
        elif self._calls == 2 + self.steps:
            self.close()

    def close(self) -> None:
        """End the trace, and write it."""
        if self._tracing:
            self._tracing = False
            jax.profiler.stop_trace()

    def __enter__(self) -> "Profile":
        return self

    def __exit__(self, failed: type[BaseException] | None, *_) -> None:
        self.close()
        if failed is None and self._calls < 2 and processes.leads():
            warn(f"nothing was traced: only {self._calls} steps were left to do")
