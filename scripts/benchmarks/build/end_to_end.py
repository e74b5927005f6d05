"""Builds end to end: pictures a second, against the bound of decoding alone and encoding alone.

Decoding alone is all that a build's decoding processes do with a picture: open, decode, resize,
thumbnail, colours. Bare decoding is the first three. Decoding, encoding and a whole build, from
opening the catalog to publication, take turns; each ratio is the median over the turns.
"""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Iterator

from scripts.benchmarks.build.decoding import decoders
from scripts.benchmarks.build.encoding import AUTO, encode_worker
from scripts.benchmarks.build.pictures import pictures, write_folder
from scripts.benchmarks.build.random_models import model_name
from scripts.benchmarks.build.setup import Setup
from scripts.support.measuring import Measure
from scripts.support.processes import LOOKALIKE, run

__all__ = ["BOUND_TARGETS", "bound", "end_to_end"]

BOUND_TARGETS = {("60x80", "compact"): 0.85, ("60x80", "vit_b_32"): 0.92}
"""The least share of the bound, by size and model; other pairs are only reported."""

_MOST_TURNS = 3
_BUILD_SECONDS = 300


def bound(decode: float, encode: float) -> float:
    """Return the rate of two stages that share the same cores: 1 / (1/decode + 1/encode).

    >>> bound(600.0, 300.0)
    200.0
    """
    return 1 / (1 / decode + 1 / encode)


def end_to_end(setup: Setup, size: str, key: str) -> Iterator[Measure]:
    """Measure builds of pictures of one size by one model."""
    images = pictures(setup.data, size, setup.effort.pictures[size, key])
    catalog = write_folder(setup.folder / f"catalog-{size}-{key}", images)
    found: dict[str, list[float]] = {}

    def note(**values: float) -> None:
        for name, value in values.items():
            found.setdefault(name, []).append(value)

    seconds = 2 * setup.effort.seconds
    with decoders(setup.folder, images) as decoding, encode_worker(setup, key, AUTO) as encoder:
        preprocess = encoder.ready["preprocess"]
        for _ in range(min(_MOST_TURNS, setup.effort.rounds)):
            bare = decoding.rate("bare", preprocess, seconds)
            decode = decoding.rate("whole", preprocess, seconds)
            encode = float(encoder.ask(batch=encoder.ready["batch"], seconds=seconds)["rate"])
            report = _build(setup, catalog.name, key)
            rate, limit = len(images) / report["seconds"], bound(decode, encode)
            note(bare=bare, decode=decode, encode=encode, rate=rate, to_bound=rate / limit)
            note(reading_to_bound=report["images_per_second"] / limit)
            note(to_bare_bound=rate / bound(bare, encode))
    shutil.rmtree(catalog)
    median = {name: statistics.median(values) for name, values in found.items()}
    name, target = f"build_{size}_{key}", BOUND_TARGETS.get((size, key))
    yield Measure(f"{name}_to_bound", median["to_bound"], target)
    # Without opening the catalog, calibration and publication.
    yield Measure(f"{name}_reading_to_bound", median["reading_to_bound"])
    # The bound where decoding leaves out the thumbnail and the colours, which a build needs.
    yield Measure(f"{name}_to_bound_of_bare_decoding", median["to_bare_bound"])
    yield Measure(f"{name}_per_second", median["rate"])
    yield Measure(f"{name}_decode_alone_per_second", median["decode"])
    yield Measure(f"{name}_bare_decoding_per_second", median["bare"])
    yield Measure(f"{name}_encode_alone_per_second", median["encode"])


def _build(setup: Setup, catalog: str, key: str) -> dict[str, float]:
    """Build an index anew; return the command's report."""
    index = setup.folder / "index"
    shutil.rmtree(index, ignore_errors=True)
    command = [*LOOKALIKE, "index", "build", str(setup.folder / catalog), "--index", str(index)]
    command += ["--model", model_name(key, setup.cache), "--json"]
    report: dict[str, float] = json.loads(run(command, limit=_BUILD_SECONDS))
    return report
