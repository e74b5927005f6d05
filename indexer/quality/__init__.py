"""Catalog quality checks: duplicates, wrong titles, gaps, tag audits."""
