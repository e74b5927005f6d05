"""This machine, as far as a measured choice depends on it."""

from __future__ import annotations

import hashlib
import os
import platform
from pathlib import Path

__all__ = ["machine_key", "processor_name", "processors"]

_CPU_FACTS = ("model name", "flags", "Features", "CPU part")


def processors() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def processor_name() -> str:
    """Return the processor's name and features, as the system gives them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    return "; ".join(sorted({line for line in lines if line.startswith(_CPU_FACTS)}))


def machine_key(*facts: object) -> str:
    """Return a short key (hex) of this processor and further facts."""
    return hashlib.sha256(repr((processor_name(), *facts)).encode()).hexdigest()[:16]
