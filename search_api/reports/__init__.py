"""HTML reports: catalog quality, evaluation and tag audit, one page each."""

from __future__ import annotations

from search_api.reports.evaluation import evaluation_page
from search_api.reports.health import ReportLimits, render_report
from search_api.reports.tag_audit import render_audit

__all__ = ["ReportLimits", "evaluation_page", "render_audit", "render_report"]
