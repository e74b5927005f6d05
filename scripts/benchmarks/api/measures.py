"""The measures of the API, from the samples of a load."""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scripts.support.measuring import Measure

from .load import Answer
from .processes import ROOT, environment, python, running, service, under_load
from .queries import Queries

__all__ = ["Times", "latency", "overload", "throughput"]

_CLIENTS = 32
_ROUNDS = 3


@dataclass(frozen=True)
class Times:
    """How long each load runs, in seconds."""

    short: float
    overload: float


def _alone(index: Path, queries: Queries, seconds: float, *names: str) -> dict[str, float]:
    """What is named of `api_benchmark.alone`, so many seconds each."""
    arguments = (str(index), str(queries.raw), str(seconds), *names)
    done = subprocess.run(
        python("-m", "scripts.benchmarks.api.alone", *arguments),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=environment({}),
        cwd=ROOT,
        timeout=120 + 10 * seconds,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _ok(answers: Sequence[Answer]) -> list[Answer]:
    return [answer for answer in answers if answer.status == 200]


def _span(answers: Sequence[Answer]) -> float:
    first = min(answer.due for answer in answers)
    return max(answer.due + answer.seconds for answer in answers) - first


def _rate(answers: Sequence[Answer], seconds: float) -> float:
    """Good answers a second, of the second half of a load: by then it runs evenly."""
    start = min(answer.due for answer in answers) + seconds / 3
    ends = [a.due + a.seconds for a in _ok(answers)]
    return sum(start <= end < start + seconds / 2 for end in ends) / (seconds / 2)


def _p(answers: Sequence[Answer], share: float) -> float:
    if not answers:
        return float("nan")
    return float(np.quantile([1000 * answer.seconds for answer in answers], share))


def latency(index: Path, queries: Queries, folder: Path, times: Times) -> list[Measure]:
    """One client, against the same work in a process without HTTP; in turns, medians of rounds."""
    text, picture = [], []
    with service(index, folder / "latency.log") as port:
        for turn in range(_ROUNDS):
            alone = _alone(index, queries, times.short / 4, "text", "picture")
            load = {"clients": 1, "seconds": times.short / 2, "first": 5000 * turn}
            texts = _p(_ok(under_load(port, queries.texts, **load))[20:], 0.5)
            load["first"] = 0
            pictures = _p(_ok(under_load(port, queries.pictures, **load))[20:], 0.5)
            text.append((texts - alone["text"], texts, alone["text"]))
            picture.append((pictures - alone["picture"], pictures, alone["picture"]))
    text_over, text_ms, text_alone = sorted(text)[len(text) // 2]
    over, picture_ms, picture_alone = sorted(picture)[len(picture) // 2]
    return [
        Measure("text_over_alone_ms", text_over, 2.5, "lower"),
        Measure("text_p50_ms", text_ms, None, "lower"),
        Measure("text_alone_ms", text_alone, None, "lower"),
        Measure("upload_over_alone_ms", over, 4.0, "lower"),
        Measure("upload_p50_ms", picture_ms, None, "lower"),
        Measure("upload_alone_ms", picture_alone, None, "lower"),
    ]


def throughput(index: Path, queries: Queries, folder: Path, times: Times) -> list[Measure]:
    """32 clients that upload, against the encoder alone and a plain handler."""
    rates: dict[str, list[float]] = {"ours": [], "texts": [], "plain": []}
    alone: list[dict[str, float]] = []
    handler = python("-m", "scripts.benchmarks.api.plain", str(index))
    said = r"Plain handler on (\d+)"
    load = {"clients": _CLIENTS, "seconds": times.short}
    encodes = ("encode_picture", "encode_pictures", "encode_text", "encode_texts")
    for turn in range(_ROUNDS):
        alone.append(_alone(index, queries, times.short / 6, *encodes))
        with service(index, folder / "throughput.log") as port:
            under_load(port, queries.pictures, clients=_CLIENTS, seconds=1)
            ours = under_load(port, queries.pictures, **load)
            rates["ours"].append(_rate(ours, times.short))
            texts = under_load(port, queries.texts, **load, first=4000 * turn)
            rates["texts"].append(_rate(texts, times.short))
        with running(handler, folder / "plain.log", said) as port:
            under_load(port, queries.pictures, clients=_CLIENTS, seconds=1)
            plain = under_load(port, queries.pictures, **load)
            rates["plain"].append(_rate(plain, times.short))
    middle = {name: statistics.median(values) for name, values in rates.items()}
    times_ms = {name: statistics.median(turn[name] for turn in alone) for name in alone[0]}
    one, batch = 1000 / times_ms["encode_picture"], times_ms["batch"] * 1000
    batch_rate = batch / times_ms["encode_pictures"]
    return [
        Measure("throughput_32_to_one_client", middle["ours"] / one, 2.5),
        Measure("throughput_32_to_encoder_batches", middle["ours"] / batch_rate, 0.9),
        Measure("throughput_32_to_plain_handler", middle["ours"] / middle["plain"], 2.0),
        Measure("uploads_per_second_32", middle["ours"]),
        Measure("uploads_per_second_plain_handler", middle["plain"]),
        Measure("encoder_pictures_per_second_one_by_one", one),
        Measure("encoder_pictures_per_second_batches", batch_rate),
        Measure("texts_per_second_32", middle["texts"]),
        Measure("encoder_texts_per_second_one_by_one", 1000 / times_ms["encode_text"]),
        Measure("encoder_texts_per_second_batches", batch / times_ms["encode_texts"]),
    ]


def overload(index: Path, queries: Queries, folder: Path, times: Times) -> list[Measure]:
    """Uploads at four times capacity, against those at 80% of it."""
    with service(index, folder / "overload.log") as port:
        under_load(port, queries.pictures, clients=_CLIENTS, seconds=1)
        load = {"clients": _CLIENTS, "seconds": times.short}
        peak = _rate(under_load(port, queries.pictures, **load), times.short)
        easy = under_load(port, queries.pictures, rate=0.8 * peak, seconds=2 * times.short)
        hard = under_load(port, queries.pictures, rate=4 * peak, seconds=times.overload)
    refused = [answer for answer in hard if answer.status == 503]
    broken = len(hard) - len(refused) - len(_ok(hard))
    easy_p99, hard_p99 = _p(_ok(easy), 0.99), _p(_ok(hard), 0.99)
    return [
        Measure("overload_goodput_to_peak", _rate(hard, times.overload) / peak, 0.9),
        Measure("overload_accepted_p99_to_p99_at_80", hard_p99 / easy_p99, 2.0, "lower"),
        Measure("overload_refusals_p99_ms", _p(refused, 0.99), 50.0, "lower"),
        Measure("overload_refusals_p50_ms", _p(refused, 0.5), None, "lower"),
        Measure("overload_accepted_p99_ms", hard_p99, None, "lower"),
        Measure("overload_accepted_p50_ms", _p(_ok(hard), 0.5), None, "lower"),
        Measure("p99_at_80_ms", easy_p99, None, "lower"),
        Measure("refused_at_80", float(len(easy) - len(_ok(easy))), None, "lower"),
        Measure("overload_broken", float(broken), 0.0, "lower"),
        Measure("overload_requests_per_second", len(hard) / _span(hard)),
        Measure("peak_uploads_per_second", peak),
    ]
