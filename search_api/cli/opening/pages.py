"""HTML pages that commands write."""

from __future__ import annotations

from pathlib import Path

from search_api import console

__all__ = ["check_output", "write_page"]


def check_output(path: Path) -> None:
    """End the command if a file cannot be written, before the work starts."""
    if path.is_dir():
        console.fail(f"{path} is a folder; name a file, such as {path / 'report.html'}.")
    if not path.parent.is_dir():
        console.fail(f"There is no folder {path.parent}; create it, or name another file.")


def write_page(path: Path, page: str) -> None:
    """Write an HTML page, and print a note with its size."""
    path.write_text(page, "utf-8", errors="replace")
    console.note(f"Wrote {path} ({len(page) / 1e6:.1f} MB); open it in a browser.")
