"""Product fields as filters read them: columns of a table, texts of few values also as codes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from indexer.rows import Mask

__all__ = ["CodedColumn", "Columns"]

# A column of more different values than this, such as titles, is not worth coding.
_MAX_VALUES = 1 << 16


@dataclass(frozen=True)
class CodedColumn:
    """A column as the number of each row's value.

    Attributes:
        values: `[v]` the different values; the last is null, for rows without a value.
        codes: `[rows]` places in `values`.
    """

    values: pa.Array
    codes: NDArray[np.unsignedinteger]

    def rows_of(self, wanted: Mask) -> Mask:
        """The rows whose value is wanted; `wanted` is a mask over `values`."""
        places = np.flatnonzero(wanted)
        if len(places) == 1:
            return np.asarray(self.codes == places[0])
        return np.asarray(wanted.take(self.codes))


class Columns:
    """The columns of a table, of which text columns are coded when first asked for."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self._coded: dict[str, CodedColumn | None] = {}

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.table.num_rows)

    def coded(self, name: str) -> CodedColumn | None:
        """A text column as codes; None where it is no text, or has too many values."""
        if name not in self._coded:
            self._coded[name] = _code(self.table[name])
        return self._coded[name]


def _code(column: pa.ChunkedArray) -> CodedColumn | None:
    if not pa.types.is_string(column.type) or not len(column):
        return None
    encoded = pc.dictionary_encode(column).unify_dictionaries()
    present = encoded.chunk(0).dictionary
    if len(present) >= _MAX_VALUES:
        return None
    values = pa.concat_arrays([present, pa.nulls(1, present.type)])
    small = np.uint8 if len(values) <= 1 << 8 else np.uint16
    codes = [chunk.indices.fill_null(len(present)).to_numpy() for chunk in encoded.chunks]
    return CodedColumn(values, np.concatenate(codes, dtype=small, casting="unsafe"))
