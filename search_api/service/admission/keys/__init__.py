"""API keys: their files with salted hashes, their scopes, and the ring that knows them."""

from __future__ import annotations

from search_api.service.admission.keys.key_file import Key, KeyFile, Scope
from search_api.service.admission.keys.ring import COOKIE, KeyRing, KeySource, presented_key

__all__ = ["COOKIE", "Key", "KeyFile", "KeyRing", "KeySource", "Scope", "presented_key"]
