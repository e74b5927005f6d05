"""Coded colours: ICC profiles made of the numbers that PNG, AVIF and HEIC files declare.

The code points are those of ITU-T H.273. Curves of video cameras are taken for that of sRGB, as
browsers do. Of HDR images, what is brighter than white (203 cd/m2, ITU-R BT.2408) is white.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["chromatic_profile", "coded_profile"]

_Array = NDArray[np.float64]
_Points = tuple[tuple[float, float], ...]

_D65 = (0.3127, 0.3290)
# Red, green, blue and white by their code points; those of sRGB are None.
_PRIMARIES: dict[int, _Points | None] = {
    1: None,
    2: None,  # unspecified
    4: ((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06), _D65),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    7: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070), _D65),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046), _D65),
    11: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), _D65),
}
_SRGB: _Points = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), _D65)
_GAMMAS = {4: 2.2, 5: 2.8, 8: 1.0}
_PQ, _HLG = 16, 18
_SRGB_KNEE = 0.04045
_WHITE = 203 / 10_000
# A gamma within this of 1/2.2 stands for the curve of sRGB: what programs wrote before they had
# a chunk for it.
_USUAL_GAMMA, _NEAR = 1 / 2.2, 0.01

# ICC.1:2001-04, 6.1, and the Bradford adaptation of annex E.
_D50 = np.array([0.9642, 1.0, 0.8249])
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_SAMPLES = 4096


@lru_cache(maxsize=32)
def coded_profile(primaries: int, transfer: int) -> bytes:
    """Return an ICC profile of code points; empty for sRGB, and for points that are not known."""
    points = _PRIMARIES.get(primaries)
    curve = _curve(transfer)
    if points is None and curve is None:
        return b""
    return _profile(points or _SRGB, _linear_srgb() if curve is None else curve)


@lru_cache(maxsize=32)
def chromatic_profile(points: _Points, gamma: float) -> bytes:
    """Return an ICC profile of chromaticities and a gamma, as PNG's cHRM and gAMA declare them.

    Args:
        points: x and y of red, green, blue and white.
        gamma: The exponent from light to levels, such as 0.45455.

    Returns:
        The profile; empty if the numbers make none.
    """
    if gamma <= 0 or not np.all(np.isfinite(points)) or any(y <= 0 for _, y in points):
        return b""
    usual = abs(gamma - _USUAL_GAMMA) <= _NEAR
    curve = _linear_srgb() if usual else np.linspace(0, 1, _SAMPLES) ** (1 / gamma)
    try:
        return _profile(points, curve)
    except (np.linalg.LinAlgError, struct.error, ValueError):
        return b""


def _curve(transfer: int) -> _Array | None:
    """Return the light of levels from 0 to 1; None for the curve of sRGB."""
    level = np.linspace(0, 1, _SAMPLES)
    if transfer in _GAMMAS:
        return np.asarray(level ** _GAMMAS[transfer])
    if transfer == _PQ:  # SMPTE ST 2084
        root = level ** (1 / 78.84375)
        light = np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)
        return np.asarray(np.minimum(light ** (1 / 0.1593017578125) / _WHITE, 1.0))
    if transfer == _HLG:  # ITU-R BT.2100; reference white is at 75% of the levels
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        light = np.where(level <= 1 / 2, level**2 / 3, (np.exp((level - c) / a) + b) / 12)
        white = (np.exp((0.75 - c) / a) + b) / 12
        return np.asarray(np.minimum(light / white, 1.0))
    return None


def _linear_srgb() -> _Array:
    """Return the light of sRGB levels from 0 to 1 (IEC 61966-2-1)."""
    level = np.linspace(0, 1, _SAMPLES)
    return np.where(level <= _SRGB_KNEE, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def _profile(points: Sequence[tuple[float, float]], curve: _Array) -> bytes:
    *primaries, white = points
    columns = np.stack([_xyz(*primary) for primary in primaries], axis=1)
    target = _xyz(*white)
    to_xyz = columns * np.linalg.solve(columns, target)
    scale = (_BRADFORD @ _D50) / (_BRADFORD @ target)
    matrix = np.linalg.inv(_BRADFORD) @ np.diag(scale) @ _BRADFORD @ to_xyz
    levels = np.rint(np.clip(curve, 0, 1) * 65535).astype(">u2").tobytes()
    table = struct.pack(">4sII", b"curv", 0, _SAMPLES) + levels
    tags = {b"wtpt": _point(_D50)}
    for name, column in zip((b"r", b"g", b"b"), matrix.T, strict=True):
        tags |= {name + b"XYZ": _point(column), name + b"TRC": table}
    return _file(tags)


def _xyz(x: float, y: float) -> _Array:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _point(values: _Array) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(float(value) * 65536))


def _file(tags: dict[bytes, bytes]) -> bytes:
    """Return a display profile of these tags (ICC.1:2001-04, 6)."""
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    places: dict[bytes, tuple[int, int]] = {}
    for name, data in tags.items():
        if data not in places:  # the curves are one
            places[data] = (start + len(body), len(data))
            body += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, *places[data])
    head = struct.pack(
        ">I4sI4s4s4s12x4s28x", start + len(body), b"", 0x02400000, b"mntr", b"RGB ", b"XYZ ",
        b"acsp",
    )  # fmt: skip
    head += b"".join(map(_fixed, _D50))
    return head.ljust(128, b"\0") + table + body
