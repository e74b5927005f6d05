"""A catalog of drawn products, so that the demo needs no pictures of others and no network."""

from search_api.demo.catalog import COLUMNS, DrawnProduct, draw_catalog, draw_product, write_catalog
from search_api.demo.colours import COLOURS
from search_api.demo.kinds import KINDS
from search_api.demo.patterns import PATTERNS

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
