"""Setting of the search evaluation: the fashion catalog indexed with `compact`, and parts of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from embeddings import Encoder, FloatArray, load_encoder
from indexer.build import build_index
from indexer.index import Index, index_exists
from scripts.training.data.catalogs import FASHION, SetRows, held_back, read_table, rows_of

__all__ = ["IndexedCatalog", "Setting"]

# Products of the fashion catalog in a short run.
_QUICK_PRODUCTS = 3000


@dataclass(frozen=True)
class IndexedCatalog:
    """An index of one segment, with what it holds as arrays in row order.

    Attributes:
        index: The opened index.
        ids: `[n]` product ids.
        vectors: `[n, dim]` unit vectors of the images; every product has one.
        searched: `[n, dim]` unit vectors that queries are compared with: with titles mixed in.
        columns: `[n]` values by field; missing ones are empty text.
    """

    index: Index
    ids: list[str]
    vectors: FloatArray
    searched: FloatArray
    columns: dict[str, NDArray[np.object_]]

    @classmethod
    def of(cls, index: Index) -> IndexedCatalog:
        """Read an index."""
        (segment,) = index.segments
        table = segment.field_table
        columns = {
            name: np.array(["" if v is None else v for v in table[name].to_pylist()], object)
            for name in table.column_names
        }
        ids = [segment.product_id(row) for row in range(segment.record.products)]
        vectors, searched = (
            np.asarray(array, np.float32) for array in (segment.vectors, segment.searched)
        )
        return cls(index, ids, vectors, searched, columns)

    @cached_property
    def held(self) -> NDArray[np.int64]:
        """Rows of the held-back tenth."""
        return held_back(self.ids)

    def having(self, labels: Mapping[str, object]) -> NDArray[np.bool_]:
        """Return which products have these values of fields, `[n]`."""
        found = np.ones(len(self.ids), np.bool_)
        for name, value in labels.items():
            found &= self.columns[name] == value
        return found


@dataclass(frozen=True)
class Setting:
    """What the parts of the evaluation measure on.

    Attributes:
        data: The folder of the shared catalogs.
        cache: Where indexes are built, once.
        index: A ready index of the whole fashion catalog, or None to build one.
        limit: How many queries of each kind at most, or None for all.
        diagrams: A folder for diagrams, or None for none.
        sheet: A file for the contact sheet of duplicates, or None for none.
        quick: Whether a short run on a few thousand products will do.
    """

    data: Path
    cache: Path
    index: Path | None = None
    limit: int | None = None
    diagrams: Path | None = None
    sheet: Path | None = None
    quick: bool = False

    @cached_property
    def encoder(self) -> Encoder:
        """The shipped model."""
        return load_encoder("compact")

    @cached_property
    def folder(self) -> Path:
        """Where indexes by this model are kept."""
        folder = (
            self.cache / f"{self.encoder.spec.fingerprint[:12]}{'-quick' if self.quick else ''}"
        )
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @cached_property
    def fashion(self) -> pa.Table:
        """The fashion catalog with its images."""
        return self.first_file if self.quick else read_table(self.data, FASHION)

    @cached_property
    def first_file(self) -> pa.Table:
        """The first 9,000 products of the fashion catalog, in a short run fewer."""
        table = pq.read_table(self.data / f"{FASHION}-0000.parquet")
        return table[:_QUICK_PRODUCTS] if self.quick else table

    @cached_property
    def rows(self) -> SetRows:
        """The fashion catalog without its images."""
        return rows_of(FASHION, self.fashion.drop_columns(["image"]).to_pydict())

    @cached_property
    def everything(self) -> IndexedCatalog:
        """All products."""
        if self.index is not None:
            return IndexedCatalog.of(Index.open(self.index))
        return IndexedCatalog.of(self.built("first" if self.quick else "all", self.fashion))

    @cached_property
    def held(self) -> IndexedCatalog:
        """The held-back tenth alone, which `compact` never saw."""
        return IndexedCatalog.of(self.built("held", self.fashion.take(self.rows.held)))

    def built(self, name: str, catalog: pa.Table) -> Index:
        """Open the index of a catalog, built on the first call and kept in the cache."""
        index = self.folder / name
        if not index_exists(index):
            file = self.folder / f"{name}.parquet"
            pq.write_table(catalog, file, row_group_size=1024)
            build_index(file, index, self.encoder)
            file.unlink()
        return Index.open(index)
