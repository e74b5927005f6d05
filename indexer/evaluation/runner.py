"""Labelled queries, run on one engine or several, with the metrics of each query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from embeddings import Encoder, ImageError
from embeddings.images import open_image
from indexer.catalog import (
    BadRow,
    FieldType,
    FieldValue,
    Reason,
    Scalar,
    date_operand,
    quote_for_message,
)
from indexer.errors import QueryError, RowError
from indexer.evaluation.batched_encoder import CachedBatchEncoder
from indexer.evaluation.labelled_queries import LabelledQuery
from indexer.evaluation.metrics import DEPTH, Values, query_metrics
from indexer.index import Index, Match
from indexer.retrieval import And, parse_filter
from indexer.search import Engine, ImagePart, Query, QueryPart, TextPart

__all__ = ["SHOWN_HITS", "Outcome", "QueryRun", "RankedHit", "run_queries"]

SHOWN_HITS = 5
"""Hits of each query that are kept for reports."""

# Queries embedded at once.
_BATCH = 64
# Largest image file of a query.
_MAX_IMAGE_BYTES = 32 * 2**20


@dataclass(frozen=True)
class RankedHit:
    """A hit, and whether it is relevant."""

    match: Match
    relevant: bool


@dataclass(frozen=True)
class Outcome:
    """The result of one query on one index.

    Attributes:
        query: The query.
        values: `[4]` metrics, in the order of `metric_names`.
        relevant: Number of relevant products, including ids that are not in the index.
        hits: The first `SHOWN_HITS`, only with the fields that are labels.
    """

    query: LabelledQuery
    values: Values
    relevant: int
    hits: tuple[RankedHit, ...]


@dataclass(frozen=True)
class QueryRun:
    """The outcomes of all queries on one index.

    Attributes:
        outcomes: One for each query that has a relevant product in this index or in another one of
            the same run.
        unanswerable: Lines of the queries without a relevant product.
        unknown_ids: Relevant ids that are not in the index; they count as not found.
    """

    outcomes: tuple[Outcome, ...]
    unanswerable: tuple[int, ...]
    unknown_ids: tuple[str, ...]


@dataclass(frozen=True)
class _Answer:
    """An outcome, and whether the index has a relevant product at all."""

    outcome: Outcome
    answerable: bool


def run_queries(
    engines: Sequence[Engine],
    queries: Sequence[LabelledQuery],
    template: Query,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[list[QueryRun], list[BadRow]]:
    """Run labelled queries on engines, and compute the metrics of each query.

    Queries are embedded in batches. Each engine searches the generation that it has at the start.

    Args:
        engines: One or more; several run the same queries, for a comparison.
        queries: The queries.
        template: The options of every query: `k`, mode and so on, without parts, filter and fields.
        progress: Called with the number of queries that are done.

    Returns:
        A run for each engine, over the same queries; and the queries that failed on any engine:
        their image is unreadable, or their filter or label does not suit the index.

    Raises:
        QueryError: A label is not a field of an index.
    """
    batches = {id(engine.encoder): _Batch(engine.encoder) for engine in engines}
    runners = [_Runner(engine.index, batches[id(engine.encoder)], template) for engine in engines]
    for name in {name for query in queries for name in query.labels}:
        for runner in runners:
            runner.index.check_fields([name])
    answers: list[list[_Answer]] = []
    bad: list[BadRow] = []
    for start in range(0, len(queries), _BATCH):
        block = queries[start : start + _BATCH]
        opened, unreadable = _open_images(block)
        bad += unreadable
        usable = [query for query in block if query.image is None or query.line in opened]
        for batch in batches.values():
            batch.embed(usable, opened)
        for query in usable:
            try:
                answers.append([runner.answer(query) for runner in runners])
            except QueryError as error:
                bad.append(BadRow(query.line, None, Reason.BAD_VALUE, error.message))
        progress(start + len(block))
    return [_query_run(answers, at, runner.index) for at, runner in enumerate(runners)], bad


def _query_run(answers: Sequence[Sequence[_Answer]], at: int, index: Index) -> QueryRun:
    """Collect the answers of one engine."""
    outcomes, unanswerable = [], []
    for row in answers:
        outcome = row[at].outcome
        if any(answer.answerable for answer in row):
            outcomes.append(outcome)
        else:
            unanswerable.append(outcome.query.line)
    ids = dict.fromkeys(product for row in answers for product in row[at].outcome.query.relevant)
    unknown = tuple(product for product in ids if product not in index)
    return QueryRun(tuple(outcomes), tuple(unanswerable), unknown)


def _open_images(queries: Sequence[LabelledQuery]) -> tuple[dict[int, Image.Image], list[BadRow]]:
    """Open the images of queries, by line; and list the queries whose image is unreadable."""
    opened: dict[int, Image.Image] = {}
    bad = []
    for query in queries:
        if query.image is None:
            continue
        try:
            opened[query.line] = open_image(query.image.read(_MAX_IMAGE_BYTES))
        except RowError as error:
            bad.append(BadRow(query.line, None, error.reason, error.message))
        except ImageError as error:
            bad.append(BadRow(query.line, None, error.code, error.message))
    return opened, bad


class _Batch:
    """Queries that are embedded together, and their images at the model's input size."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = CachedBatchEncoder(encoder)
        self._images: dict[int, Image.Image] = {}

    def embed(self, queries: Sequence[LabelledQuery], opened: Mapping[int, Image.Image]) -> None:
        texts = [query.text for query in queries if query.text is not None]
        lines = [query.line for query in queries if query.image is not None]
        small = self.encoder.load_batch(texts, [opened[line] for line in lines])
        self._images = dict(zip(lines, small, strict=True))

    def parts_of(self, query: LabelledQuery) -> tuple[QueryPart, ...]:
        text = () if query.text is None else (TextPart(query.text),)
        image = () if query.image is None else (ImagePart(self._images[query.line]),)
        return (*text, *image)


