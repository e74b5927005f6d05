"""Fitting a taxonomy to a model: labelled examples in, calibrated label scores out."""

from __future__ import annotations

from indexer.tagging.fitting.fitting import Examples, fit_taxonomy

__all__ = ["Examples", "fit_taxonomy"]
