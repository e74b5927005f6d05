"""Catalog quality checks: duplicates, wrong titles, gaps, tag audits."""

from __future__ import annotations

from indexer.quality.duplicates import DuplicateGroup, DuplicateReport, Likeness, find_duplicates
from indexer.quality.health import TINY_SIDE, examine
from indexer.quality.health_facts import (
    CatalogHealth,
    FaceImage,
    RareValue,
    Refusal,
    RefusalKind,
    UnsafeImage,
)
from indexer.quality.quarantine import read_quarantine
from indexer.quality.tag_audit import Audit, AuditOptions, GroupAudit, audit_tags
from indexer.quality.tag_metrics import GroupMetrics, evaluate_group
from indexer.quality.title_check import check_titles

__all__ = [
    "TINY_SIDE",
    "Audit",
    "AuditOptions",
    "CatalogHealth",
    "DuplicateGroup",
    "DuplicateReport",
    "FaceImage",
    "GroupAudit",
    "GroupMetrics",
    "Likeness",
    "RareValue",
    "Refusal",
    "RefusalKind",
    "UnsafeImage",
    "audit_tags",
    "check_titles",
    "evaluate_group",
    "examine",
    "find_duplicates",
    "read_quarantine",
]
