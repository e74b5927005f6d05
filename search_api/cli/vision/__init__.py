"""Commands that look into image files: are they fit to show, what is written on them."""

from __future__ import annotations

from search_api.cli.vision.moderate import moderate
from search_api.cli.vision.read import read

__all__ = ["moderate", "read"]
