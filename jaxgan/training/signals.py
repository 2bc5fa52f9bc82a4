"""How a person, or a scheduler, stops a run."""

import signal
import threading
from typing import Any


class Stop:
    """SIGINT and SIGTERM, from the first step on, set a flag that the loop reads between steps; a second Ctrl-C ends at once.

    Before that there is nothing to save, and they end at once: preparing data can take minutes.
    Signals reach the main thread only: elsewhere (a notebook's executor, a test) they are left as they are.
    """

    def __init__(self):
        self.name: str | None = None
        self.training = False
        self._before: dict[int, Any] = {}

    def _handle(self, number, frame):
        if number == signal.SIGINT and (self.name is not None or not self.training):
            raise KeyboardInterrupt
        if not self.training:
            raise SystemExit(128 + number)
        self.name = signal.Signals(number).name

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)
