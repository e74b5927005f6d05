"""Small ICC profiles of known colour spaces, written by hand (ICC.1:2001-04, matrix and curve)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

__all__ = ["ADOBE_RGB", "DISPLAY_P3", "GREY_18", "PROPHOTO_RGB", "WideSpace", "profile"]

_D50 = np.array([0.9642, 1.0, 0.8249])
_D65 = (0.3127, 0.3290)
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)


def _xyz(x: float, y: float) -> np.ndarray:
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _matrix(primaries: tuple[tuple[float, float], ...], white: tuple[float, float]) -> np.ndarray:
    """The matrix from linear RGB to XYZ, adapted to D50."""
    columns = np.stack([_xyz(*primary) for primary in primaries], axis=1)
    target = _xyz(*white)
    to_xyz = columns * np.linalg.solve(columns, target)
    scale = (_BRADFORD @ _D50) / (_BRADFORD @ target)
    return np.linalg.inv(_BRADFORD) @ np.diag(scale) @ _BRADFORD @ to_xyz


def _linear(level: np.ndarray) -> np.ndarray:
    """The light of sRGB levels, 0 to 1 (IEC 61966-2-1)."""
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _point(values: np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


def _curve(gamma: float | None) -> bytes:
    """A curve of one exponent, or that of sRGB."""
    if gamma is not None:
        return struct.pack(">4sIIHxx", b"curv", 0, 1, round(gamma * 256))
    values = np.rint(_linear(np.linspace(0, 1, 1024)) * 65535).astype(">u2").tobytes()
    return struct.pack(">4sII", b"curv", 0, 1024) + values


def profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A display profile of these tags."""
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(
        ">I4sI4s4s4s12x4s28x", start + len(body), b"", 0x02400000, b"mntr", space, b"XYZ ", b"acsp"
    )
    head += b"".join(map(_fixed, _D50))
    return head.ljust(128, b"\0") + table + body


@dataclass(frozen=True)
class WideSpace:
    """A colour space wider than sRGB; `gamma` None means the curve of sRGB."""

    primaries: tuple[tuple[float, float], ...]
    white: tuple[float, float]
    gamma: float | None

    @property
    def profile(self) -> bytes:
        """Its ICC profile."""
        matrix, curve = _matrix(self.primaries, self.white), _curve(self.gamma)
        tags = {b"wtpt": _point(_D50)}
        for name, column in zip((b"r", b"g", b"b"), matrix.T, strict=True):
            tags |= {name + b"XYZ": _point(column), name + b"TRC": curve}
        return profile(b"RGB ", tags)

    def stored(self, shown: np.ndarray) -> np.ndarray:
        """The levels that show as these sRGB colours, `[n, 3]` of 0 to 255 each."""
        to_srgb = _matrix(_SRGB_PRIMARIES, _D65)
        linear = (
            _linear(shown / 255) @ to_srgb.T @ np.linalg.inv(_matrix(self.primaries, self.white)).T
        )
        if self.gamma is not None:
            levels = linear ** (1 / self.gamma)
        else:
            levels = np.where(
                linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055
            )
        return np.rint(levels * 255).astype(np.uint8)


_SRGB_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
ADOBE_RGB = WideSpace(((0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), _D65, 563 / 256)
DISPLAY_P3 = WideSpace(((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)), _D65, None)
PROPHOTO_RGB = WideSpace(
    ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)), (0.3457, 0.3585), 1.8
)
GREY_18 = profile(b"GRAY", {b"wtpt": _point(_D50), b"kTRC": _curve(1.8)})
