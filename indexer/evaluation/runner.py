"""Labelled queries asked of engines, and their answers judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from embeddings import Encoder, ImageError
from embeddings.images import open_image
from indexer.catalog import BadRow, FieldType, FieldValue, Reason, ShownValue, quote_for_message
from indexer.errors import QueryError, RowError
from indexer.evaluation.batched_encoder import RememberingEncoder
from indexer.evaluation.labelled_queries import LabelledQuery
from indexer.evaluation.metrics import DEPTH, Values, query_metrics
from indexer.index import Index, Match
from indexer.retrieval import And, parse_filter
from indexer.search import Engine, ImagePart, Query, QueryPart, TextPart

__all__ = ["SHOWN_HITS", "Judgement", "Outcome", "RankedHit", "judge"]

SHOWN_HITS = 5
"""How many hits of a query are kept to be shown."""

_BATCH = 64
_MAX_IMAGE_BYTES = 32 * 2**20


@dataclass(frozen=True)
class RankedHit:
    """A hit, and whether it is relevant."""

    match: Match
    relevant: bool


@dataclass(frozen=True)
class Outcome:
    """What an engine made of a query.

    Attributes:
        query: The query.
        values: `[4]`, as `indexer.evaluation.query_metrics` gives them.
        relevant: How many products are relevant; ids that the index lacks are counted.
        hits: The first `SHOWN_HITS`, with the fields that labels ask for only.
    """

    query: LabelledQuery
    values: Values
    relevant: int
    hits: tuple[RankedHit, ...]


@dataclass(frozen=True)
class Judgement:
    """What an engine made of all queries.

    Attributes:
        outcomes: One for each query that could be asked and that has a relevant product in one of
            the indexes judged together.
        unanswerable: Lines of the queries that have none.
        unknown_ids: Relevant ids that the index lacks; they count as not found.
    """

    outcomes: tuple[Outcome, ...]
    unanswerable: tuple[int, ...]
    unknown_ids: tuple[str, ...]


@dataclass(frozen=True)
class _Answer:
    outcome: Outcome
    there: bool  # whether the index has a relevant product


def judge(
    engines: Sequence[Engine],
    queries: Sequence[LabelledQuery],
    asked: Query,
    progress: Callable[[int], None] = lambda done: None,
) -> tuple[list[Judgement], list[BadRow]]:
    """Ask every engine every query, and judge what it finds.

    Queries are embedded in batches. Each engine answers on the generation that it has now.

    Args:
        engines: One or more; several answer the same queries, for comparison.
        queries: What to ask.
        asked: How: `k`, and all else that a `Query` has besides parts, filter and fields.
        progress: Is told how many queries are done.

    Returns:
        A judgement for each engine, over the same queries; and those that could not be asked of
        each of them: a picture that can't be read, a filter or label that does not fit.

    Raises:
        QueryError: A label is no field of an index.
    """
    batches = {id(engine.encoder): _Batch(engine.encoder) for engine in engines}
    asking = [_Asking(engine.index, batches[id(engine.encoder)], asked) for engine in engines]
    for name in {name for query in queries for name in query.labels}:
        for one in asking:
            one.index.check_fields([name])
    answers: list[list[_Answer]] = []
    bad: list[BadRow] = []
    for start in range(0, len(queries), _BATCH):
        part = queries[start : start + _BATCH]
        opened, broken = _open_images(part)
        bad += broken
        usable = [query for query in part if query.image is None or query.line in opened]
        for batch in batches.values():
            batch.embed(usable, opened)
        for query in usable:
            try:
                answers.append([one.answer(query) for one in asking])
            except QueryError as error:
                bad.append(BadRow(query.line, None, Reason.BAD_VALUE, error.message))
        progress(start + len(part))
    return [_judgement(answers, at, one.index) for at, one in enumerate(asking)], bad


def _judgement(answers: Sequence[Sequence[_Answer]], at: int, index: Index) -> Judgement:
    judged = [row[at].outcome for row in answers if any(one.there for one in row)]
    lines = [row[at].outcome.query.line for row in answers if not any(one.there for one in row)]
    ids = dict.fromkeys(product for row in answers for product in row[at].outcome.query.relevant)
    unknown = tuple(product for product in ids if product not in index)
    return Judgement(tuple(judged), tuple(lines), unknown)


def _open_images(queries: Sequence[LabelledQuery]) -> tuple[dict[int, Image.Image], list[BadRow]]:
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
    """The queries that are being asked, embedded together; pictures at the model's size."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = RememberingEncoder(encoder)
        self.pictures: dict[int, Image.Image] = {}

    def embed(self, queries: Sequence[LabelledQuery], opened: Mapping[int, Image.Image]) -> None:
        texts = [query.text for query in queries if query.text is not None]
        lines = [query.line for query in queries if query.image is not None]
        small = self.encoder.remember(texts, [opened[line] for line in lines])
        self.pictures = dict(zip(lines, small, strict=True))

    def parts_of(self, query: LabelledQuery) -> tuple[QueryPart, ...]:
        words = () if query.text is None else (TextPart(query.text),)
        picture = () if query.image is None else (ImagePart(self.pictures[query.line]),)
        return (*words, *picture)


