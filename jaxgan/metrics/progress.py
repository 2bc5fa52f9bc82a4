"""Signs of life of what takes minutes: a bar with the time that is left on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

EVERY = 20.0
"""Seconds between lines where there is no terminal."""


def shown(
    items: Iterable[Any], what: str, total: int | None, first: int = 0, size: Callable[[Any], int] = lambda item: 1
) -> Iterator[Any]:
    """The items, while standard error says how far it is.

    Args:
        items: what is gone through.
        what: is done, "training the classifier".
        total: of all their sizes; None shows nothing.
        first: how much of it was done before.
        size: how much an item counts.
    """
    if total is None:
        yield from items
    elif sys.stderr.isatty():
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(what, total=total, completed=first)
            for item in items:
                yield item
                progress.advance(task, size(item))
    else:
        done, began = first, time.monotonic()
        said = began
        for item in items:
            yield item
            done += size(item)
            now = time.monotonic()
            if now - said >= EVERY and done < total:
                left = (now - began) / (done - first) * (total - done)
                print(f"{what}: {done:,} of {total:,}, about {left:.0f} s left", file=sys.stderr, flush=True)
                said = now
