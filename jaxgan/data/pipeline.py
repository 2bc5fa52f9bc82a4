"""The one input pipeline: examples, random transform, shuffle, repeat, minibatches, the rows of a process.

Minibatch n is a pure function of (data, seed, n), so the position of a run in its data is the one integer n.
Built on grain's `MapDataset`, which is random access throughout:

- Its index runs on through the epochs (example = index mod count, epoch = index div count) until the source
  takes it modulo the count. `random_map` comes before `shuffle`, hence sees the index after shuffling: its
  generator is a function of (seed, example, epoch), whatever the batch size.
- `repeat` comes before `batch`, so a minibatch may span two epochs, and a set smaller than a minibatch works.
- Batching by the rows of one process and taking every `process_count`-th of those gives process p the rows
  [p B/P, (p+1) B/P) of each global minibatch: an example meets the same row however many processes there are.
"""

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from jaxgan.data.spec import Spec
from jaxgan.errors import UserError

ENDLESS = 1 << 60  # examples: grain's own endless repeat overflows in batches of 1


class Batches:
    """An endless iterator of minibatches, read ahead by threads.

    `next(batches)` is a dict of arrays [batch_size // process_count, ...]. Close it, or use it in `with`.

    Attributes:
      examples: the data set's examples, in its own order, before any random transform.
      spec: the shapes and media of their entries, the names of the classes, and how many there are.
      position: n of the minibatch that comes next; give it as `start` to go on from here.

    >>> from jaxgan.data import Points
    >>> with Batches(Points(count=10), batch_size=4, seed=0) as batches:
    ...     first, second = next(batches), next(batches)
    >>> with Batches(Points(count=10), batch_size=4, seed=0, start=1) as batches:
    ...     bool((next(batches)["image"] == second["image"]).all())
    True
    """

    def __init__(
        self,
        data: Any,
        *,
        batch_size: int,
        seed: int,
        start: int = 0,
        process_index: int = 0,
        process_count: int = 1,
    ):
        """Loads `data` (see base.py) and reads the first minibatch.

        Args:
          data: a data set: `load()` and `transform(example, random)`.
          batch_size: rows of the global minibatch, over all processes.
          seed: of the order and of the random transforms.
          start: n of the first minibatch.
          process_index: which of the `process_count` equal slices of each minibatch is read.
          process_count: how many processes share each minibatch.

        Raises:
          UserError: a batch size below 1 or that the processes do not divide; no examples; errors of `load`.
        """
        import grain  # a second, and jax with it: paid by those who train
        import jax

        if batch_size < 1:
            raise UserError(f"batch_size is {batch_size}, but a minibatch has at least 1 example")
        if batch_size % process_count:
            raise UserError(
                f"batch_size {batch_size} is not divisible by the {process_count} processes: "
                f"try {-(-batch_size // process_count) * process_count}"
            )
        records = data.load()
        if len(records.examples) == 0:
            raise UserError(f"the data set is empty: {data}")
        self.examples = records.examples
        count = len(records.examples)

        # Two streams from one seed. Neighbouring seeds must not be neighbours here: grain shuffles epoch e by
        # its seed + e, so seed 0 would repeat in its second epoch the order of seed 1 in its first.
        shuffle_seed, transform_seed = (int(s) for s in np.random.SeedSequence(seed).generate_state(2))
        self._dataset = (
            grain.MapDataset.source(records.examples)
            .random_map(data.transform, seed=transform_seed)
            .shuffle(seed=shuffle_seed)
            .repeat(ENDLESS // count)
            .batch(batch_size // process_count)[process_index::process_count]
        )
        # Read in this thread, because grain sets itself up then, and must not do so in several at once.
        first: Future = Future()
        first.set_result(self._dataset[start])
        shapes = {name: jax.ShapeDtypeStruct(x.shape[1:], x.dtype) for name, x in first.result().items()}
        self.spec = Spec(shapes, tuple(records.classes), records.media, count, records.identity)
        self.position = start
        self._asked = start + 1  # n of the next minibatch that a thread will be asked for

        # Our own reading ahead, in ten lines, because grain's leaves its threads running after close() in
        # some versions and its default of 500 elements, here whole minibatches, would fill the memory.
        threads = min(8, os.cpu_count() or 1)
        self._ahead: deque[Future] = deque([first])
        self._depth = 2 * threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="jaxgan-data")

    def __iter__(self) -> "Batches":
        return self

    def __next__(self) -> dict[str, np.ndarray]:
        while len(self._ahead) < self._depth:
            self._ahead.append(self._pool.submit(self._dataset.__getitem__, self._asked))
            self._asked += 1
        batch = self._ahead.popleft().result()
        self.position += 1
        return batch

    def seek(self, position: int) -> None:
        """Goes on with minibatch `position`, the `position` of an iterator of another time."""
        if position != self.position:
            self._ahead.clear()
            self.position = self._asked = position

    def close(self) -> None:
        """Stops the threads, and waits for them. The iterator cannot be used afterwards."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> "Batches":
        return self

    def __exit__(self, *_) -> None:
        self.close()
