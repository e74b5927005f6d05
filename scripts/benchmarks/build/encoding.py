"""Encoding alone: pictures a second by runtime, precision and batch, and the automatic choice.

Every choice is a process of its own that takes its turn in each round; the best rate of the rounds
counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from scripts.benchmarks.build.random_models import model_name
from scripts.benchmarks.build.setup import Setup
from scripts.support.measuring import Figure, Measure, NotMeasured
from scripts.support.processes import Worker, python

__all__ = ["AUTO", "CHOICES", "ENCODE_SECONDS", "encode_figures", "encode_worker", "encoding"]

ENCODE_SECONDS = 300
"""The longest that a model may take to load and convert, or to answer."""

AUTO = "auto_auto"
"""The choice that the encoder makes by itself."""

CHOICES = (
    "torch_fp32",
    "torch_bf16",
    "onnx_fp32",
    "openvino_fp32",
    "openvino_bf16",
    AUTO,
    "plain_fp32",
    "plain_bf16",
)
"""Runtime and precision of the compared encoders; `plain` is OpenVINO without Lookalike."""

_BASELINE = "torch_fp32"
_PLAIN = "plain"
# Seconds that one batch may take; slower sizes of batches are left out.
_LONGEST_BATCH = 4.0
# Sizes of batches with a rate below this share of the choice's best are left out after a round.
_WORTH = 0.8


@dataclass
class _Contender:
    """One choice: its process, and its best rate by the size of batches."""

    worker: Worker
    batches: list[int]
    rates: dict[int, float] = field(default_factory=dict)

    def take_turn(self, seconds: float) -> None:
        """Measure each size of batches, and leave out those that are not worth more turns."""
        for batch in list(self.batches):
            if self.rates and batch / max(self.rates.values()) > _LONGEST_BATCH:
                self.batches.remove(batch)
                continue
            rate = self.worker.ask(batch=batch, seconds=seconds)["rate"]
            self.rates[batch] = max(rate, self.rates.get(batch, 0.0))
        best = max(self.rates.values())
        self.batches = [each for each in self.batches if self.rates[each] >= _WORTH * best]

    @property
    def best(self) -> float:
        """Pictures a second at the best size of batches."""
        return max(self.rates.values())

    @property
    def shown(self) -> str:
        """Runtime, precision and batch, in words."""
        batch = max(self.rates, key=self.rates.__getitem__)
        return (
            f"{self.worker.ready['runtime']} {self.worker.ready['precision']}, batches of {batch}"
        )


def encode_worker(setup: Setup, key: str, choice: str) -> Worker:
    """Start a process that encodes with a model by one of `CHOICES`."""
    runtime, precision = choice.split("_")
    name = model_name(key, setup.cache)
    command = python("scripts.benchmarks.build.workers.encode", name, runtime, precision)
    if runtime == _PLAIN:
        command = python("scripts.benchmarks.build.workers.plain", name, precision)
    return Worker(command, limit=ENCODE_SECONDS)


def encoding(setup: Setup, key: str) -> Iterator[Figure]:
    """Measure all choices of a model in turns."""
    contenders: dict[str, _Contender] = {}
    with ExitStack() as stack:
        for choice in CHOICES:
            try:
                worker = stack.enter_context(encode_worker(setup, key, choice))
            except RuntimeError as error:
                yield NotMeasured(_rate_name(key, choice), str(error))
                continue
            automatic = choice == AUTO
            batches = [worker.ready["batch"]] if automatic else [*setup.effort.batches]
            contenders[choice] = _Contender(worker, batches)
        for _ in range(setup.effort.rounds):
            for choice, contender in list(contenders.items()):
                try:
                    contender.take_turn(setup.effort.seconds)
                except RuntimeError as error:
                    del contenders[choice]
                    yield NotMeasured(_rate_name(key, choice), str(error))
        yield from encode_figures(
            key,
            {choice: each.best for choice, each in contenders.items()},
            {choice: each.shown for choice, each in contenders.items()},
        )


def encode_figures(
    key: str, rates: Mapping[str, float], shown: Mapping[str, str]
) -> Iterator[Figure]:
    """Compare the rates of the choices.

    Args:
        key: What measures call the model.
        rates: Pictures a second by choice.
        shown: What each choice is, in words.
    """
    others = {choice: rate for choice, rate in rates.items() if choice != AUTO}
    forced = {choice: rate for choice, rate in others.items() if not choice.startswith(_PLAIN)}
    exact = {choice: rate for choice, rate in forced.items() if choice.endswith("fp32")}
    baseline = rates.get(_BASELINE)
    if baseline is not None:
        target = 3.5 if key == "compact" else 3.8
        for name, those, least in (
            (f"{key}_encode_to_torch_fp32", forced, target),
            (f"{key}_encode_fp32_to_torch_fp32", exact, 1.8),
        ):
            best = max(those, key=those.__getitem__)
            yield Measure(name, those[best] / baseline, least, note=shown[best])
    if AUTO in rates and others:
        best = max(others, key=others.__getitem__)
        note = f"chosen: {shown[AUTO]}; best: {shown[best]}"
        yield Measure(f"{key}_auto_to_best", rates[AUTO] / others[best], 0.9, note=note)
    for choice, rate in rates.items():
        yield Measure(_rate_name(key, choice), rate, note=shown[choice])


def _rate_name(key: str, choice: str) -> str:
    return f"{key}_encode_{choice}_per_second"
