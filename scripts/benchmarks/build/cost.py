"""Cost model: hours and money to index a catalog, computed from the measured rates.

Nothing here is measured: a rate of two cores is taken to grow with their number, and what a GPU
does is computed from its arithmetic. The prices are assumptions, near what clouds ask on demand
without a discount; put your own in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scripts.support.measuring import Measure

__all__ = ["ASSUMED", "CATALOGS", "Machine", "cost", "gpu_rate"]

CATALOGS = {"1m": 1e6, "10m": 1e7, "100m": 1e8}
"""Pictures of a catalog, by what measures call it."""


@dataclass(frozen=True)
class Machine:
    """An assumed machine.

    Attributes:
        cores: Processors of the kind that was measured.
        price: US dollars an hour.
        flops: What its GPU does a second in half precision on such a model; 0 without a GPU.
    """

    cores: int
    price: float
    flops: float = 0.0


# A GPU of the middle class (such as an L4, 121 dense TFLOP/s in half precision) reaches about a
# third of its arithmetic on a ViT.
ASSUMED = {"cpu": Machine(16, 0.70), "gpu": Machine(16, 1.60, 40e12)}
"""The machines that a catalog is indexed on: 16 cores, without and with a GPU."""

# Of the image tower, for one picture: open_clip's model profile; `compact`: its layers, counted.
_FLOPS = {"vit_b_32": 8.8e9}


def gpu_rate(machine: Machine, flops: float, decode_per_core: float) -> float:
    """Return pictures a second of a GPU whose host decodes for it, whichever is slower.

    Args:
        machine: The machine.
        flops: Of one picture.
        decode_per_core: Pictures that one core decodes in a second, thumbnail included.
    """
    return min(machine.flops / flops, machine.cores * decode_per_core)


def cost(measured: Mapping[str, float], cores: int) -> Iterator[Measure]:
    """Compute hours and money from the builds of 1 MP pictures.

    Args:
        measured: Figures by name, those of `end_to_end` among them; models without are left out.
        cores: Processors that they were measured on.
    """
    for key in ("compact", "vit_b_32"):
        rate = measured.get(f"build_1mp_{key}_per_second")
        if rate is None:
            continue
        yield Measure(f"cost_{key}_per_second_and_core", rate / cores)
        machine = ASSUMED["cpu"]
        yield from _catalogs(f"cost_{key}_cpu", machine.cores * rate / cores, machine.price)
        decode = measured.get(f"build_1mp_{key}_decode_alone_per_second")
        if decode is None or key not in _FLOPS:
            continue
        machine = ASSUMED["gpu"]
        per_gpu = gpu_rate(machine, _FLOPS[key], decode / cores)
        yield Measure(f"cost_{key}_per_second_and_gpu", per_gpu, note="computed")
        yield from _catalogs(f"cost_{key}_gpu", per_gpu, machine.price)


def _catalogs(name: str, rate: float, price: float) -> Iterator[Measure]:
    for size, number in CATALOGS.items():
        hours = number / rate / 3600
        yield Measure(f"{name}_{size}_hours", hours, None, "lower", note="computed")
        yield Measure(f"{name}_{size}_usd", hours * price, None, "lower", note="computed")
