"""Measures of the API: latency, throughput and overload, from the answers to a load."""

from __future__ import annotations

import json
import pickle
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np

from scripts.benchmarks.api.load_generator import Answer
from scripts.benchmarks.api.processes import (
    environment,
    python,
    running,
    service,
    under_load,
)
from scripts.benchmarks.api.setup import Setup
from scripts.benchmarks.build.decoding import COMPACT_PREPROCESS, decoders
from scripts.benchmarks.build.end_to_end import bound
from scripts.support.front import ROOT
from scripts.support.measuring import Figure, Measure, NotMeasured

__all__ = ["latency", "overload", "throughput"]

_CLIENTS = 32
_ROUNDS = 3
# First answers of a client that are left out: caches and connections are cold.
_WARM_UP = 20
# What the plain handler prints when it listens, with its port.
_PLAIN_READY = r"Plain handler on (\d+)"


def _in_process(setup: Setup, seconds: float, *names: str) -> dict[str, float]:
    """Run `in_process` for some of its names, so many seconds each; medians in milliseconds."""
    arguments = (str(setup.index), str(setup.queries.raw), str(seconds), *names)
    done = subprocess.run(
        python("-m", "scripts.benchmarks.api.in_process", *arguments),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=environment({}),
        cwd=ROOT,
        timeout=120 + 10 * seconds,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _accepted(answers: Sequence[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.status == 200]


def _span(answers: Sequence[Answer]) -> float:
    """Return the seconds from the first request to the last answer."""
    first = min(answer.due for answer in answers)
    return max(answer.due + answer.seconds for answer in answers) - first


def _rate(answers: Sequence[Answer], seconds: float) -> float:
    """Return accepted answers a second in the middle half of a load, when it runs evenly."""
    start = min(answer.due for answer in answers) + seconds / 3
    ends = [answer.due + answer.seconds for answer in _accepted(answers)]
    return sum(start <= end < start + seconds / 2 for end in ends) / (seconds / 2)


def _quantile_ms(answers: Sequence[Answer], share: float) -> float:
    """Return a quantile of the answers' times in milliseconds; NaN without answers."""
    if not answers:
        return float("nan")
    return float(np.quantile([1000 * answer.seconds for answer in answers], share))


def latency(setup: Setup) -> list[Figure]:
    """One client, against the same work in a process without HTTP; in turns, medians of rounds."""
    rounds: dict[str, list[tuple[float, float, float]]] = {"text": [], "upload": []}
    seconds = setup.times.short / 2
    with service(setup.index, setup.folder / "latency.log") as port:
        for turn in range(_ROUNDS):
            alone = _in_process(setup, seconds / 2, "text", "upload")
            loads = {
                "text": under_load(
                    port, setup.queries.texts, clients=1, seconds=seconds, first=5000 * turn
                ),
                "upload": under_load(port, setup.queries.images, clients=1, seconds=seconds),
            }
            for kind, answers in loads.items():
                p50 = _quantile_ms(_accepted(answers)[_WARM_UP:], 0.5)
                rounds[kind].append((p50 - alone[kind], p50, alone[kind]))
    measures: list[Figure] = []
    for kind, target in (("text", 2.0), ("upload", 3.0)):
        over, p50, alone_ms = sorted(rounds[kind])[_ROUNDS // 2]
        measures += [
            Measure(f"{kind}_over_alone_ms", over, target, "lower"),
            Measure(f"{kind}_p50_ms", p50, None, "lower"),
            Measure(f"{kind}_alone_ms", alone_ms, None, "lower"),
        ]
    return measures


def throughput(setup: Setup) -> list[Figure]:
    """32 clients that upload, against decoding and encoding alone, and a plain handler."""
    rates: dict[str, list[float]] = {"ours": [], "texts": [], "plain": [], "decode": []}
    alone: list[dict[str, float]] = []
    queries, seconds = setup.queries, setup.times.short
    _, images = pickle.loads(queries.raw.read_bytes())
    load: dict[str, Any] = {"clients": _CLIENTS, "seconds": seconds}
    encodes = ("encode_image", "encode_images", "encode_text", "encode_texts")
    for turn in range(_ROUNDS):
        alone.append(_in_process(setup, seconds / 6, *encodes))
        with decoders(setup.folder, images) as decoding:
            rates["decode"].append(decoding.rate("bare", COMPACT_PREPROCESS, seconds / 6))
        with service(setup.index, setup.folder / "throughput.log") as port:
            under_load(port, queries.images, clients=_CLIENTS, seconds=1)
            rates["ours"].append(_rate(under_load(port, queries.images, **load), seconds))
            texts = under_load(port, queries.texts, **load, first=4000 * turn)
            rates["texts"].append(_rate(texts, seconds))
        if find_spec("torch") is not None:
            rates["plain"].append(_plain_rate(setup))
    ms = {name: statistics.median(turn[name] for turn in alone) for name in alone[0]}
    return _throughput_figures({k: statistics.median(v) for k, v in rates.items() if v}, ms)


def _plain_rate(setup: Setup) -> float:
    """Return uploads a second of 32 clients that a plain handler answers."""
    handler = python("-m", "scripts.benchmarks.api.plain_handler", str(setup.index))
    images, seconds = setup.queries.images, setup.times.short
    with running(handler, setup.folder / "plain.log", _PLAIN_READY) as port:
        under_load(port, images, clients=_CLIENTS, seconds=1)
        return _rate(under_load(port, images, clients=_CLIENTS, seconds=seconds), seconds)


def _throughput_figures(rates: Mapping[str, float], ms: Mapping[str, float]) -> list[Figure]:
    """Compare rates, with the milliseconds of the encoder alone."""
    one, batches = 1000 / ms["encode_image"], 1000 * ms["batch"] / ms["encode_images"]
    figures: list[Figure] = [
        Measure("throughput_32_to_bound", rates["ours"] / bound(rates["decode"], batches), 0.7),
        Measure("throughput_32_to_one_client", rates["ours"] / one),
        Measure("throughput_32_to_encoder_batches", rates["ours"] / batches),
        Measure("uploads_per_second_32", rates["ours"]),
        Measure("decoded_pictures_per_second", rates["decode"]),
        Measure("encoder_pictures_per_second_one_by_one", one),
        Measure("encoder_pictures_per_second_batches", batches),
        Measure("texts_per_second_32", rates["texts"]),
        Measure("encoder_texts_per_second_one_by_one", 1000 / ms["encode_text"]),
        Measure("encoder_texts_per_second_batches", 1000 * ms["batch"] / ms["encode_texts"]),
    ]
    if "plain" in rates:
        ratio = rates["ours"] / rates["plain"]
        figures.append(Measure("throughput_32_to_plain_handler", ratio, 3.0))
        figures.append(Measure("uploads_per_second_plain_handler", rates["plain"]))
    else:
        reason = "torch is not installed (pip install 'lookalike[clip]')"
        figures.append(NotMeasured("throughput_32_to_plain_handler", reason))
    return figures


def overload(setup: Setup) -> list[Figure]:
    """Uploads at four times capacity, against those at 80% of it."""
    with service(setup.index, setup.folder / "overload.log") as port:
        under_load(port, setup.queries.images, clients=_CLIENTS, seconds=1)
        load: dict[str, Any] = {"clients": _CLIENTS, "seconds": setup.times.short}
        peak = _rate(under_load(port, setup.queries.images, **load), setup.times.short)
        easy = under_load(
            port, setup.queries.images, rate=0.8 * peak, seconds=2 * setup.times.short
        )
        hard = under_load(port, setup.queries.images, rate=4 * peak, seconds=setup.times.overload)
    refused = [answer for answer in hard if answer.status == 503]
    broken = len(hard) - len(refused) - len(_accepted(hard))
    easy_p99, hard_p99 = _quantile_ms(_accepted(easy), 0.99), _quantile_ms(_accepted(hard), 0.99)
    return [
        Measure("overload_goodput_to_peak", _rate(hard, setup.times.overload) / peak, 0.9),
        Measure("overload_accepted_p99_to_p99_at_80", hard_p99 / easy_p99, 2.0, "lower"),
        Measure("overload_refusals_p99_ms", _quantile_ms(refused, 0.99), 50.0, "lower"),
        Measure("overload_refusals_p50_ms", _quantile_ms(refused, 0.5), None, "lower"),
        Measure("overload_accepted_p99_ms", hard_p99, None, "lower"),
        Measure("overload_accepted_p50_ms", _quantile_ms(_accepted(hard), 0.5), None, "lower"),
        Measure("p99_at_80_ms", easy_p99, None, "lower"),
        Measure("refused_at_80", float(len(easy) - len(_accepted(easy))), None, "lower"),
        Measure("overload_broken", float(broken), 0.0, "lower"),
        Measure("overload_requests_per_second", len(hard) / _span(hard)),
        Measure("peak_uploads_per_second", peak),
    ]
