"""Warnings that a crash test brings about by the hundred, and that say nothing new."""

from __future__ import annotations

import logging
import os

import structlog

__all__ = ["silence"]


def silence() -> None:
    """Keep them from being printed, here and in processes to come."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    # A killed process leaves its semaphores to multiprocessing's tracker, which removes them.
    os.environ["PYTHONWARNINGS"] = "ignore:resource_tracker:UserWarning"
