"""The benchmarks and evaluations that `scripts/bench` runs."""

from __future__ import annotations

from scripts.support.front import Command, Front

__all__ = ["FRONT", "MUST_PASS"]

FRONT = Front(
    "scripts/bench",
    "Measure Lookalike: speed, quality and what crashes leave.",
    (
        Command(
            "build",
            "building: each stage alone, end to end, beside rclip and other programs",
            "scripts.benchmarks.build.benchmark",
        ),
        Command(
            "cli",
            "time of whole `lookalike` commands, against a process that only imports the model",
            "scripts.benchmarks.cli",
            needs_catalogs=False,
        ),
        Command(
            "api",
            "the HTTP API under load: latency, throughput, overload, publishing",
            "scripts.benchmarks.api.benchmark",
        ),
        Command(
            "attack",
            "cheap attacks on a real server, and what healthy clients beside them notice",
            "scripts.benchmarks.attack.benchmark",
            needs_catalogs=False,
        ),
        Command(
            "index",
            "recall, speed and memory of an index of a million products, beside hnswlib, usearch",
            "scripts.benchmarks.index.benchmark",
        ),
        Command(
            "catalogs",
            "reading catalogs: a matrix of files with known truth, and a large one",
            "scripts.benchmarks.catalogs.benchmark",
            needs_catalogs=False,
        ),
        Command(
            "crash",
            "index writers killed at random moments: nothing may be lost",
            "scripts.crashes.crash_test",
            needs_catalogs=False,
        ),
        Command(
            "search",
            "relevance, confidence, duplicates and catalog checks on held-back products",
            "scripts.evaluation.search.evaluate",
        ),
        Command(
            "colours",
            "search by colour, and base colours of held-back products: measured, modelled, both",
            "scripts.evaluation.colours.evaluate",
        ),
        Command(
            "tags",
            "zero-shot tags of held-back products: accuracy, silence, calibration",
            "scripts.evaluation.tags.evaluate",
        ),
        Command(
            "adapt",
            "learning from the catalog: what it gains where a model is weak, and what it harms",
            "scripts.evaluation.adapt.evaluate",
        ),
        Command(
            "vision",
            "inside pictures: items, text, faces, what is unfit to show, anomalies",
            "scripts.evaluation.vision.evaluate",
        ),
        Command(
            "compact",
            "quality, speed and size of the shipped model",
            "scripts.evaluation.compact.evaluate",
            needs_catalogs=False,
        ),
    ),
)

# Benchmarks that end with exit code 1 where a measure misses its target.
MUST_PASS = frozenset({"crash"})
