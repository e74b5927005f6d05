"""Links in answers: paths of products' images and heat maps, below the path of the service."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, urlencode

from indexer.search import LikePart, Query, TextPart

__all__ = ["Links"]


@dataclass(frozen=True)
class Links:
    """Makes the links of one service.

    Attributes:
        root: Path under which callers reach the service, without a slash at its end.
    """

    root: str = ""

    def image(self, product_id: str, number: int) -> str:
        """Return the path of a product's image; `number` counts from 0."""
        return f"{self._item(product_id)}/image/{number}"

    def heat_map(self, product_id: str, number: int, query: Query) -> str | None:
        """Return the path of an image's heat map for what a query looks for.

        A heat map shows what matched, so parts that push away are left out. A colour alone has
        none: the model does not see it.
        """
        if query.by_colour_alone:
            return None
        parameters: list[tuple[str, str | int]] = [("image", number)]
        for part in query.parts:
            if isinstance(part, TextPart) and part.weight > 0:
                parameters.append(("q", part.text))
            elif isinstance(part, LikePart) and part.weight > 0:
                parameters.append(("like", part.id))
        return f"{self._item(product_id)}/heatmap?{urlencode(parameters, quote_via=quote)}"

    def _item(self, product_id: str) -> str:
        return f"{self.root}/v1/items/{quote(product_id, safe='')}"
