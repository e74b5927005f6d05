"""Execution of one batch: a failing batch is halved, so that only the item to blame fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import structlog

from search_api.service.errors import ModelMemoryError
from search_api.service.serving.batch_queue import BatchKind, Item

__all__ = ["Work", "run_batch"]

_log = structlog.get_logger(__name__)

Work = Callable[[Sequence[Any]], Sequence[Any]]
"""Takes a batch of values; returns one answer for each, in order. An answer may be an error."""


def run_batch(
    work: Work, kind: BatchKind, items: Sequence[Item], *, out_of_memory: bool = False
) -> None:
    """Answer every item of a batch through its future.

    If the work fails, each half is tried by itself, down to single items. If it runs out of
    memory, the batch is halved once and then refused.

    Args:
        work: The work.
        kind: The kind of the items.
        items: At least one.
        out_of_memory: Whether this is half of a batch that ran out of memory.
    """
    try:
        answers = _answers(work, kind, items)
    except MemoryError:
        if out_of_memory or len(items) == 1:
            _fail(items, ModelMemoryError("The model ran out of memory; try again shortly."))
            return
        _log.warning("out of memory, batch halved", kind=kind, items=len(items))
        _run_halves(work, kind, items, out_of_memory=True)
    except Exception as error:  # noqa: BLE001 (an encoder may raise anything; its item gets it)
        if len(items) == 1:
            _fail(items, error)
            return
        _run_halves(work, kind, items, out_of_memory=out_of_memory)
    else:
        for item, answer in zip(items, answers, strict=True):
            if isinstance(answer, Exception):
                item.future.set_exception(answer)
            else:
                item.future.set_result(answer)


def _answers(work: Work, kind: BatchKind, items: Sequence[Item]) -> list[Any]:
    answers = list(work([item.value for item in items]))
    if len(answers) != len(items):
        raise ValueError(f"{len(answers)} answers for {len(items)} {kind}")
    return answers


def _run_halves(work: Work, kind: BatchKind, items: Sequence[Item], *, out_of_memory: bool) -> None:
    middle = len(items) // 2
    run_batch(work, kind, items[:middle], out_of_memory=out_of_memory)
    run_batch(work, kind, items[middle:], out_of_memory=out_of_memory)


def _fail(items: Sequence[Item], error: Exception) -> None:
    for item in items:
        item.future.set_exception(error)
