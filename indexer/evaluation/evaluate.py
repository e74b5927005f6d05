"""An evaluation from a file of labelled queries to figures, for the command line and the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from indexer.catalog import BadRow
from indexer.catalog import title_of as title_of_fields
from indexer.errors import CatalogError
from indexer.evaluation.comparison import Change, Comparison, Figures, compare, figures_of
from indexer.evaluation.labelled_queries import LabelledQuery, QueryColumns, read_queries
from indexer.evaluation.metrics import metric_names
from indexer.evaluation.runner import Judgement, Outcome, RankedHit, judge
from indexer.index import Index
from indexer.search import Engine, Query

__all__ = ["Evaluation", "Side", "evaluate", "named", "summary", "title_of"]

# Broken rows and unknown ids that are shown.
_EXAMPLES = 10


@dataclass(frozen=True)
class Side:
    """One index evaluated.

    Attributes:
        place: The index folder, as the user named it.
        index: The generation that answered.
        judgement: What it made of the queries.
        figures: How good that is.
    """

    place: str
    index: Index
    judgement: Judgement
    figures: Figures

    @property
    def generation(self) -> int:
        """The number of the generation that answered."""
        return self.index.manifest.generation


@dataclass(frozen=True)
class Evaluation:
    """Everything that an evaluation found.

    Attributes:
        file: The name of the queries' file.
        k: How many hits the figures look at.
        this: The index evaluated.
        other: The index it is compared with, if any.
        comparison: How this one differs from the other, if there is one.
        bad: Rows that could not be asked.
    """

    file: str
    k: int
    this: Side
    other: Side | None
    comparison: Comparison | None
    bad: tuple[BadRow, ...]


def evaluate(
    path: Path,
    columns: QueryColumns,
    engines: Sequence[tuple[str, Engine]],
    asked: Query,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Evaluate an engine, or two.

    Args:
        path: The labelled queries.
        columns: Where in the file what stands.
        engines: The engine to evaluate and perhaps one to compare it with, each after the name of
            its place.
        asked: How queries are asked, as in `indexer.evaluation.runner.judge`.
        progress: Is told how many queries of how many are done.

    Raises:
        CatalogError: The file has no query that could be asked and judged.
        QueryError: A label is no field of an index.
    """
    opened = [engine for _, engine in engines]
    read = read_queries(path, columns, known=opened[0].index.__contains__)
    total = len(read.queries)
    judgements, broken = judge(opened, read.queries, asked, lambda done: progress(done, total))
    bad = (*read.bad, *broken)
    if not judgements[0].outcomes:
        raise CatalogError(_nothing_judged(path, judgements[0], bad))
    sides = [
        Side(place, engine.index, judgement, figures_of(judgement, asked.k))
        for (place, engine), judgement in zip(engines, judgements, strict=True)
    ]
    other = sides[1] if len(sides) > 1 else None
    comparison = None
    if other is not None:
        comparison = compare(other.judgement, sides[0].judgement, asked.k)
    return Evaluation(path.name, asked.k, sides[0], other, comparison, bad)


def _nothing_judged(path: Path, judgement: Judgement, bad: Sequence[BadRow]) -> str:
    message = f"no query of {path.name!r} could be evaluated"
    if judgement.unanswerable:
        message += f": {len(judgement.unanswerable):,} have no relevant product in the index"
        if judgement.unknown_ids:
            message += f", which has no {', '.join(map(repr, judgement.unknown_ids[:3]))}"
    if bad:
        message += f"; {len(bad):,} row(s) are broken, line {bad[0].line}: {bad[0].message}"
    return message


def summary(evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation for machines; docs/guide.md has the names."""
    this = evaluation.this
    found: dict[str, Any] = {
        "file": evaluation.file,
        "k": evaluation.k,
        **_side(this),
        "bad_rows": {
            "count": len(evaluation.bad),
            "examples": [
                {"line": row.line, "reason": str(row.reason), "message": row.message}
                for row in evaluation.bad[:_EXAMPLES]
            ],
        },
        "comparison": None,
    }
    if evaluation.comparison is not None and evaluation.other is not None:
        comparison = evaluation.comparison
        found["comparison"] = {
            "with": _side(evaluation.other),
            "differences": _figures(comparison.differences),
            "better": comparison.better,
            "worse": comparison.worse,
            "changed": [
                _change(change, evaluation.k, this, evaluation.other)
                for change in comparison.changed
            ],
        }
    return found


def named(query: LabelledQuery) -> str:
    """What a query is called where it is shown: its words, or its picture's place."""
    picture = "" if query.image is None else f"[{query.image.location or 'picture'}]"
    return " ".join(part for part in (query.text, picture) if part)


def title_of(index: Index, product_id: str) -> str:
    """A product's title, or its id."""
    return title_of_fields(index.get(product_id).fields) or product_id


def _side(side: Side) -> dict[str, Any]:
    manifest, judgement = side.index.manifest, side.judgement
    return {
        "index": {
            "path": side.place,
            "generation": manifest.generation,
            "products": manifest.products,
            "model": manifest.encoder.name,
        },
        **_figures(side.figures),
        "unanswerable": {
            "count": len(judgement.unanswerable),
            "lines": list(judgement.unanswerable[:_EXAMPLES]),
        },
        "unknown_ids": {
            "count": len(judgement.unknown_ids),
            "examples": list(judgement.unknown_ids[:_EXAMPLES]),
        },
    }


def _figures(figures: Figures) -> dict[str, Any]:
    overall = asdict(figures.overall)
    return {
        "queries": overall["queries"],
        "metrics": overall["metrics"],
        "by_kind": {name: asdict(group) for name, group in figures.kinds.items()},
        "by_category": {name: asdict(group) for name, group in figures.categories.items()},
    }


def _change(change: Change, k: int, this: Side, other: Side) -> dict[str, Any]:
    query = change.after.query
    names = metric_names(k)
    return {
        "line": query.line,
        "query": named(query),
        "kind": str(query.asked_by),
        "difference": dict(zip(names, change.difference.tolist(), strict=True)),
        "before": _outcome(change.before, names, other),
        "after": _outcome(change.after, names, this),
    }


def _outcome(outcome: Outcome, names: Sequence[str], side: Side) -> dict[str, Any]:
    return {
        "metrics": dict(zip(names, outcome.values.tolist(), strict=True)),
        "hits": [_hit(hit, side) for hit in outcome.hits],
    }


def _hit(hit: RankedHit, side: Side) -> dict[str, Any]:
    match = hit.match
    return {
        "id": match.id,
        "title": title_of(side.index, match.id),
        "score": round(match.score, 6),
        "relevant": hit.relevant,
    }
