"""An evaluation as one HTML page that holds its pictures and needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined

from embeddings import LookalikeError
from embeddings.images import make_thumbnail, open_image
from indexer.evaluation import (
    Evaluation,
    Figures,
    LabelledQuery,
    Outcome,
    Side,
    Summary,
    named,
    title_of,
    worst,
)
from indexer.index import Index

__all__ = ["evaluation_page"]

_THUMBNAIL = 160
_MAX_IMAGE_BYTES = 32 * 2**20
_BAD_ROWS = 20
_WANTED = 3


@dataclass(frozen=True)
class _Hit:
    id: str
    title: str
    score: float
    relevant: bool
    picture: str


@dataclass(frozen=True)
class _Answer:
    name: str
    ndcg: float
    hits: tuple[_Hit, ...]


@dataclass(frozen=True)
class _Asked:
    name: str
    line: int
    category: str | None
    picture: str
    wanted: str
    answers: tuple[_Answer, ...]


def evaluation_page(evaluation: Evaluation) -> str:
    """The page: figures, and the queries that changed most or, with one index, went worst.

    Everything from catalogs and queries is escaped; the page loads nothing and runs no script.
    """
    this, other, comparison = evaluation.this, evaluation.other, evaluation.comparison
    if comparison is not None and other is not None:
        asked = [
            _asked((other, change.before), (this, change.after)) for change in comparison.changed
        ]
    else:
        asked = [_asked((this, outcome)) for outcome in worst(this.judgement)]
    environment = Environment(
        loader=PackageLoader("search_api.reports"), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("evaluation.html").render(
        file=evaluation.file,
        this=_heading(this),
        this_figures=this.figures,
        other=None if other is None else _heading(other),
        other_figures=None if other is None else other.figures,
        differences=None if comparison is None else comparison.differences,
        better=0 if comparison is None else comparison.better,
        worse=0 if comparison is None else comparison.worse,
        queries=asked,
        left_out=list(_left_out(evaluation)),
        groups_of=_groups,
    )


def _groups(figures: Figures) -> list[tuple[str, Summary]]:
    kinds = figures.kinds if len(figures.kinds) > 1 else {}
    return [("all", figures.overall), *kinds.items(), *figures.categories.items()]


def _heading(side: Side) -> str:
    manifest = side.index.manifest
    return (
        f"{side.place}, generation {side.generation}: {manifest.products:,} products, "
        f"{manifest.encoder.name}"
    )


def _asked(*answers: tuple[Side, Outcome]) -> _Asked:
    query = answers[0][1].query
    names = ("before", "now") if len(answers) > 1 else ("found",)
    return _Asked(
        named(query),
        query.line,
        query.category,
        _query_picture(query),
        _wanted(query, answers[-1][0].index),
        tuple(
            _answer(name, side, outcome)
            for name, (side, outcome) in zip(names, answers, strict=True)
        ),
    )


def _answer(name: str, side: Side, outcome: Outcome) -> _Answer:
    hits = tuple(
        _Hit(
            hit.match.id,
            title_of(side.index, hit.match.id),
            hit.match.score,
            hit.relevant,
            _picture(side.index, hit.match.id, hit.match.image),
        )
        for hit in outcome.hits
    )
    return _Answer(name, float(outcome.values[-1]), hits)


def _picture(index: Index, product_id: str, number: int) -> str:
    return _data_url(index.thumbnail(product_id, number))


def _wanted(query: LabelledQuery, index: Index) -> str:
    """What is relevant, in short."""
    if query.labels:
        return ", ".join(f"{name} {value}" for name, value in query.labels.items())
    first = [
        title_of(index, product) if product in index else product
        for product in list(query.relevant)[:_WANTED]
    ]
    more = len(query.relevant) - len(first)
    return "; ".join([*first, f"and {more:,} more"] if more else first)


def _query_picture(query: LabelledQuery) -> str:
    if query.image is None:
        return ""
    try:
        opened = open_image(query.image.read(_MAX_IMAGE_BYTES))
    except LookalikeError:  # gone since it was asked
        return ""
    return _data_url(make_thumbnail(opened, _THUMBNAIL))


def _data_url(webp: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(webp).decode()}" if webp else ""


def _left_out(evaluation: Evaluation) -> Iterable[str]:
    for side in (evaluation.this, evaluation.other):
        if side is not None and (unknown := side.judgement.unknown_ids):
            yield (
                f"{len(unknown):,} relevant id(s) are not in {side.place} and count as not found: "
                f"{', '.join(unknown[:10])}{', …' if len(unknown) > 10 else ''}"
            )
    unanswerable = evaluation.this.judgement.unanswerable
    if unanswerable:
        yield (
            f"{len(unanswerable):,} queries have no relevant product in the index, the first on "
            f"line {unanswerable[0]}"
        )
    for row in evaluation.bad[:_BAD_ROWS]:
        yield f"line {row.line}: {row.message}"
    if len(evaluation.bad) > _BAD_ROWS:
        yield f"and {len(evaluation.bad) - _BAD_ROWS:,} more rows that could not be used"
