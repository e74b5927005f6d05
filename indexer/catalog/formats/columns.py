"""Column checks: refuses a table whose columns are missing, unnamed, repeated or too many."""

from __future__ import annotations

from collections.abc import Sequence

from indexer.catalog.quoting import quote_for_message
from indexer.catalog.rows import CatalogOptions
from indexer.errors import CatalogError

__all__ = ["MAX_FIELDS", "check_columns", "check_unique"]

# Columns of one catalog. Without a limit, JSON rows that each bring a new name would make a table
# of as many columns as there are rows.
MAX_FIELDS = 1000
# Columns that a message lists.
_LISTED = 20


def check_columns(
    table: str, columns: Sequence[str], options: CatalogOptions, hint: str = ""
) -> None:
    """Check the columns of a catalog.

    Args:
        table: Name of the file.
        columns: Names of its columns.
        options: Names the id column and the image column.
        hint: Ends the message about a missing column.

    Raises:
        CatalogError: The message names the column.
    """
    quoted = quote_for_message(table)
    for required in (options.id_column, options.image_column):
        if required not in columns:
            raise CatalogError(
                f"{quoted} has no column {quote_for_message(required)}; its columns are "
                f"{', '.join(map(quote_for_message, columns[:_LISTED]))}; rename one, or name the "
                f"right one with --id-column and --image-column{hint}"
            )
    if "" in columns:
        raise CatalogError(f"column {columns.index('') + 1} of {quoted} has no name; name it")
    check_unique(table, columns)
    if len(columns) > MAX_FIELDS:
        raise CatalogError(
            f"{quoted} has {len(columns):,} columns; up to {MAX_FIELDS:,} are allowed"
        )


def check_unique(table: str, columns: Sequence[str]) -> None:
    """Check that no two columns have the same name.

    Raises:
        CatalogError: The message names the repeated columns.
    """
    repeated = sorted({name for name in columns if columns.count(name) > 1})
    if repeated:
        raise CatalogError(
            f"{quote_for_message(table)} has more than one column named "
            f"{', '.join(map(quote_for_message, repeated))}; give every column its own name"
        )
