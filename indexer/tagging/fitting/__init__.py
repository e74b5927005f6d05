"""Fitting of a taxonomy to a model: labelled examples in, calibrated label scores out."""

from __future__ import annotations

from indexer.tagging.fitting.fitting import fit_taxonomy
from indexer.tagging.fitting.labelled import Examples
from indexer.tagging.fitting.options import FitOptions

__all__ = ["Examples", "FitOptions", "fit_taxonomy"]
