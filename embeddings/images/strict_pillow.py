"""Strict Pillow decoding, whatever another library has set."""

from __future__ import annotations

import os
import threading

from PIL import ImageFile

__all__ = ["strict_decoding"]


class _StrictDecoding:
    """A context in which `ImageFile.LOAD_TRUNCATED_IMAGES` is off, for any number of threads.

    The switch is global to the process, and many libraries turn it on at import; damaged images
    would then be filled in. It is restored when the last thread leaves, so that the library which
    set it finds its choice again.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forget every thread inside."""
        self._lock = threading.Lock()
        self._inside = 0
        self._was_lenient = False

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            if ImageFile.LOAD_TRUNCATED_IMAGES:
                self._was_lenient = True
                ImageFile.LOAD_TRUNCATED_IMAGES = False

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._was_lenient and not self._inside:
                self._was_lenient = False
                ImageFile.LOAD_TRUNCATED_IMAGES = True


strict_decoding = _StrictDecoding()
# A fork may happen while another thread is inside; the child has no such thread.
os.register_at_fork(after_in_child=strict_decoding.reset)
