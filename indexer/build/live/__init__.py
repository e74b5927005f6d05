"""Live writes: products that are put, changed and deleted one by one while an index is served."""

from __future__ import annotations

from indexer.build.live.applying import (
    Applied,
    apply_writes,
    keeps_thumbnails,
    remove_superseded,
)
from indexer.build.live.fields import checked_fields
from indexer.build.live.log import WriteLog
from indexer.build.live.writes import Action, Receipt, Result, Write

__all__ = [
    "Action",
    "Applied",
    "Receipt",
    "Result",
    "Write",
    "WriteLog",
    "apply_writes",
    "checked_fields",
    "keeps_thumbnails",
    "remove_superseded",
]
