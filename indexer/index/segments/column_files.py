"""Files of a segment as they are written: arrays, Arrow tables and blobs that grow by appending."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import IO, Self

import pyarrow as pa
from numpy.lib import format as npy

__all__ = ["ArrayFile", "ArrowFile", "BlobFile"]


class _AppendedFile:
    """A file that is written as a context: closed, and complete, when it ends."""

    def __init__(self) -> None:
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()


class ArrayFile(_AppendedFile):
    """A `.npy` file of rows, as many as are appended.

    Args:
        path: The file to write.
        descr: The type of the numbers, as in `numpy.dtype.descr`.
        shape: The shape of one row.

    Raises:
        OSError: It can't be written; so in all methods.
    """

    def __init__(self, path: Path, descr: str, shape: tuple[int, ...]) -> None:
        super().__init__()
        self._descr = descr
        self._shape = shape
        self._rows = 0
        self._file: IO[bytes] = self._open.enter_context(path.open("wb"))
        self._write_header()

    def append(self, row: bytes) -> None:
        """Write one row, given as the bytes of its numbers."""
        self._file.write(row)
        self._rows += 1

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self._file.seek(0)
            self._write_header()
        super().__exit__(*error)

    def _write_header(self) -> None:
        # numpy pads this header so that the first axis can grow without moving the data.
        header = {
            "descr": self._descr,
            "fortran_order": False,
            "shape": (self._rows, *self._shape),
        }
        npy.write_array_header_1_0(self._file, header)


class ArrowFile(_AppendedFile):
    """An Arrow IPC file of record batches.

    Args:
        path: The file to write.
        schema: Of every batch.

    Raises:
        OSError: It can't be written; so in all methods.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        super().__init__()
        sink = self._open.enter_context(pa.OSFile(str(path), "wb"))
        self._writer = self._open.enter_context(pa.ipc.new_file(sink, schema))

    def append(self, batch: pa.RecordBatch) -> None:
        """Write a batch."""
        self._writer.write_batch(batch)


class BlobFile(_AppendedFile):
    """Byte strings one after another.

    Attributes:
        size: Bytes written so far: where the next one begins.

    Raises:
        OSError: It can't be written; so in all methods.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.size = 0
        self._file: IO[bytes] = self._open.enter_context(path.open("wb"))

    def append(self, content: bytes) -> None:
        """Write one byte string."""
        self._file.write(content)
        self.size += len(content)
