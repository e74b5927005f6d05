"""Product ids in paths: `/v1/items/{id}`, `/v1/items/{id}/image/{n}`, `/v1/items/{id}/similar`.

An id may contain any character. With quoted slashes (`%2F`), as `quote(id, safe="")` makes them, a
path has one meaning only, so the service routes these paths still quoted. An unquoted slash is
read as part of the id wherever the path has a meaning that way.
"""

from __future__ import annotations

from urllib.parse import unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.types import Scope

__all__ = ["keep_quoted"]

_ITEMS = b"/v1/items/"


def keep_quoted(scope: Scope) -> None:
    """Route a request for an item by its quoted path; other paths stay unquoted."""
    raw = scope.get("raw_path")
    if raw and raw.startswith(_ITEMS):
        scope["path"] = raw.partition(b"?")[0].decode("latin-1")


class _ProductId(Convertor[str]):
    """Any text, unquoted once."""

    regex = ".+"

    def convert(self, value: str) -> str:
        return unquote(value, errors="replace")

    def to_string(self, value: str) -> str:
        return value


class _ImageNumber(Convertor[str]):
    """Digits; other text after `/image/` is the end of an id, such as `shoes/image/1.jpg`."""

    # Up to five digits: enough to report a number out of range, few enough for `int`.
    regex = "[0-9]{1,5}"

    def convert(self, value: str) -> str:
        """Return the digits; the route validates them."""
        return value

    def to_string(self, value: str) -> str:
        """Return the digits."""
        return value


register_url_convertor("product_id", _ProductId())
register_url_convertor("image_number", _ImageNumber())
