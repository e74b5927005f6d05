"""The kinds of product that can be drawn, as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from search_api.demo import accessories, clothing, home
from search_api.demo.sketch import Sketch

__all__ = ["KINDS", "Kind", "kind_named"]


@dataclass(frozen=True)
class Kind:
    """A kind of product.

    Attributes:
        name: The noun of titles and queries.
        category: The category of the shop.
        prices: Lowest and highest price.
        draw: Draws one; returns the name of the variant, e.g. `long-sleeve`, or an empty text.
        stands: Whether it is shown upright, with its shadow on the floor, or lying.
        patterned: Whether the catalog has it with patterns; it can be drawn with any.
    """

    name: str
    category: str
    prices: tuple[int, int]
    draw: Callable[[Sketch], str]
    stands: bool = True
    patterned: bool = True

    @property
    def slug(self) -> str:
        """The name as in ids."""
        return self.name.replace(" ", "-")


_TABLE = (
    Kind("shirt", "clothing", (25, 70), clothing.shirt, stands=False),
    Kind("t-shirt", "clothing", (10, 35), clothing.tshirt, stands=False),
    Kind("jumper", "clothing", (30, 90), clothing.jumper, stands=False),
    Kind("hoodie", "clothing", (30, 75), clothing.hoodie, stands=False),
    Kind("jacket", "clothing", (50, 160), clothing.jacket, stands=False),
    Kind("dress", "clothing", (35, 120), clothing.dress, stands=False),
    Kind("skirt", "clothing", (20, 70), clothing.skirt, stands=False),
    Kind("trousers", "clothing", (30, 90), clothing.trousers, stands=False),
    Kind("shorts", "clothing", (15, 45), clothing.shorts, stands=False),
    Kind("socks", "clothing", (4, 14), clothing.socks, stands=False),
    Kind("scarf", "accessories", (12, 50), clothing.scarf, stands=False),
    Kind("hat", "accessories", (15, 45), clothing.hat),
    Kind("cap", "accessories", (10, 30), clothing.cap),
    Kind("watch", "accessories", (40, 240), accessories.watch, stands=False, patterned=False),
    Kind(
        "sunglasses",
        "accessories",
        (15, 120),
        accessories.sunglasses,
        stands=False,
        patterned=False,
    ),
    Kind("umbrella", "accessories", (12, 45), accessories.umbrella, stands=False),
    Kind("sneaker", "shoes", (35, 120), accessories.sneaker),
    Kind("boot", "shoes", (50, 160), accessories.boot),
    Kind("high heel", "shoes", (40, 140), accessories.high_heel, patterned=False),
    Kind("handbag", "bags", (30, 180), accessories.handbag),
    Kind("tote bag", "bags", (10, 40), accessories.tote_bag),
    Kind("backpack", "bags", (25, 110), accessories.backpack),
    Kind("suitcase", "bags", (60, 220), accessories.suitcase),
    Kind("chair", "home", (40, 180), home.chair),
    Kind("sofa", "home", (350, 1400), home.sofa),
    Kind("table", "home", (80, 500), home.table, patterned=False),
    Kind("lamp", "home", (25, 140), home.lamp),
    Kind("cushion", "home", (10, 40), home.cushion, stands=False),
    Kind("vase", "home", (12, 80), home.vase),
    Kind("book", "home", (6, 30), home.book, stands=False),
    Kind("ball", "home", (5, 25), home.ball),
    Kind("mug", "kitchen", (6, 22), home.mug),
    Kind("teapot", "kitchen", (18, 60), home.teapot),
    Kind("bowl", "kitchen", (6, 30), home.bowl),
    Kind("plate", "kitchen", (5, 25), home.plate, stands=False),
    Kind("bottle", "kitchen", (10, 40), home.bottle),
)
_BY_NAME = {kind.name: kind for kind in _TABLE}

KINDS: tuple[str, ...] = tuple(_BY_NAME)


def kind_named(name: str) -> Kind:
    """Look up a kind; raises `KeyError` for an unknown name."""
    return _BY_NAME[name]
