"""Fields of a filter: which ones it is about, and the filter without the conditions on one."""

from __future__ import annotations

from indexer.retrieval.filters import And, HasColour, HasWords, Not, OneValue, Or, Predicate

__all__ = ["fields_of", "without_field"]


def fields_of(predicate: Predicate) -> frozenset[str | None]:
    """Return the names of the fields that a filter is about; None for a product's colours."""
    match predicate:
        case And(parts) | Or(parts) | OneValue(parts):
            return frozenset().union(*(fields_of(part) for part in parts))
        case Not(part):
            return fields_of(part)
        case HasColour() | HasWords():
            return frozenset({None})
        case _:
            return frozenset({predicate.field})


def without_field(predicate: Predicate | None, field: str) -> Predicate | None:
    """Return a filter without the conditions that are about one field alone; None for no filter.

    A condition that mixes the field with others, such as an "or" of two fields, stays.
    """
    if isinstance(predicate, And):
        parts = tuple(
            kept
            for kept in (without_field(part, field) for part in predicate.parts)
            if kept is not None
        )
        return parts[0] if len(parts) == 1 else And(parts) if parts else None
    if predicate is None or fields_of(predicate) == {field}:
        return None
    return predicate
