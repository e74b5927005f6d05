"""Product ids in paths: `/v1/items/{id}`, `/v1/items/{id}/image/{n}`, `/v1/items/{id}/similar`.

An id may hold any character. Where its slashes are quoted (`%2F`), as `quote(id, safe="")` does,
the path means one thing only; so the service routes these paths as they came, still quoted. A
slash that is not quoted is read as part of the id wherever that leaves a meaning.
"""

from __future__ import annotations

from urllib.parse import unquote

from starlette.convertors import Convertor, register_url_convertor
from starlette.types import Scope

__all__ = ["keep_quoted"]

_ITEMS = b"/v1/items/"


def keep_quoted(scope: Scope) -> None:
    """Route a request for an item by its path as it came; other paths stay unquoted."""
    raw = scope.get("raw_path")
    if raw and raw.startswith(_ITEMS):
        scope["path"] = raw.partition(b"?")[0].decode("latin-1")


class _ProductId(Convertor[str]):
    """Whatever stands there, unquoted once."""

    regex = ".+"

    def convert(self, value: str) -> str:
        return unquote(value, errors="replace")

    def to_string(self, value: str) -> str:
        return value


class _PictureNumber(Convertor[str]):
    """Digits; whatever else follows `/image/` is the end of an id, such as `shoes/image/1.jpg`."""

    # Five, so that a number out of range is told from an id, and `int` never gets a million.
    regex = "[0-9]{1,5}"

    def convert(self, value: str) -> str:
        """Leave it to the route's validation."""
        return value

    def to_string(self, value: str) -> str:
        """The way back."""
        return value


register_url_convertor("product_id", _ProductId())
register_url_convertor("picture_number", _PictureNumber())
