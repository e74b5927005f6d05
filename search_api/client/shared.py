"""Defaults and checks that the sync and the async client share."""

from __future__ import annotations

import httpx

__all__ = ["TIMEOUT", "checked_url", "default_headers"]

TIMEOUT = httpx.Timeout(30.0, connect=5.0)
"""Seconds for connecting (5), and for sending and for the answer (30 each)."""


def checked_url(url: str) -> str:
    """Return a service's address.

    Raises:
        ValueError: It does not begin with http:// or https://.
    """
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError(f"{url!r}: give the service's address with http:// or https://.")
    return url


def default_headers(api_key: str | None) -> dict[str, str]:
    """Return the headers of every request."""
    headers = {"User-Agent": "lookalike-client", "Accept": "application/json, image/webp"}
    return headers if api_key is None else {**headers, "Authorization": f"Bearer {api_key}"}
