from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparring.data import Data, draw, load, views
from sparring.errors import BadInput


def numbered(n: int = 20, labels: object = None) -> Data:
    """Row i is a constant picture of value i, so that a row tells its number."""
    rows = np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None, None], (n, 6, 5, 3)).copy()
    return load((rows, labels)) if labels is not None else load(rows)


def number(x: torch.Tensor) -> list[int]:
    return ((x[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def test_images_are_float_channels_last_between_minus_one_and_one() -> None:
    data = load(np.linspace(0, 255, 2 * 6 * 5 * 3).reshape(2, 6, 5, 3).astype(np.uint8))
    x = data.x()
    assert data.shape == x.shape[1:] == (3, 6, 5)
    assert x.dtype == torch.float32
    assert x.is_contiguous(memory_format=torch.channels_last)
    assert (x.min().item(), x.max().item()) == (-1, 1)


def test_x_takes_arrays_tensors_masks_slices_and_nothing() -> None:
    data = numbered()
    assert number(data.x(np.array([3, 1]))) == number(data.x(torch.tensor([3, 1]))) == number(data.x([3, 1])) == [3, 1]
    assert number(data.x(slice(2, 4))) == number(data.x(np.arange(20) // 2 == 1)) == [2, 3]
    assert number(data.x(-1)) == [19]
    assert number(data.x()) == list(range(20))


def test_what_is_drawn_is_the_users_to_change() -> None:
    data = load(np.zeros((4, 2), np.float32))
    data.x().add_(1)
    data.x(slice(0, 2)).add_(1)
    assert data.x().eq(0).all()


@given(seed=st.integers(0, 2**32), rank=st.integers(0, 100), round=st.integers(0, 2**40))
@settings(max_examples=20, deadline=None)
def test_draws_are_decided_by_seed_rank_and_round(seed: int, rank: int, round: int) -> None:
    data = numbered(200, np.arange(200) % 4)

    def first(*counters: int) -> list[int]:
        return [n for x, _ in islice(draw(views.labelled, data, 16, *counters), 3) for n in number(x)]

    assert first(seed, rank, round) == first(seed, rank, round)
    assert first(seed, rank, round) != first(seed, rank, round + 1)
    assert first(seed, rank, round) != first(seed, rank + 1, round)
    assert first(seed, rank, round) != first(seed + 1, rank, round)


def test_draws_leave_the_global_generators_alone() -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    next(draw(views.pictures, numbered(), 4, 0, 0, 0))
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()  # noqa: NPY002


@pytest.mark.parametrize("batch", [1, 19, 20, 21, 64])
def test_rows_repeat_within_a_batch_only_where_they_must(batch: int) -> None:
    seen = number(next(draw(views.pictures, numbered(20), batch, 0, 0, 0)))
    assert len(seen) == batch
    assert (len(set(seen)) == batch) == (batch <= 20)


def test_every_row_is_drawn_equally_often() -> None:
    counts = np.zeros(20)
    for x in islice(draw(views.pictures, numbered(20), 5, 0, 0, 0), 2000):
        counts[number(x)] += 1
    assert counts.sum() == 10_000
    # Sampling without replacement: a row is in a batch with probability 1/4; five standard deviations.
    assert abs(counts - 500).max() < 5 * (2000 * 0.25 * 0.75) ** 0.5


def test_views() -> None:
    labels = np.where(np.arange(20) % 3 == 0, np.arange(20) % 2, -1)
    data, target = numbered(20, labels), numbered(30)
    x, y = next(draw(views.labelled, data, 7, 0, 0, 0))
    assert y.tolist() == [labels[i] for i in number(x)]
    assert y.dtype == torch.int64
    assert (y >= 0).all()
    (x, y), u = next(draw(views.semi, data, 7, 0, 0, 0))
    assert (y >= 0).all()
    assert len(x) == len(u) == 7
    assert any(labels[i] < 0 for i in number(u))
    (x, y), t = next(draw(views.domains, (data, target), 16, 0, 0, 0))
    assert y.tolist() == [labels[i] for i in number(x)]
    assert max(number(t)) >= 20


def test_labels_that_are_not_there_are_bad_input() -> None:
    with pytest.raises(BadInput, match="no labels"):
        next(draw(views.labelled, numbered(), 4, 0, 0, 0))
    with pytest.raises(BadInput, match="no labelled row"):
        next(draw(views.semi, numbered(4, [-1, -1, -1, -1]), 4, 0, 0, 0))


def test_a_subset_of_a_subset_keeps_rows_labels_and_attributes_together() -> None:
    data = numbered(20, np.arange(20) % 4)
    data.attributes["half"] = (("low", "high"), np.arange(20) // 10)
    part = data.subset([19, 3, 5, 8]).subset(np.array([2, 0]))
    assert number(part.x()) == [5, 19]
    assert part.y().tolist() == [1, 3]
    assert part.attributes["half"][1].tolist() == [0, 1]
    assert (len(part), part.classes, part.shape) == (2, 4, data.shape)


def test_fingerprints_tell_content_not_name() -> None:
    rows = np.random.default_rng(0).integers(0, 256, (100, 4, 4), np.uint8)
    data = load(rows)
    other = rows.copy()
    other[-1, 0, 0] ^= 1
    assert data.fingerprint() == load(rows.copy()).fingerprint()
    marks = [data, load(other), load((rows, np.zeros(100))), load((rows, np.ones(100))), data.subset(slice(50))]
    assert len({d.fingerprint() for d in marks}) == len(marks)


@pytest.mark.parametrize("n", [2, 3, 10, 1797])
def test_splits_are_disjoint_complete_fixed_and_stratified(n: int) -> None:
    data = load((np.arange(2.0 * n).reshape(n, 2), np.arange(n) % 3 - (n < 4)))
    train, test = (load(data, split=split) for split in ("train", "test"))
    numbers = [part.x()[:, 0].tolist() for part in (train, test)]
    assert sorted(numbers[0] + numbers[1]) == data.x()[:, 0].tolist()
    assert len(test) == max(1, round(n / 5))
    assert load(data, split="test").x().equal(test.x())
    if n > 100:
        shares = [np.bincount(part.labels) / len(part) for part in (train, test)]
        assert abs(shares[0] - shares[1]).max() < 1 / len(test)


def test_at_most_ten_thousand_rows_are_held_out() -> None:
    assert len(load(np.zeros((60_000, 1)), split="test")) == 10_000
    assert len(load(np.zeros((60_000, 1)), split="test", holdout=0.1)) == 6_000


@pytest.mark.parametrize("bad", [{"split": "tests"}, {"holdout": 0}, {"holdout": 1.0}])
def test_bad_splits(bad: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        load("digits", **bad)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="cannot be split"):
        load(np.zeros((1, 2)), split="train")
    with pytest.raises(BadInput, match="train split already"):
        load(load("digits", split="train"), split="test")


def test_batches_go_through_all_rows_in_order() -> None:
    got = [(index.tolist(), number(x)) for index, x in numbered(20).batches(8)]
    assert [i for index, _ in got for i in index] == [i for _, x in got for i in x] == list(range(20))
    assert [len(x) for _, x in got] == [8, 8, 4]
