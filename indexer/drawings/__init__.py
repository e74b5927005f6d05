"""A catalog of drawn products, so that the demo needs no pictures of others and no network."""

from indexer.drawings.catalog import (
    COLUMNS,
    DrawnProduct,
    draw_catalog,
    draw_product,
    write_catalog,
)
from indexer.drawings.colours import COLOURS
from indexer.drawings.kinds import KINDS
from indexer.drawings.patterns import PATTERNS

__all__ = [
    "COLOURS",
    "COLUMNS",
    "KINDS",
    "PATTERNS",
    "DrawnProduct",
    "draw_catalog",
    "draw_product",
    "write_catalog",
]
