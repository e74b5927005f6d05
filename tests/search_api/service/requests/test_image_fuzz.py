"""Damaged images against a real server: refused or answered, and never a failure."""

from __future__ import annotations

import base64
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.image_samples import SAMPLES
from tests.support.processes import PATIENCE, Server
from tests.support.service_helpers import RED, error_of, ids, image_file

SEED = 20261124
CLIENTS = 6

# How an image may be refused.
REFUSALS = {
    (413, "payload_too_large"),
    (415, "unsupported_image"),
    (422, "broken_image"),
    (422, "image_too_large"),
}


def flipped(draw: random.Random, data: bytes) -> bytes:
    """A few bits, most often in the headers, where they matter."""
    out = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8, 64))):
        end = len(out) if draw.random() < 0.5 else min(len(out), 64)
        out[draw.randrange(end)] ^= 1 << draw.randrange(8)
    return bytes(out)


def cut(draw: random.Random, data: bytes) -> bytes:
    """The beginning alone."""
    return data[: draw.randrange(len(data))]


def without(draw: random.Random, data: bytes) -> bytes:
    """A stretch left out."""
    start = draw.randrange(len(data))
    return data[:start] + data[start + draw.randrange(1, 40) :]


def twice(draw: random.Random, data: bytes) -> bytes:
    """A stretch repeated."""
    start = draw.randrange(len(data))
    end = start + draw.randrange(1, 200)
    return data[:end] + data[start:end] * draw.choice((1, 1, 5)) + data[end:]


def enlarged(draw: random.Random, data: bytes) -> bytes:
    """A number somewhere made extreme, as sizes, counts and offsets are."""
    width = draw.choice((1, 2, 4))
    start = draw.randrange(max(1, min(len(data), 200) - width))
    extreme = draw.choice((b"\xff" * width, b"\x7f" + b"\xff" * (width - 1), bytes(width)))
    return data[:start] + extreme + data[start + width :]


def spliced(draw: random.Random, data: bytes) -> bytes:
    """The beginning of one file, and the end of another of any format."""
    other = draw.choice(FILES)
    return data[: draw.randrange(1, len(data))] + other[draw.randrange(len(other)) :]


def trailed(draw: random.Random, data: bytes) -> bytes:
    """Something after the end."""
    return data + draw.randbytes(draw.choice((1, 100, 5000)))


FILES = [SAMPLES[name] for name in sorted(SAMPLES)]
MUTATIONS = (flipped, flipped, cut, without, twice, enlarged, enlarged, spliced, trailed)


def mutated(number: int) -> bytes:
    """The image of a number, the same in every run; some are damaged more than once."""
    draw = random.Random(f"{SEED} {number}")
    data = draw.choice(FILES)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        data = draw.choice(MUTATIONS)(draw, data) or b"\0"
    return data


def ask(http: httpx.Client, number: int) -> tuple[int, str]:
    """Send one image, in each way in turn; return the outcome."""
    data = mutated(number)
    match number % 4:
        case 0:
            body = {"image_base64": base64.b64encode(data).decode(), "k": 1}
            answer = http.post("/v1/search", json=body)
        case 1:
            files = {"image": ("x.jpg", data), "query": (None, '{"labels": ["a", "b"]}')}
            answer = http.post("/v1/tags", files=files)
        case _:
            answer = http.post("/v1/search", files={"image": ("x.jpg", data)})
    return (200, "") if answer.status_code == 200 else error_of(answer)


@pytest.mark.parametrize("count", [400, pytest.param(20_000, marks=pytest.mark.slow)])
def test_no_image_makes_the_service_fail(fake_server: Server, count: int) -> None:
    def client(first: int) -> list[tuple[int, tuple[int, str]]]:
        with httpx.Client(base_url=fake_server.url, timeout=PATIENCE) as http:
            return [(number, ask(http, number)) for number in range(first, count, CLIENTS)]

    outcomes: Counter[tuple[int, str]] = Counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        for answers in pool.map(client, range(CLIENTS)):
            unexpected = [each for each in answers if each[1] not in REFUSALS | {(200, "")}]
            assert not unexpected, unexpected[:5]
            outcomes.update(outcome for _, outcome in answers)
    assert sum(outcomes.values()) == count
    # Many reach each of these: the mutations neither spare nor ruin everything.
    for outcome in ((200, ""), (415, "unsupported_image"), (422, "broken_image")):
        assert outcomes[outcome] > count / 50, outcomes
    with httpx.Client(base_url=fake_server.url, timeout=PATIENCE) as http:
        assert ids(http.post("/v1/search", files={"image": image_file(RED)}))[0] == "red"
        assert http.get("/readyz").status_code == 200
