"""The demo: a catalog of drawn products, which needs no photos and no network."""

from __future__ import annotations

from search_api.demo.catalog import COLUMNS, DrawnProduct, draw_catalog, draw_product, write_catalog
from search_api.demo.colours import COLOURS, contrasting
from search_api.demo.kinds import KINDS
from search_api.demo.patterns import PATTERNS, pattern_named
from search_api.demo.run import run_demo

__all__ = [
    "COLOURS",
    "COLUMNS",
    "KINDS",
    "PATTERNS",
    "DrawnProduct",
    "contrasting",
    "draw_catalog",
    "draw_product",
    "pattern_named",
    "run_demo",
    "write_catalog",
]
