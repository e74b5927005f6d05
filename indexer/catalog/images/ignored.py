"""Ignored files: what systems and programs leave between the images of a folder."""

from __future__ import annotations

import os

__all__ = ["is_ignored", "is_index_folder"]

# In lower case. Those of macOS and of most programs begin with a dot and are hidden anyway.
_SYSTEM_NAMES = frozenset(
    {
        "thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "icon\r",
        "__macosx",  # macOS's second copy of every file of a zip archive
        "@eadir", "#recycle", "_thumbs",  # Synology's thumbnails and bin, CKFinder's thumbnails
        "$recycle.bin", "system volume information", "lost+found",
    }
)  # fmt: skip


def is_ignored(name: str) -> bool:
    """Whether a file or folder of this name is hidden, or a system's or a thumbnail cache."""
    return name.startswith(".") or name.lower() in _SYSTEM_NAMES


def is_index_folder(folder: str) -> bool:
    """Whether a folder holds an index, finished or not, by the names in it."""
    current, manifests, staging, lock = (
        os.path.exists(f"{folder}/{name}")  # noqa: PTH110 - for every folder of a catalog
        for name in ("CURRENT", "manifests", "staging", "write.lock")
    )
    return (current and manifests) or (lock and (manifests or staging))