class _Runner:
    """Runs queries on one index."""

    def __init__(self, index: Index, batch: _Batch, template: Query) -> None:
        self.index = index
        self._batch = batch
        self._engine = Engine(batch.encoder, index)
        self._template = template

    def answer(self, query: LabelledQuery) -> _Answer:
        """Run one query, and compute its metrics."""
        labels = {name: self._typed(name, value) for name, value in query.labels.items()}
        search = replace(
            self._template,
            parts=self._batch.parts_of(query),
            k=max(self._template.k, DEPTH),
            filter=query.filter,
            fields=tuple(labels),
        )
        hits = self._engine.search(search).hits
        if labels:
            gains = [float(_has(hit.fields, labels)) for hit in hits]
            in_index = self._count(query, labels)
            ideal = np.ones(in_index)
        else:
            gains = [query.relevant.get(hit.id, 0.0) for hit in hits]
            in_index = sum(product in self.index for product in query.relevant)
            ideal = np.array(list(query.relevant.values()))
        first = zip(hits[:SHOWN_HITS], gains, strict=False)
        outcome = Outcome(
            query,
            query_metrics(gains, ideal, self._template.k),
            len(ideal),
            tuple(RankedHit(hit, gain > 0) for hit, gain in first),
        )
        return _Answer(outcome, in_index > 0)

    def _count(self, query: LabelledQuery, labels: Mapping[str, Scalar]) -> int:
        """Count the products with the labels' values that pass the query's filter."""
        types = self.index.manifest.columns
        conditions = [parse_filter({name: value}, types) for name, value in labels.items()]
        if query.filter is not None:
            conditions.append(parse_filter(dict(query.filter), types))
        return self.index.count(And(tuple(conditions)))

    def _typed(self, name: str, value: object) -> Scalar:
        """Convert a label's value to the field's type; text files have only text."""
        kind = FieldType(self.index.manifest.columns[name])
        text = str(value).strip()
        try:
            match kind:
                case FieldType.TEXT | FieldType.LABELS:
                    return str(value)
                case FieldType.DATE:
                    return date_operand(text) or text
                case FieldType.INTEGER:
                    return int(text)
                case FieldType.FLOAT | FieldType.NUMBERS:
                    return float(text)
                case FieldType.BOOLEAN:
                    return {"true": True, "false": False}[text.lower()]
        except (ValueError, KeyError):
            raise QueryError(
                f"The label {name!r} is of type {kind.value}; {quote_for_message(text)} is not."
            ) from None


def _has(fields: Mapping[str, FieldValue], labels: Mapping[str, Scalar]) -> bool:
    """Whether a product's fields have the labels' values."""
    return all(
        label in value if isinstance(value := fields.get(name), list) else value == label
        for name, label in labels.items()
    )
