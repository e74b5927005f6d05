"""Estimates of what decoding costs, from headers alone."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import pytest
from PIL import Image

from embeddings import ImageTooLargeError, UnsupportedImageError
from embeddings.images import check_memory, decoding, estimate_decoding
from tests.support.image_samples import SAMPLES

pytestmark = pytest.mark.case(51)

LIMIT = 48 * 2**20
SIDE = 2500


def file_of(kind: str, mode: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, (SIDE, SIDE)).save(out, kind, **options)
    return out.getvalue()


KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "JPEG": ("JPEG", "RGB", {}),
    "progressive JPEG": ("JPEG", "RGB", {"progressive": True}),
    "PNG": ("PNG", "RGB", {"compress_level": 1}),
    "PNG with alpha": ("PNG", "RGBA", {"compress_level": 1}),
    "grey PNG with alpha": ("PNG", "LA", {"compress_level": 1}),
    "WebP": ("WEBP", "RGB", {"method": 0}),
    "lossless WebP": ("WEBP", "RGB", {"lossless": True, "method": 0, "quality": 0}),
    "WebP with alpha": ("WEBP", "RGBA", {"method": 0}),
    "AVIF": ("AVIF", "RGB", {"speed": 10}),
    "AVIF with alpha": ("AVIF", "RGBA", {"speed": 10}),
    "GIF": ("GIF", "L", {}),
    "TIFF": ("TIFF", "RGB", {"compression": "tiff_lzw"}),
    "TIFF with alpha": ("TIFF", "RGBA", {"compression": "tiff_lzw"}),
    "BMP": ("BMP", "RGB", {}),
}

_GROWTH = """
import resource, sys
from embeddings.images import open_reduced
data = sys.stdin.buffer.read()
small = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
open_reduced(data, target=320)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - small)
"""


@pytest.mark.parametrize("kind", KINDS)
def test_no_image_takes_more_memory_than_estimated(kind: str) -> None:
    format_, mode, options = KINDS[kind]
    data = file_of(format_, mode, **options)
    done = subprocess.run(
        [sys.executable, "-c", _GROWTH], input=data, capture_output=True, check=True
    )
    unit = 1 if sys.platform == "darwin" else 1024
    grown = int(done.stdout) * unit
    estimated = estimate_decoding(data, LIMIT).memory
    assert grown <= estimated + 6 * 2**20 + len(data)  # libraries that are loaded meanwhile


@pytest.mark.parametrize("name", SAMPLES)
def test_every_kind_of_file_has_an_estimate(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_DECODERS", {})
    cost = estimate_decoding(SAMPLES[name], LIMIT)
    assert cost.pixels > 0
    assert cost.memory >= cost.pixels
    assert cost.work > 0


def test_kinds_that_take_longer_count_for_more() -> None:
    work = {
        kind: estimate_decoding(file_of(*KINDS[kind][:2], **KINDS[kind][2]), LIMIT).work
        for kind in ("JPEG", "progressive JPEG", "PNG", "PNG with alpha", "AVIF")
    }
    assert list(work.values()) == sorted(work.values())
    assert work["JPEG"] == pytest.approx(SIDE * SIDE / 1e6)
    assert work["AVIF"] == pytest.approx(8 * work["JPEG"])


def test_the_limit_names_a_size_that_fits() -> None:
    cost = estimate_decoding(file_of("WEBP", "RGB", method=0), LIMIT)
    check_memory(cost, cost.memory)
    with pytest.raises(ImageTooLargeError, match=r"WEBP image has 6,250,000 pixels.*to 3,12"):
        check_memory(cost, cost.memory // 2)


def test_what_is_no_image_is_refused() -> None:
    with pytest.raises(UnsupportedImageError):
        estimate_decoding(b"no picture", LIMIT)


def test_a_decoder_without_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(decoding, "_upright_rgb", fails)
    with pytest.raises(ImageTooLargeError, match="more memory"):
        decoding.open_image(SAMPLES["png"])
