"""Building: each stage alone, end to end, and beside other programs with the same weights.

Real JPEG files of 60x80 pixels, 1 and 8 MP; `compact`, and ViT-B-32 with random weights, which tell
speed only. The peers are installed once by `python -m scripts.benchmarks.build.peers.install` into
$LOOKALIKE_PEERS (`peers` beside the checkout); without them, our own figures are printed. On two
cores all takes about half an hour; a part may take at most 25 minutes.

Lookalike's own cache is a new one, so that models are converted and choices are probed anew.
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType

from scripts.benchmarks.build.cost import ASSUMED, CATALOGS, cost
from scripts.benchmarks.build.decoding import large_jpeg
from scripts.benchmarks.build.encoding import encoding
from scripts.benchmarks.build.end_to_end import end_to_end
from scripts.benchmarks.build.peers.comparison import indexing, searching
from scripts.benchmarks.build.peers.environments import peers_folder
from scripts.benchmarks.build.setup import FULL, QUICK, Setup
from scripts.benchmarks.build.vectors import reduced_jpegs, vectors
from scripts.docs.figures import Block, Grid, Listing
from scripts.support.measuring import Figure, Measure, NotMeasured, Report
from scripts.support.processes import use_new_cache

__all__ = ["PARTS", "Part", "add_options", "blocks", "measure", "measure_parts"]

_PAGE = "docs/performance.md"
_COMMAND = "scripts/bench build --docs"
_MODELS = {"compact": "`compact`", "vit_b_32": "ViT-B-32", "vit_b_32_256": "ViT-B-32-256"}
_BUILT = ("compact", "vit_b_32")
_ENCODERS = {
    "torch_fp32": "torch float32",
    "torch_bf16": "torch bfloat16",
    "onnx_fp32": "ONNX Runtime float32",
    "openvino_fp32": "OpenVINO float32",
    "openvino_bf16": "OpenVINO bfloat16",
    "auto_auto": "chosen automatically",
    "plain_fp32": "OpenVINO without Lookalike, float32",
    "plain_bf16": "OpenVINO without Lookalike, bfloat16",
}
_INDEXERS = {
    "ours": "`lookalike index build`",
    "rclip": "rclip 3.3",
    "fastembed": "fastembed 0.9",
    "clip_retrieval": "clip-retrieval 2.45, `inference`",
    "sentence_transformers": "sentence-transformers 6.2",
    "open_clip_loop": "a plain loop over open_clip",
}
_PICTURES = {"60x80": "60x80", "1mp": "1 MP", "8mp": "8 MP"}
# How a part ends when one of its processes fails, or an answer can't be read.
_FAILURES = (OSError, RuntimeError, ValueError, KeyError)
_MOST_SECONDS = 1500


@dataclass(frozen=True)
class Part:
    """One part of the benchmark.

    Attributes:
        run: Takes the measures.
        targets: The measures that have a target, with what the page calls each.
    """

    run: Callable[[Setup], Iterator[Figure]]
    targets: Mapping[str, str]


def _encode(key: str) -> Part:
    shown = _MODELS[key]
    return Part(
        partial(encoding, key=key),
        {
            f"{key}_encode_to_torch_fp32": f"{shown} encode, best runtime against torch float32",
            f"{key}_encode_fp32_to_torch_fp32": f"{shown} encode, best float32 runtime against it",
            f"{key}_auto_to_best": f"{shown}: automatic choice against the best of all choices",
        },
    )


def _build(size: str, key: str) -> Part:
    label = f"build of {_PICTURES[size]} pictures by {_MODELS[key]} against the bound of its stages"
    return Part(partial(end_to_end, size=size, key=key), {f"build_{size}_{key}_to_bound": label})


PARTS: dict[str, Part] = {
    **{f"encode_{key}": _encode(key) for key in _MODELS},
    "vectors": Part(
        vectors,
        {
            "vectors_median_cosine": "vectors of the chosen precision: median cosine to float32",
            "vectors_least_cosine": "the same, least cosine",
            "vectors_top_10_overlap": "the same, top-10 overlap",
            "vectors_precision_lost": "the same, labelled precision at 10 lost",
        },
    ),
    "large_jpeg": Part(
        large_jpeg, {"open_8mp_to_pillow": "8 MP JPEG open and resize against Pillow without draft"}
    ),
    "reduced_jpegs": Part(
        reduced_jpegs,
        {"reduced_median_cosine": "vectors of reduced JPEGs, median cosine to those of full ones"},
    ),
    **{f"build_{size}_{key}": _build(size, key) for size in _PICTURES for key in _BUILT},
    "peers_index": Part(
        indexing,
        {
            "index_600_to_rclip": "index of 600 photos, ViT-B-32-256: against rclip",
            "index_600_to_open_clip_loop": "the same against a plain loop over open_clip",
            "index_600_to_clip_retrieval": "the same against clip-retrieval",
            "index_600_to_sentence_transformers": "the same against sentence-transformers",
            "index_600_to_fastembed": "the same against fastembed",
        },
    ),
    "peers_search": Part(
        searching,
        {
            "search_compact_time_to_rclip": "text search, whole process, `compact`: rclip's time",
            "search_vit_b_32_256_time_to_rclip": "the same with ViT-B-32-256",
        },
    ),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add this benchmark's options."""
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument(
        "--peers", type=Path, default=peers_folder(), metavar="DIR",
        help="folder of the peers' environments",
    )  # fmt: skip