class _Asking:
    """One index being asked."""

    def __init__(self, index: Index, batch: _Batch, asked: Query) -> None:
        self.index = index
        self._batch = batch
        self._engine = Engine(batch.encoder, index)
        self._asked = asked

    def answer(self, query: LabelledQuery) -> _Answer:
        """Ask one query, and judge the hits."""
        labels = {name: self._typed(name, value) for name, value in query.labels.items()}
        search = replace(
            self._asked,
            parts=self._batch.parts_of(query),
            k=max(self._asked.k, DEPTH),
            filter=query.filter,
            fields=tuple(labels),
        )
        hits = self._engine.search(search).hits
        if labels:
            gains = [float(_has(hit.fields, labels)) for hit in hits]
            there = self._count(query, labels)
            ideal = np.ones(there)
        else:
            gains = [query.relevant.get(hit.id, 0.0) for hit in hits]
            there = sum(product in self.index for product in query.relevant)
            ideal = np.array(list(query.relevant.values()))
        first = zip(hits[:SHOWN_HITS], gains, strict=False)
        outcome = Outcome(
            query,
            query_metrics(gains, ideal, self._asked.k),
            len(ideal),
            tuple(RankedHit(hit, gain > 0) for hit, gain in first),
        )
        return _Answer(outcome, there > 0)

    def _count(self, query: LabelledQuery, labels: Mapping[str, FieldValue]) -> int:
        """How many products have the labels' values, among those that may be found."""
        types = self.index.manifest.columns
        wanted = [parse_filter({name: value}, types) for name, value in labels.items()]
        if query.filter is not None:
            wanted.append(parse_filter(dict(query.filter), types))
        return self.index.count(And(tuple(wanted)))

    def _typed(self, name: str, value: object) -> FieldValue:
        """A label's value as the field has it; text files have nothing but text."""
        kind = FieldType(self.index.manifest.columns[name])
        text = str(value).strip()
        try:
            match kind:
                case FieldType.TEXT | FieldType.LABELS:
                    return str(value)
                case FieldType.INTEGER:
                    return int(text)
                case FieldType.FLOAT:
                    return float(text)
                case FieldType.BOOLEAN:
                    return {"true": True, "false": False}[text.lower()]
        except (ValueError, KeyError):
            raise QueryError(
                f"The label {name!r} is of type {kind.value}, which {quote_for_message(text)} is "
                "not."
            ) from None


def _has(fields: Mapping[str, ShownValue], labels: Mapping[str, FieldValue]) -> bool:
    """Whether a product has the labels' values, each in a field of its name."""
    return all(
        wanted in value if isinstance(value := fields.get(name), list) else value == wanted
        for name, wanted in labels.items()
    )
