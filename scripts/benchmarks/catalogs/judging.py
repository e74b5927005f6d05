"""Judging of cells: what a file is read as, beside what it must be read as."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from indexer import CatalogError
from indexer.catalog import BadRow, CatalogOptions, CatalogRow, FieldTyper, open_catalog
from scripts.benchmarks.catalogs.cells import Cell
from scripts.benchmarks.catalogs.shop import Expected, Value

__all__ = ["Judgement", "Verdict", "judge"]

_MAX_BYTES = 2**20


class Verdict(StrEnum):
    """What became of a cell."""

    RIGHT = "right"
    REFUSED = "refused"  # as it must be, with a sentence that says what was seen
    WRONGLY_REFUSED = "wrongly refused"
    WRONG = "silently wrong"
    FAILED = "failed"  # an error that is none of a catalog


@dataclass(frozen=True)
class Judgement:
    """The verdict on a cell, and what was wrong."""

    verdict: Verdict
    difference: str = ""


def judge(cell: Cell) -> Judgement:
    """Read the file of a cell, and compare what came of it with the truth."""
    path = cell.write()
    try:
        return _compared(cell, path)
    except CatalogError as error:
        message = str(error)
        if cell.truth.sentence and cell.truth.sentence in message and "\n" not in message:
            return Judgement(Verdict.REFUSED)
        return Judgement(Verdict.WRONGLY_REFUSED, message)
    except Exception as error:  # noqa: BLE001 - reported as the worst verdict
        return Judgement(Verdict.FAILED, f"{type(error).__name__}: {error}")
    finally:
        path.unlink()


def _compared(cell: Cell, path: Path) -> Judgement:
    truth = cell.truth
    good, bad, fields = _read(path, cell.options)
    if truth.sentence:
        return Judgement(Verdict.WRONG, f"{len(good)} products of a file that can't be used")
    reasons = Counter(row.reason for row in bad)
    if reasons != Counter(truth.refused):
        shown = bad[0].message if bad else "none"
        wanted = dict(Counter(truth.refused))
        # A row that is set aside by mistake is said; one that is taken by mistake is not.
        said = reasons.total() > len(truth.refused)
        verdict = Verdict.WRONGLY_REFUSED if said else Verdict.WRONG
        return Judgement(verdict, f"rows refused: {dict(reasons)}, not {wanted}: {shown}")
    if [row.id for row in good] != [product.id for product in truth.products]:
        return Judgement(Verdict.WRONG, f"ids {[row.id for row in good]}")
    for row, product in zip(good, truth.products, strict=True):
        difference = _difference(row, fields[row.id], product)
        if difference:
            return Judgement(Verdict.WRONG, f"{row.id}: {difference}")
    return Judgement(Verdict.REFUSED if truth.refused and not good else Verdict.RIGHT)


def _read(
    path: Path, options: CatalogOptions
) -> tuple[list[CatalogRow], list[BadRow], dict[str, Mapping[str, object]]]:
    catalog = open_catalog(path, options)
    typer = FieldTyper(parse_text=catalog.untyped, known=catalog.field_types, forced=options.types)
    good: list[CatalogRow] = []
    bad: list[BadRow] = []
    for row in catalog.rows():
        if isinstance(row, BadRow):
            bad.append(row)
        else:
            typer.observe(row.fields, row.line, row.id)
            good.append(row)
    return good, bad, {row.id: typer.stored(row.fields) for row in good}


def _difference(row: CatalogRow, fields: Mapping[str, object], product: Expected) -> str:
    images = tuple(source.url or source.read(_MAX_BYTES).decode("utf-8") for source in row.images)
    if images != product.images:
        return f"images {images}, not {product.images}"
    for name, wanted in product.fields.items():
        if not _equal(fields.get(name), wanted):
            return f"{name} is {fields.get(name)!r}, not {wanted!r}"
    return ""


def _equal(found: object, wanted: Value) -> bool:
    if isinstance(wanted, bool) or isinstance(found, bool):
        return found is wanted
    return found == wanted