def blocks(_: argparse.Namespace) -> list[Block]:
    """Return the figures of docs/performance.md."""
    rows = {name: label for part in PARTS.values() for name, label in part.targets.items()}
    stages = {
        "bare_decoding": "open, decode, resize",
        "decode_alone": "with thumbnail and colours",
        "encode_alone": "encode alone",
    }
    # The whole build has no further name.
    stages = {f"{stage}_per_second": shown for stage, shown in stages.items()}
    stages["per_second"] = "whole build"
    builds = {
        f"{size}_{key}": f"{_PICTURES[size]}, {_MODELS[key]}"
        for size in _PICTURES
        for key in _BUILT
    }
    machines = {"cpu": "16 cores", "gpu": "one GPU, 16 cores"}
    costs = {
        f"{key}_{machine}": f"{_MODELS[key]}, {shown}"
        for key in _BUILT
        for machine, shown in machines.items()
    }
    catalogs = {
        f"{size}_{unit}": f"{number / 1e6:.0f} million, {words}"
        for size, number in CATALOGS.items()
        for unit, words in (("hours", "hours"), ("usd", "USD"))
    }
    rates = {f"cost_{key}_per_second_and_core": f"{_MODELS[key]}, a core" for key in _BUILT}
    rates["cost_vit_b_32_per_second_and_gpu"] = "ViT-B-32, a GPU (computed)"
    return [
        Block(_PAGE, _COMMAND, [Listing(rows)]),
        Block(
            _PAGE,
            f"{_COMMAND}, stages",
            [
                Grid("{column}_encode_{row}_per_second", _ENCODERS, _MODELS, "encode alone"),
                Grid("build_{row}_{column}", builds, stages, "pictures a second"),
            ],
        ),
        Block(
            _PAGE,
            f"{_COMMAND}, peers",
            [Listing({f"index_600_{name}_per_second": shown for name, shown in _INDEXERS.items()})],
        ),
        Block(
            _PAGE,
            f"{_COMMAND}, cost",
            [Listing(rates), Grid("cost_{row}_{column}", costs, catalogs, "computed")],
        ),
    ]


def measure(options: argparse.Namespace) -> Report:
    """Measure the chosen parts, and compute the cost from them."""
    with tempfile.TemporaryDirectory() as name:
        effort = QUICK if options.quick else FULL
        setup = Setup(options.data, options.cache, Path(name), options.peers, effort)
        use_new_cache(setup.folder)
        figures = measure_parts(setup, options.parts)
    measured = {each.name: each.value for each in figures if isinstance(each, Measure)}
    figures += cost(measured, os.cpu_count() or 1)
    prices = {name: f"{m.cores} cores, {m.price} USD/h" for name, m in ASSUMED.items()}
    problems = []
    if not options.peers.is_dir():
        problems.append(f"The peers are not installed; there is no {options.peers}.")
    return Report.of(figures, problems, assumed_machines=prices, photos=effort.peer_pictures)


def measure_parts(setup: Setup, names: Sequence[str]) -> list[Figure]:
    """Take the measures of some parts; those that a part could not take are not measured."""
    figures: list[Figure] = []
    for name in names:
        part = PARTS[name]
        found: list[Figure] = []
        reason = "its part gave none"
        try:
            with _time_limit(_MOST_SECONDS):
                found.extend(part.run(setup))
        except _FAILURES as error:
            reason = f"{type(error).__name__}: {str(error)[:200]}"
        there = {figure.name for figure in found}
        figures += found
        figures += [NotMeasured(each, reason) for each in part.targets if each not in there]
    return figures


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise a RuntimeError where the inside takes longer."""

    def stop(_: int, __: FrameType | None) -> None:
        raise RuntimeError(f"the part took longer than {seconds:.0f} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
