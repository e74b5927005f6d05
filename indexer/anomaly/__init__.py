"""Anomalies: images that are unlike good ones of the same product, and where."""

from __future__ import annotations

from indexer.anomaly.model import (
    LEAST_GOOD,
    AnomalyModel,
    AnomalyScore,
    fit_anomaly,
    read_anomaly,
)

__all__ = ["LEAST_GOOD", "AnomalyModel", "AnomalyScore", "fit_anomaly", "read_anomaly"]
