"""Ranking of candidates: diversity (MMR), grouping and paging."""
