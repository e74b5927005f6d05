"""An evaluation: labelled queries from a file, run on one index or two, with their metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from indexer.catalog import BadRow
from indexer.errors import CatalogError
from indexer.evaluation.comparison import Comparison, MetricBreakdown, compare, metric_breakdown
from indexer.evaluation.labelled_queries import QueryColumns, read_queries
from indexer.evaluation.runner import QueryRun, run_queries
from indexer.index import Index
from indexer.search import Engine, Query

__all__ = ["EvaluatedIndex", "Evaluation", "evaluate"]

# Unknown ids quoted in an error.
_QUOTED_IDS = 3


@dataclass(frozen=True)
class EvaluatedIndex:
    """One index with its results.

    Attributes:
        place: The index folder, as the user named it.
        index: The generation that was searched.
        run: The outcomes of the queries.
        metrics: Summary of the outcomes.
    """

    place: str
    index: Index
    run: QueryRun
    metrics: MetricBreakdown

    @property
    def generation(self) -> int:
        """The number of the generation that was searched."""
        return self.index.manifest.generation


@dataclass(frozen=True)
class Evaluation:
    """All results of an evaluation.

    Attributes:
        file: Name of the query file.
        k: Number of hits that the metrics look at.
        this: The evaluated index.
        other: The index that it is compared with, if any.
        comparison: The difference between the two, if there are two.
        bad: Rows of the file that could not be used.
    """

    file: str
    k: int
    this: EvaluatedIndex
    other: EvaluatedIndex | None
    comparison: Comparison | None
    bad: tuple[BadRow, ...]

    def remarks(self, max_ids: int, max_rows: int) -> Iterator[str]:
        """Yield one line for each kind of query, id or row that was left out.

        Args:
            max_ids: Maximum number of unknown ids to quote.
            max_rows: Maximum number of unusable rows to list.
        """
        for evaluated in (self.this, self.other):
            if evaluated is not None and (unknown := evaluated.run.unknown_ids):
                more = ", …" if len(unknown) > max_ids else ""
                yield (
                    f"{len(unknown):,} relevant id(s) are not in {evaluated.place} and count as "
                    f"not found: {', '.join(unknown[:max_ids])}{more}"
                )
        if unanswerable := self.this.run.unanswerable:
            yield (
                f"{len(unanswerable):,} queries have no relevant product in the index and are left "
                f"out, the first on line {unanswerable[0]}"
            )
        if self.bad:
            yield f"{len(self.bad):,} row(s) could not be used:"
            for row in self.bad[:max_rows]:
                yield f"line {row.line}: {row.message}"


def evaluate(
    path: Path,
    columns: QueryColumns,
    engines: Sequence[tuple[str, Engine]],
    template: Query,
    progress: Callable[[int, int], None] = lambda *_: None,
) -> Evaluation:
    """Evaluate an engine, and compare it with another one if two are given.

    Args:
        path: The file of labelled queries.
        columns: The columns of the file.
        engines: One engine or two, each with the name of its place.
        template: The options of every query, as in `indexer.evaluation.runner.run_queries`.
        progress: Called with the number of queries that are done, and of all.

    Raises:
        CatalogError: The file has no usable query.
        QueryError: A label is not a field of the index.
    """
    opened = [engine for _, engine in engines]
    read = read_queries(path, columns, is_id=opened[0].index.__contains__)
    total = len(read.queries)
    runs, failed = run_queries(opened, read.queries, template, lambda done: progress(done, total))
    bad = (*read.bad, *failed)
    if not runs[0].outcomes:
        raise CatalogError(_no_outcome(path, runs[0], bad))
    evaluated = [
        EvaluatedIndex(place, engine.index, run, metric_breakdown(run, template.k))
        for (place, engine), run in zip(engines, runs, strict=True)
    ]
    this, *others = evaluated
    other = others[0] if others else None
    comparison = None if other is None else compare(other.run, this.run, template.k)
    return Evaluation(path.name, template.k, this, other, comparison, bad)


def _no_outcome(path: Path, run: QueryRun, bad: Sequence[BadRow]) -> str:
    message = f"no query of {path.name!r} could be evaluated"
    if run.unanswerable:
        message += f": {len(run.unanswerable):,} have no relevant product in the index"
        if run.unknown_ids:
            message += f", which has no {', '.join(map(repr, run.unknown_ids[:_QUOTED_IDS]))}"
    if bad:
        message += f"; {len(bad):,} row(s) are broken, line {bad[0].line}: {bad[0].message}"
    return message
