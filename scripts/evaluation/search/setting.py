"""What all parts measure on: the fashion catalog indexed with `compact`, whole and held back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from embeddings import FloatArray
from embeddings.clip import ClipEncoder, load_encoder
from indexer.build import build_index
from indexer.index import Index, index_exists
from scripts.training.data.catalogs import FASHION, SetRows, held_back, read_rows

__all__ = ["Setting", "Shelf"]


@dataclass(frozen=True)
class Shelf:
    """An index of one segment, with what it holds as arrays in row order.

    Attributes:
        index: The opened index.
        ids: `[n]` product ids.
        vectors: `[n, dim]` unit vectors; every product has one picture.
        columns: `[n]` values by field; missing ones are empty text.
    """

    index: Index
    ids: list[str]
    vectors: FloatArray
    columns: dict[str, NDArray[np.object_]]

    @classmethod
    def of(cls, index: Index) -> Shelf:
        """Read an index."""
        (segment,) = index.segments
        table = segment.field_table
        columns = {
            name: np.array(["" if v is None else v for v in table[name].to_pylist()], object)
            for name in table.column_names
        }
        count = segment.record.products
        ids = [segment.product_id(row) for row in range(count)]
        return cls(index, ids, np.asarray(segment.vectors, np.float32), columns)

    @cached_property
    def held(self) -> NDArray[np.int64]:
        """Rows of the held-back tenth."""
        return held_back(self.ids)


@dataclass(frozen=True)
class Setting:
    """Where things are.

    Attributes:
        data: The folder of the shared catalogs.
        cache: Where indexes are built, once.
        index: A ready index of the whole fashion catalog, or None to build one.
        limit: How many queries at most, or None for all.
        pictures: A folder for diagrams and sheets, or None for none.
    """

    data: Path
    cache: Path
    index: Path | None = None
    limit: int | None = None
    pictures: Path | None = None

    @cached_property
    def encoder(self) -> ClipEncoder:
        """The shipped model."""
        return load_encoder("compact")

    @cached_property
    def rows(self) -> SetRows:
        """The fashion catalog without its pictures."""
        return read_rows(self.data, FASHION)

    @cached_property
    def everything(self) -> Shelf:
        """All products."""
        if self.index is not None:
            return Shelf.of(Index.open(self.index))
        return self._built("all", np.arange(len(self.rows)))

    @cached_property
    def held(self) -> Shelf:
        """The held-back tenth alone, which `compact` never saw."""
        return self._built("held", self.rows.held)

    def _built(self, name: str, rows: NDArray[np.int64]) -> Shelf:
        folder = self.cache / f"{name}-{self.encoder.spec.fingerprint[:12]}"
        if not index_exists(folder):
            self.cache.mkdir(parents=True, exist_ok=True)
            catalog = self.cache / f"{name}.parquet"
            files = sorted(self.data.glob(f"{FASHION}-[0-9]*.parquet"))
            table = pa.concat_tables([pq.read_table(file) for file in files])
            pq.write_table(table.take(rows), catalog, row_group_size=1024)
            build_index(catalog, folder, self.encoder)
            catalog.unlink()
        return Shelf.of(Index.open(folder))
