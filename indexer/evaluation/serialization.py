"""The JSON form of an evaluation, and names of queries and products for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from indexer.catalog import stored_title
from indexer.evaluation.comparison import Change, MetricBreakdown
from indexer.evaluation.evaluate import EvaluatedIndex, Evaluation
from indexer.evaluation.labelled_queries import LabelledQuery
from indexer.evaluation.metrics import metric_names
from indexer.evaluation.runner import Outcome, RankedHit
from indexer.index import Index

__all__ = ["evaluation_json", "product_title", "query_name"]

# Unusable rows, unanswerable queries and unknown ids that are listed; the rest is counted.
_EXAMPLES = 10


def evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return the JSON of `lookalike index evaluate --json`; docs/guide.md describes the keys."""
    this, other, comparison = evaluation.this, evaluation.other, evaluation.comparison
    found: dict[str, Any] = {
        "file": evaluation.file,
        "k": evaluation.k,
        **_evaluated_index(this),
        "bad_rows": {
            "count": len(evaluation.bad),
            "examples": [
                {"line": row.line, "reason": str(row.reason), "message": row.message}
                for row in evaluation.bad[:_EXAMPLES]
            ],
        },
        "comparison": None,
    }
    if comparison is not None and other is not None:
        found["comparison"] = {
            "with": _evaluated_index(other),
            "differences": _metrics(comparison.differences),
            "better": comparison.better,
            "worse": comparison.worse,
            "changed": [
                _change(change, evaluation.k, this, other) for change in comparison.changed
            ],
        }
    return found


def query_name(query: LabelledQuery) -> str:
    """Name a query by its words, its image's location, or both."""
    image = "" if query.image is None else f"[{query.image.location or 'picture'}]"
    return " ".join(part for part in (query.text, image) if part)


def product_title(index: Index, product_id: str) -> str:
    """Return a product's title, or its id if it has none."""
    return stored_title(index.get(product_id).fields) or product_id


def _evaluated_index(evaluated: EvaluatedIndex) -> dict[str, Any]:
    manifest, run = evaluated.index.manifest, evaluated.run
    return {
        "index": {
            "path": evaluated.place,
            "generation": manifest.generation,
            "products": manifest.products,
            "model": manifest.encoder.name,
        },
        **_metrics(evaluated.metrics),
        "unanswerable": {
            "count": len(run.unanswerable),
            "lines": list(run.unanswerable[:_EXAMPLES]),
        },
        "unknown_ids": {
            "count": len(run.unknown_ids),
            "examples": list(run.unknown_ids[:_EXAMPLES]),
        },
    }


def _metrics(breakdown: MetricBreakdown) -> dict[str, Any]:
    return {
        **asdict(breakdown.overall),
        "by_kind": {name: asdict(group) for name, group in breakdown.kinds.items()},
        "by_category": {name: asdict(group) for name, group in breakdown.categories.items()},
    }


def _change(change: Change, k: int, this: EvaluatedIndex, other: EvaluatedIndex) -> dict[str, Any]:
    query = change.after.query
    names = metric_names(k)
    return {
        "line": query.line,
        "query": query_name(query),
        "kind": query.kind_name,
        "difference": dict(zip(names, change.difference.tolist(), strict=True)),
        "before": _outcome(change.before, names, other.index),
        "after": _outcome(change.after, names, this.index),
    }


def _outcome(outcome: Outcome, names: Sequence[str], index: Index) -> dict[str, Any]:
    return {
        "metrics": dict(zip(names, outcome.values.tolist(), strict=True)),
        "hits": [_hit(hit, index) for hit in outcome.hits],
    }


def _hit(hit: RankedHit, index: Index) -> dict[str, Any]:
    match = hit.match
    return {
        "id": match.id,
        "title": product_title(index, match.id),
        "score": round(match.score, 6),
        "relevant": hit.relevant,
    }
