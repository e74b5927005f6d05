"""Silencing warnings that a crash test causes by the hundred."""

from __future__ import annotations

import logging
import os

import structlog

__all__ = ["silence"]


def silence() -> None:
    """Stop the warnings in this process and in those that it starts."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    # A killed process leaves its semaphores to multiprocessing's tracker, which removes them.
    os.environ["PYTHONWARNINGS"] = "ignore:resource_tracker:UserWarning"
