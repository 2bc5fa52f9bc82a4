"""Minibatch n is a pure function of (data, seed, n), however it is reached and by how many processes."""

import threading
from dataclasses import dataclass

import numpy as np
import pytest

from jaxgan.data import Batches, Digits, Records
from jaxgan.errors import UserError


@dataclass(frozen=True)
class Numbers:
    """A data set as a user would write it, without a base class."""

    count: int = 10

    def load(self):
        return Records([{"number": i} for i in range(self.count)], ("few", "many"))

    def transform(self, example, random):
        return {"number": np.int32(example["number"]), "noise": np.float32(random.random())}


def take(count, **options):
    with Batches(options.pop("data", Numbers()), **{"batch_size": 4, "seed": 0, **options}) as batches:
        return [next(batches) for _ in range(count)]


def column(batches, name="number"):
    return np.concatenate([batch[name] for batch in batches]).tolist()


def test_spec_count_and_classes():
    with Batches(Digits(), batch_size=32, seed=0) as batches:
        assert batches.spec.count == 1797
        assert batches.spec.classes == tuple("0123456789")
        assert (batches.spec.shapes["image"].shape, batches.spec.shapes["image"].dtype) == ((8, 8, 1), np.float32)
        assert (batches.spec.shapes["label"].shape, batches.spec.shapes["label"].dtype) == ((), np.int32)
        batch = next(batches)
        assert {name: (32, *x.shape) for name, x in batches.spec.shapes.items()} == {
            k: x.shape for k, x in batch.items()
        }
        assert batch["image"].min() == -1
        assert batch["image"].max() == 1


@pytest.mark.parametrize(("batch_size", "processes"), [(1, 1), (2, 2)])
def test_one_row_per_process(batch_size, processes):
    batches = take(10, batch_size=batch_size, process_count=processes, process_index=processes - 1)
    assert len(column(batches)) == 10


def test_an_epoch_has_every_example_once_in_another_order():
    numbers = column(take(5, batch_size=10))
    epochs = [numbers[i : i + 10] for i in range(0, 50, 10)]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 5


def test_batches_span_epochs():
    numbers = column(take(5))
    assert sorted(numbers[:10]) == sorted(numbers[10:]) == list(range(10))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_set_smaller_than_the_batch(count):
    (batch,) = take(1, data=Numbers(count), batch_size=8)
    assert set(batch["number"].tolist()) == set(range(count))


def test_the_seed_decides_order_and_noise():
    assert column(take(5)) == column(take(5))
    assert column(take(5), "noise") == column(take(5), "noise")
    assert column(take(5)) != column(take(5, seed=1))
    # The second epoch of seed 0 is not the first of seed 1.
    assert column(take(10))[10:20] != column(take(10, seed=1))[:10]


def test_noise_depends_on_example_and_epoch_but_not_on_the_batch_size():
    def noise(batch_size):
        batches = take(40 // batch_size, batch_size=batch_size)
        return list(zip(column(batches), column(batches, "noise"), strict=True))

    assert noise(4) == noise(10) == noise(1)
    assert len({value for _, value in noise(10)}) == 40


@pytest.mark.parametrize("start", [1, 3, 7, 1000])
def test_resuming_gives_the_same_minibatches(start):
    if start < 10:
        expected = take(start + 3)[start:]
    else:
        expected = take(3, start=start)
        expected = take(5, start=start - 2)[2:]
    resumed = take(3, start=start)
    for a, b in zip(expected, resumed, strict=True):
        assert {k: v.tolist() for k, v in a.items()} == {k: v.tolist() for k, v in b.items()}


def test_position_counts_what_was_returned_not_what_was_read_ahead():
    with Batches(Numbers(), batch_size=4, seed=0, start=5) as batches:
        assert batches.position == 5
        next(batches)
        next(batches)
        assert batches.position == 7


@pytest.mark.parametrize("processes", [2, 4])
def test_processes_share_the_global_batch_in_contiguous_slices(processes):
    whole = take(6, batch_size=8)
    parts = [take(6, batch_size=8, process_index=p, process_count=processes) for p in range(processes)]
    for n, batch in enumerate(whole):
        for name in batch:
            assert np.concatenate([part[n][name] for part in parts]).tolist() == batch[name].tolist()
    late = take(2, batch_size=8, start=4, process_index=1, process_count=processes)
    assert column(late) == column(parts[1][4:])


def test_close_stops_the_threads():
    before = threading.active_count()
    batches = Batches(Numbers(), batch_size=4, seed=0)
    next(batches)
    assert threading.active_count() > before
    batches.close()
    assert threading.active_count() == before


def test_errors_of_the_data_come_through():
    class Broken(Numbers):
        def transform(self, example, random):
            if example["number"] == 7:
                raise UserError("picture 7 is damaged")
            return super().transform(example, random)

    with pytest.raises(UserError, match="picture 7"):
        take(3, data=Broken())


def test_refusals():
    with pytest.raises(UserError, match="batch_size is 0"):
        take(1, batch_size=0)
    with pytest.raises(UserError, match=r"batch_size 7 .* 2 processes: try 8"):
        take(1, batch_size=7, process_count=2)
    with pytest.raises(UserError, match="empty"):
        take(1, data=Numbers(0))
