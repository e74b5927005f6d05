"""The quarantine of an index, as text for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from search_api.console.console import for_terminal, out

if TYPE_CHECKING:
    from indexer.quality import RefusalKind

__all__ = ["print_quarantine"]

_MESSAGE_CHARACTERS = 400


def print_quarantine(kinds: Sequence[RefusalKind], limit: int, mended: int | None) -> None:
    """Print what was refused, by reason.

    Args:
        kinds: The refusals.
        limit: Rows listed of each reason.
        mended: How many fewer there are after another build; None if there was none.
    """
    if mended is not None:
        out.print(f"{abs(mended):,} {'fewer' if mended >= 0 else 'more'} in quarantine than before")
    if not kinds:
        out.print("Nothing is in quarantine.")
    for kind in kinds:
        out.print(f"[bold]{len(kind.refusals):,} {kind.reason}[/]")
        for row in kind.refusals[:limit]:
            name = f" ({for_terminal(row.id)})" if row.id else ""
            message = for_terminal(row.message, _MESSAGE_CHARACTERS)
            place = f"{row.line} of {for_terminal(row.file)}" if row.file else f"{row.line}"
            out.print(f"  line {place}{name}: {message}", soft_wrap=True)
        more = len(kind.refusals) - limit
        if more > 0:
            out.print(f"  and {more:,} more: --limit or --csv shows them", style="dim")
