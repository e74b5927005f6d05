"""One batch: only the item to blame fails, and a batch out of memory is halved once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import pytest

from search_api.service.errors import ModelMemoryError
from search_api.service.serving.batch_queue import BatchKind, Item
from search_api.service.serving.batch_runner import run_batch


def outcomes(work: Any, values: Sequence[Any]) -> list[Any]:
    """The answer or the error of each value."""
    items = [Item(value, Future(), 0.0, 1.0) for value in values]
    run_batch(work, BatchKind.TEXTS, items)
    return [item.future.exception(0) or item.future.result(0) for item in items]


def test_every_value_gets_its_answer() -> None:
    assert outcomes(lambda values: [2 * value for value in values], [1, 2, 3]) == [2, 4, 6]


def test_an_answer_may_be_an_error() -> None:
    error = ValueError("no vector")
    work = lambda values: [error if value == 2 else value for value in values]  # noqa: E731
    assert outcomes(work, [1, 2, 3]) == [1, error, 3]


def test_only_the_item_to_blame_fails() -> None:
    sizes = []
    error = RuntimeError("poisoned")

    def work(values: Sequence[int]) -> Sequence[int]:
        sizes.append(len(values))
        if 5 in values:
            raise error
        return values

    assert outcomes(work, [1, 2, 3, 4, 5, 6, 7, 8]) == [1, 2, 3, 4, error, 6, 7, 8]
    assert sizes == [8, 4, 4, 2, 1, 1, 2]


def test_a_wrong_number_of_answers_is_an_error_of_every_item() -> None:
    failed = outcomes(lambda values: [*values, 0], [1, 2])
    assert [str(error) for error in failed] == ["2 answers for 1 texts"] * 2


def test_out_of_memory_halves_once_and_then_refuses() -> None:
    sizes = []

    def work(values: Sequence[int]) -> Sequence[int]:
        sizes.append(len(values))
        if len(values) > 2:
            raise MemoryError
        return values

    assert outcomes(work, [1, 2, 3, 4]) == [1, 2, 3, 4]
    assert sizes == [4, 2, 2]
    refused = outcomes(work, range(1, 9))
    assert [type(error) for error in refused] == [ModelMemoryError] * 8
    assert sizes[3:] == [8, 4, 4]


@pytest.mark.parametrize("error", [MemoryError(), ValueError()])
def test_a_single_item_is_not_halved(error: Exception) -> None:
    def work(values: Sequence[int]) -> Sequence[int]:
        raise error

    (failed,) = outcomes(work, [1])
    assert failed is error or isinstance(failed, ModelMemoryError)
