"""Generator of the sync client from the async one: `python -m tests.support.sync_client`."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["ASYNC", "SYNC", "sync_source"]

_FOLDER = Path(__file__).parents[2] / "search_api" / "client"
ASYNC = _FOLDER / "async_client.py"
SYNC = _FOLDER / "client.py"

_HEADER = (
    "# Generated from async_client.py by `python -m tests.support.sync_client`; do not edit.\n"
)

_PLAIN = (
    ("Asynchronous client", "Client"),
    ("for several tasks of one event loop", "safe to share between threads"),
    ("        # Images are read and encoded on a thread, so that the event loop goes on.\n", ""),
    ("await anyio.to_thread.run_sync(make)", "make()"),
    ("await anyio.sleep(", "time.sleep("),
    ("import anyio\nimport anyio.to_thread\n", ""),
    ("from collections.abc", "import time\nfrom collections.abc"),
    ("httpx.AsyncBaseTransport", "httpx.BaseTransport"),
    ("__aenter__", "__enter__"),
    ("__aexit__", "__exit__"),
    ("aclose", "close"),
    (
        "search_batch(\n        self, queries: Sequence[Query]\n    )",
        "search_batch(self, queries: Sequence[Query])",
    ),
)
_PATTERNS = (
    (r"\(await (.*?\))\)\.tags", r"\1.tags"),
    (r"\basync (def|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAsyncClient\b", "Client"),
)


def sync_source() -> str:
    """Return the text that `client.py` must have."""
    text = ASYNC.read_text("utf-8")
    for old, new in _PLAIN:
        assert old in text, old
        text = text.replace(old, new)
    for pattern, new in _PATTERNS:
        text = re.sub(pattern, new, text)
    return _HEADER + text


if __name__ == "__main__":
    SYNC.write_text(sync_source(), "utf-8")
