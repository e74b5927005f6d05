"""Connections of clients: their number, the size of heads, and the pace of what they send."""

from __future__ import annotations

from search_api.service.connections.descriptors import connections_that_fit
from search_api.service.connections.guard import ConnectionGuard, ConnectionLimits, Phase
from search_api.service.connections.protocol import STATE, GuardedProtocol
from search_api.service.connections.refusals import Refusal

__all__ = [
    "STATE",
    "ConnectionGuard",
    "ConnectionLimits",
    "GuardedProtocol",
    "Phase",
    "Refusal",
    "connections_that_fit",
]
