"""Product fields as filters read them: dictionary-encoded columns of text and lists.

A text column is encoded if it has few distinct values; labels, of which a row can have several,
always are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from indexer.colours import ProductColours
from indexer.storage import Mask

__all__ = ["CodedColumn", "CodedLabels", "Columns"]

# A column with more distinct values than this, such as titles, is not worth encoding. The codes of
# fewer fit into two bytes.
_MAX_VALUES = 1 << 16
_MAX_ONE_BYTE_VALUES = 1 << 8
# Mean characters of the values of a field that holds no descriptions.
_SHORT = 100


@dataclass(frozen=True)
class CodedColumn:
    """A column as the number of each row's value.

    Attributes:
        values: `[v]` the distinct values; the last is null, for rows without a value.
        codes: `[rows]` places in `values`.
    """

    values: pa.Array
    codes: NDArray[np.unsignedinteger]

    def rows_of(self, wanted: Mask) -> Mask:
        """Return a mask over the rows whose value is wanted; `wanted` is a mask over `values`."""
        places = np.flatnonzero(wanted)
        if len(places) == 1:
            return np.asarray(self.codes == places[0])
        return np.asarray(wanted.take(self.codes))


@dataclass(frozen=True)
class CodedLabels:
    """A column of labels as pairs of a row and the number of one of its labels.

    Attributes:
        values: `[v]` the distinct labels; the last is null, for rows without any.
        codes: `[pairs]` places in `values`; a row without labels has one pair, with the null.
        row_of: `[pairs]` the row of each pair.
        rows: How many rows there are.
    """

    values: pa.Array
    codes: NDArray[np.int64]
    row_of: NDArray[np.int64]
    rows: int

    def rows_of(self, wanted: Mask) -> Mask:
        """Return a mask over the rows with a wanted label; `wanted` is a mask over `values`."""
        found = np.zeros(self.rows, np.bool_)
        found[self.row_of[wanted.take(self.codes)]] = True
        return found


class Columns:
    """The columns of a table; texts and labels are encoded on first use.

    Args:
        table: The fields, a row for each product.
        colours: The products' colours, where they were measured.
    """

    def __init__(self, table: pa.Table, colours: ProductColours | None = None) -> None:
        self.table = table
        self._colours = colours
        self._coded: dict[str, CodedColumn | CodedLabels | None] = {}

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.table.num_rows)

    @cached_property
    def short_texts(self) -> list[str]:
        """Names of the fields of texts or labels whose values are short: no descriptions."""
        return _short_text_fields(self.table)

    def having_colour(self, lab: tuple[float, float, float], within: float, share: float) -> Mask:
        """Return a mask over the rows that show a colour; see `HasColour` of `filters`."""
        if self._colours is None:
            return np.zeros(self.rows, np.bool_)
        return self._colours.having(np.array(lab, np.float32), within, share)

    def coded(self, name: str) -> CodedColumn | CodedLabels | None:
        """Return a column as codes; None for numbers, and for texts of too many values."""
        if name not in self._coded:
            column = self.table[name]
            labels = pa.types.is_list(column.type)
            self._coded[name] = _code_labels(column) if labels else _code(column)
        return self._coded[name]


def _short_text_fields(table: pa.Table) -> list[str]:
    """Return the fields of texts or labels whose values are short."""
    import pyarrow.compute as pc

    found = []
    for name in table.column_names:
        kind = table[name].type
        if pa.types.is_list(kind):
            if pa.types.is_string(kind.value_type):
                found.append(name)
        elif pa.types.is_string(kind):
            mean = pc.mean(pc.utf8_length(table[name])).as_py()
            if mean is None or mean <= _SHORT:
                found.append(name)
    return found


def _code(column: pa.ChunkedArray) -> CodedColumn | None:
    if not pa.types.is_string(column.type) or not len(column):
        return None
    encoded = column.dictionary_encode().unify_dictionaries()
    present = encoded.chunk(0).dictionary
    if len(present) >= _MAX_VALUES:
        return None
    values = pa.concat_arrays([present, pa.nulls(1, present.type)])
    small = np.uint8 if len(values) <= _MAX_ONE_BYTE_VALUES else np.uint16
    codes = [chunk.indices.fill_null(len(present)).to_numpy() for chunk in encoded.chunks]
    return CodedColumn(values, np.concatenate(codes, dtype=small, casting="unsafe"))


def _code_labels(column: pa.ChunkedArray) -> CodedLabels:
    lists = column.combine_chunks()
    encoded = lists.flatten().dictionary_encode()
    row_of = lists.value_parent_indices().to_numpy()
    bare = np.setdiff1d(np.arange(len(lists)), row_of)
    present = encoded.dictionary
    codes = encoded.indices.to_numpy().astype(np.int64)
    return CodedLabels(
        values=pa.concat_arrays([present, pa.nulls(1, present.type)]),
        codes=np.concatenate([codes, np.full(len(bare), len(present))]),
        row_of=np.concatenate([row_of, bare]),
        rows=len(lists),
    )
