"""Column checks: refuses a table whose columns are missing, unnamed, repeated or too many."""

from __future__ import annotations

from indexer.catalog.quoting import quote_for_message
from indexer.catalog.tables import Roles, Table, check_unique
from indexer.errors import CatalogError

__all__ = ["MAX_FIELDS", "check_columns"]

# Columns of one catalog. Without a limit, JSON rows that each bring a new name would make a table
# of as many columns as there are rows.
MAX_FIELDS = 2000
# Columns that a message lists.
_LISTED = 20


def check_columns(table: Table, roles: Roles) -> None:
    """Check the columns of a table that declares them.

    Raises:
        CatalogError: The message names the column.
    """
    quoted, columns = quote_for_message(table.name), list(table.columns or ())
    for flag, required in (
        ("--id-column", roles.id),
        *(("--image-column", n) for n in roles.images),
    ):
        if required not in columns:
            raise CatalogError(
                f"{quoted} has no column {quote_for_message(required)}; its columns are "
                f"{', '.join(map(quote_for_message, columns[:_LISTED]))}; rename one, or name the "
                f"right one with {flag} (the file was read as {table.description})"
            )
    if "" in columns:
        raise CatalogError(f"column {columns.index('') + 1} of {quoted} has no name; name it")
    check_unique(table)
    if roles.id in table.repeated:
        raise CatalogError(
            f"{quoted} has more than one column named {quote_for_message(roles.id)}, and ids come "
            "from one; rename the others"
        )
    if len(columns) > MAX_FIELDS:
        raise CatalogError(
            f"{quoted} has {len(columns):,} columns; up to {MAX_FIELDS:,} are allowed"
        )
