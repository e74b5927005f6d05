"""Several catalogs read as one: files of one export, feeds of several shops."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from indexer.catalog.fields import FieldType, join_types
from indexer.catalog.products.columns import MAX_FIELDS
from indexer.catalog.rows import BadRow, Catalog, CatalogOptions, CatalogRow, Place
from indexer.errors import CatalogError

__all__ = ["SeveralCatalogs"]

# Rows of one catalog have lines below this.
_SPAN = 2**40
_NAMED = 3


class SeveralCatalogs(Catalog):
    """Catalogs one after another, each with its own columns and its own folder of images.

    Ids must be unique in all of them. The `line` of a row counts through them in steps, and
    `place` says which line of which file it is.

    Args:
        catalogs: Two or more.
        options: How they are read.
    """

    def __init__(self, catalogs: Sequence[Catalog], options: CatalogOptions) -> None:
        super().__init__(catalogs[0].path, options)
        self._catalogs = catalogs
        names = [catalog.name for catalog in catalogs]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        self.name = ", ".join(names[:_NAMED]) + more
        self.untyped = any(catalog.untyped for catalog in catalogs)
        # Files of one name in several folders are told apart by their paths.
        repeated = len(set(names)) < len(names)
        self._shown = [str(c.path) if repeated else c.name for c in catalogs]

    @property
    def count(self) -> int | None:
        """The number of rows of all catalogs; None if one does not know it."""
        counts = [catalog.count for catalog in self._catalogs]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    @cached_property
    def field_types(self) -> Mapping[str, FieldType] | None:
        """The types that the catalogs declare, joined."""
        types: dict[str, FieldType] = {}
        for catalog in self._catalogs:
            for name, kind in (catalog.field_types or {}).items():
                types[name] = join_types(types.get(name, kind), kind)
        return types or None

    @property
    def left_out(self) -> tuple[str, ...]:
        """Columns that can't be product fields in one of the catalogs."""
        return tuple(dict.fromkeys(n for catalog in self._catalogs for n in catalog.left_out))

    @property
    def notes(self) -> tuple[str, ...]:
        """What was recognised, and what was changed or passed over, in each catalog."""
        return tuple(note for catalog in self._catalogs for note in catalog.notes)

    def place(self, line: int) -> Place:
        """As `Catalog.place`."""
        number, own = divmod(line, _SPAN)
        return Place(own, self._shown[number])

    def read_rows(self) -> Iterator[CatalogRow | BadRow]:
        """As `Catalog.read_rows`."""
        names = set[str]()
        for number, catalog in enumerate(self._catalogs):
            for row in catalog.read_rows():
                if isinstance(row, CatalogRow) and not names.issuperset(row.fields):
                    names.update(row.fields)
                    self._check_fields(names)
                yield replace(row, line=number * _SPAN + row.line)

    def _check_fields(self, names: set[str]) -> None:
        if len(names) > MAX_FIELDS:
            raise CatalogError(
                f"these {len(self._catalogs)} catalogs have more than {MAX_FIELDS:,} fields "
                "together; build them into indexes of their own"
            )
