"""Ranking of candidates: diversity (MMR), grouping and paging."""

from __future__ import annotations

from indexer.search.ranking.diversity import POOL, check_diversity, diverse_order, diversified
from indexer.search.ranking.paging import Chosen, Surety, choose

__all__ = ["POOL", "Chosen", "Surety", "check_diversity", "choose", "diverse_order", "diversified"]
