"""The page about an evaluation: one HTML file with its pictures, without scripts or requests."""

from __future__ import annotations

from dataclasses import dataclass

from embeddings import LookalikeError
from embeddings.images import make_thumbnail, open_image
from indexer.evaluation import (
    EvaluatedIndex,
    Evaluation,
    LabelledQuery,
    MetricBreakdown,
    MetricSummary,
    Outcome,
    product_title,
    query_name,
    worst_outcomes,
)
from indexer.index import Index
from search_api.reports.pages import data_uri, render_page

__all__ = ["evaluation_page"]

# Longest side of a query's picture, in pixels, and its largest file.
_THUMBNAIL = 160
_MAX_IMAGE_BYTES = 32 * 2**20
# Unknown ids and unusable rows that are listed.
_MAX_IDS, _MAX_ROWS = 10, 20
# Relevant products of a query that are named.
_MAX_RELEVANT = 3


@dataclass(frozen=True)
class _Hit:
    """A hit with its picture as a data URI."""

    id: str
    title: str
    score: float
    relevant: bool
    picture: str


@dataclass(frozen=True)
class _Answer:
    """The hits of one index for a query."""

    name: str
    ndcg: float
    hits: tuple[_Hit, ...]


@dataclass(frozen=True)
class _ShownQuery:
    """A query with its answers."""

    name: str
    line: int
    category: str | None
    picture: str
    relevant: str
    answers: tuple[_Answer, ...]


def evaluation_page(evaluation: Evaluation) -> str:
    """Render the page: metrics, and the queries that changed most or have the lowest nDCG.

    Text of catalogs and queries is escaped; the page loads nothing and runs no script.
    """
    this, other, comparison = evaluation.this, evaluation.other, evaluation.comparison
    if comparison is not None and other is not None:
        queries = [
            _query((other, change.before), (this, change.after)) for change in comparison.changed
        ]
    else:
        queries = [_query((this, outcome)) for outcome in worst_outcomes(this.run)]
    return render_page(
        "evaluation.html",
        file=evaluation.file,
        this=_heading(this),
        this_metrics=this.metrics,
        other=None if other is None else _heading(other),
        other_metrics=None if other is None else other.metrics,
        differences=None if comparison is None else comparison.differences,
        better=0 if comparison is None else comparison.better,
        worse=0 if comparison is None else comparison.worse,
        queries=queries,
        remarks=list(evaluation.remarks(_MAX_IDS, _MAX_ROWS)),
        groups_of=_groups,
    )


def _groups(metrics: MetricBreakdown) -> list[tuple[str, MetricSummary]]:
    kinds = metrics.kinds if len(metrics.kinds) > 1 else {}
    return [("all", metrics.overall), *kinds.items(), *metrics.categories.items()]


def _heading(evaluated: EvaluatedIndex) -> str:
    manifest = evaluated.index.manifest
    return (
        f"{evaluated.place}, generation {evaluated.generation}: {manifest.products:,} products, "
        f"{manifest.encoder.name}"
    )


def _query(*answers: tuple[EvaluatedIndex, Outcome]) -> _ShownQuery:
    """Describe a query by its outcomes on one index, or on the other and this one."""
    query = answers[0][1].query
    names = ("before", "now") if len(answers) > 1 else ("found",)
    return _ShownQuery(
        query_name(query),
        query.line,
        query.category,
        _query_picture(query),
        _relevant(query, answers[-1][0].index),
        tuple(
            _answer(name, evaluated.index, outcome)
            for name, (evaluated, outcome) in zip(names, answers, strict=True)
        ),
    )


def _answer(name: str, index: Index, outcome: Outcome) -> _Answer:
    hits = tuple(
        _Hit(
            hit.match.id,
            product_title(index, hit.match.id),
            hit.match.score,
            hit.relevant,
            data_uri(index.thumbnail(hit.match.id, hit.match.image)),
        )
        for hit in outcome.hits
    )
    return _Answer(name, float(outcome.values[-1]), hits)


def _relevant(query: LabelledQuery, index: Index) -> str:
    """Name the relevant products, or the labels that decide."""
    if query.labels:
        return ", ".join(f"{name} {value}" for name, value in query.labels.items())
    named = [
        product_title(index, product) if product in index else product
        for product in list(query.relevant)[:_MAX_RELEVANT]
    ]
    more = len(query.relevant) - len(named)
    return "; ".join([*named, f"and {more:,} more"] if more else named)


def _query_picture(query: LabelledQuery) -> str:
    if query.image is None:
        return ""
    try:
        opened = open_image(query.image.read(_MAX_IMAGE_BYTES))
    except LookalikeError:  # the file was removed since the query ran
        return ""
    return data_uri(make_thumbnail(opened, _THUMBNAIL))
