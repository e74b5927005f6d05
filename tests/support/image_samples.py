"""Small image files of every format and variety, made in memory."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from embeddings.images import open_image
from tests.support import heic_samples

WIDTH, HEIGHT = 21, 14


def photo(width: int = WIDTH, height: int = HEIGHT, seed: int = 0) -> Image.Image:
    """A smooth image with no two quarters alike and no plain corner."""
    grid = np.random.default_rng(seed).integers(20, 235, (3, 4, 3), dtype=np.uint8)
    return Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def exif_bytes(orientation: int) -> bytes:
    """The smallest EXIF block with an orientation."""
    entry = struct.pack("<HHII", 0x0112, 3, 1, orientation)
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)


# PNG by hand, for what Pillow doesn't write.


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    size: tuple[int, int], depth: int, colour: int, rows: bytes, *extra: bytes, interlace: int = 0
) -> bytes:
    """A PNG of raw filtered rows, with extra chunks before the pixels."""
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, interlace)
    chunks = [png_chunk(b"IHDR", header), *extra, png_chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + png_chunk(b"IEND", b"")


def png_rows(values: np.ndarray) -> bytes:
    """Unfiltered rows of 8- or 16-bit samples."""
    rows = values.reshape(len(values), -1)
    return b"".join(b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes() for row in rows)


def png_with(data: bytes, *extra: bytes) -> bytes:
    """A PNG with extra chunks after its header."""
    return data[:33] + b"".join(extra) + data[33:]


_ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)


def interlaced_png(image: Image.Image) -> bytes:
    pixels = np.asarray(image)
    passes = (pixels[y::down, x::across] for x, y, across, down in _ADAM7)
    rows = b"".join(png_rows(part) for part in passes if part.size)
    return png(image.size, 8, 2, rows, interlace=1)


# TIFF by hand.

_TIFF_TYPES = {"B": 1, "H": 3, "I": 4, "Q": 16}


def tiff(
    tags: dict[int, tuple[str, list[int]]],
    pieces: list[bytes],
    *,
    order: str = "<",
    big: bool = False,
) -> bytes:
    """A TIFF whose strips (or tiles, where 322 is a tag) come first and whose directory is last."""
    mark = b"II" if order == "<" else b"MM"
    head = 16 if big else 8
    starts = [head + sum(map(len, pieces[:i])) for i in range(len(pieces))]
    where, sizes = (324, 325) if 322 in tags else (273, 279)
    tags = {where: ("I", starts), sizes: ("I", [len(p) for p in pieces]), **tags}
    body = b"".join(pieces)
    body += b"\0" * (len(body) % 2)
    entries = []
    for number, (kind, values) in sorted(tags.items()):
        packed = struct.pack(f"{order}{len(values)}{kind}", *values)
        room = 8 if big else 4
        if len(packed) > room:
            at = head + len(body)
            body += packed + b"\0" * (len(packed) % 2)
            packed = struct.pack(order + ("Q" if big else "I"), at)
        count = struct.pack(
            order + ("HHQ" if big else "HHI"), number, _TIFF_TYPES[kind], len(values)
        )
        entries.append(count + packed.ljust(room, b"\0"))
    start = head + len(body)
    count = struct.pack(order + ("Q" if big else "H"), len(entries))
    end = struct.pack(order + ("Q" if big else "I"), 0)
    if big:
        header = mark + struct.pack(f"{order}HHHQ", 43, 8, 0, start)
    else:
        header = mark + struct.pack(f"{order}HI", 42, start)
    return header + body + count + b"".join(entries) + end


def grey_tags(width: int, height: int, bits: int = 8) -> dict[int, tuple[str, list[int]]]:
    """The tags of an uncompressed grey page, black for zero."""
    return {
        256: ("I", [width]), 257: ("I", [height]), 258: ("H", [bits]), 259: ("H", [1]),
        262: ("H", [1]), 277: ("H", [1]), 278: ("I", [height]),
    }  # fmt: skip


def tiled_tiff() -> bytes:
    """A grey ramp of 20 x 18 in tiles of 16 x 16; pixel (x, y) is 10 * y + x."""
    ramp = np.zeros((32, 32), np.uint8)
    ramp[:18, :20] = np.add.outer(10 * np.arange(18), np.arange(20))
    pieces = [ramp[y : y + 16, x : x + 16].tobytes() for y in (0, 16) for x in (0, 16)]
    tags = grey_tags(20, 18) | {322: ("I", [16]), 323: ("I", [16])}
    del tags[278]
    return tiff(tags, pieces)


# GIF by hand: uncompressed codes of a 4-colour table, a clear code before every two pixels.


def gif(
    screen: tuple[int, int],
    box: tuple[int, int, int, int],
    indices: list[int],
    clear: int | None = None,
) -> bytes:
    """One frame at box (left, top, width, height); `clear` is the transparent index."""
    table = bytes((255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9))
    codes = [
        code for i, index in enumerate(indices) for code in (*([4] if i % 2 == 0 else []), index)
    ]
    value = sum(code << (3 * i) for i, code in enumerate([*codes, 5]))
    packed = value.to_bytes((3 * (len(codes) + 1) + 7) // 8, "little")
    control = b"" if clear is None else bytes((0x21, 0xF9, 4, 1, 0, 0, clear, 0))
    frame = b"," + struct.pack("<HHHHB", *box, 0) + bytes((2, len(packed))) + packed + b"\0"
    return b"GIF89a" + struct.pack("<HHBBB", *screen, 0x81, 0, 0) + table + control + frame + b";"


def palette_image() -> Image.Image:
    return photo().quantize(12)


def half_clear() -> Image.Image:
    """RGBA whose alpha runs from 0 to 255 across."""
    image = photo().convert("RGBA")
    image.putalpha(Image.linear_gradient("L").rotate(90).resize(image.size))
    return image


def _jpegs() -> dict[str, bytes]:
    return {
        "jpeg": encode(photo(), "JPEG"),
        "jpeg-progressive": encode(photo(), "JPEG", progressive=True),
        "jpeg-restarts": encode(photo(), "JPEG", restart_marker_blocks=1),
        "jpeg-grey": encode(photo().convert("L"), "JPEG"),
        "jpeg-cmyk": encode(photo().convert("CMYK"), "JPEG"),
        "jpeg-exif": encode(photo(), "JPEG", exif=exif_bytes(6), comment=b"a comment"),
    }


def _pngs() -> dict[str, bytes]:
    deep = np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 217
    return {
        "png": encode(photo(), "PNG"),
        "png-palette": encode(palette_image(), "PNG", transparency=3),
        "png-alpha": encode(half_clear(), "PNG"),
        "png-16": encode(Image.fromarray(deep), "PNG"),
        "png-1": encode(photo().convert("1"), "PNG"),
        "png-interlaced": interlaced_png(photo()),
        "png-animated": encode(photo(), "PNG", save_all=True, append_images=[photo(seed=1)]),
    }


def _webps() -> dict[str, bytes]:
    return {
        "webp": encode(photo(), "WEBP"),
        "webp-lossless": encode(photo(), "WEBP", lossless=True),
        "webp-alpha-exif": encode(half_clear(), "WEBP", exif=exif_bytes(1)),
        "webp-animated": encode(photo(), "WEBP", save_all=True, append_images=[photo(seed=1)]),
    }


def _gifs() -> dict[str, bytes]:
    second = photo(seed=1).quantize(12)
    return {
        "gif": encode(palette_image(), "GIF", interlace=0),
        "gif-interlaced": encode(palette_image(), "GIF", interlace=1),
        "gif-animated": encode(palette_image(), "GIF", save_all=True, append_images=[second]),
        "gif-offset": gif((4, 3), (1, 1, 2, 1), [1, 2], clear=2),
    }


def _bmps() -> dict[str, bytes]:
    return {
        "bmp": encode(photo(), "BMP"),
        "bmp-palette": encode(palette_image(), "BMP"),
        "bmp-1": encode(photo().convert("1"), "BMP"),
        "bmp-32": encode(photo().convert("RGBA"), "BMP"),
    }


def _tiffs() -> dict[str, bytes]:
    names = ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
    return {
        "tiff": encode(photo(), "TIFF"),
        **{f"tiff-{name}": encode(photo(), "TIFF", compression=name) for name in names},
        "tiff-tiled": tiled_tiff(),
        "tiff-big": tiff(grey_tags(2, 2), [b"\1\2\3\4"], big=True),
        "tiff-motorola": tiff(grey_tags(2, 2, 16), [bytes(range(8))], order=">"),
        "tiff-alpha": encode(half_clear(), "TIFF"),
        "tiff-float": encode(Image.new("F", (3, 2), 0.5), "TIFF"),
        "tiff-pages": encode(photo(), "TIFF", save_all=True, append_images=[photo(seed=1)]),
    }


def _avifs() -> dict[str, bytes]:
    return {
        "avif": encode(photo(), "AVIF"),
        "avif-alpha": encode(half_clear(), "AVIF"),
        "avif-exif": encode(photo(), "AVIF", exif=exif_bytes(6)),
        "avif-animated": encode(photo(), "AVIF", save_all=True, append_images=[photo(seed=1)]),
    }


def by_format() -> dict[str, dict[str, bytes]]:
    """Pillow's format name -> sample name -> file."""
    return {
        "JPEG": _jpegs(),
        "PNG": _pngs(),
        "WEBP": _webps(),
        "GIF": _gifs(),
        "BMP": _bmps(),
        "TIFF": _tiffs(),
        "AVIF": _avifs(),
        "HEIC": {"heic": heic_samples.PATCHES, "heic-alpha": heic_samples.CLEAR},
    }


BY_FORMAT = by_format()
SAMPLES = {name: data for group in BY_FORMAT.values() for name, data in group.items()}


@cache
def opened(name: str) -> Image.Image:
    """A sample as `open_image` decodes it; shared, so don't change it."""
    return open_image(SAMPLES[name])


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image)


def patched(name: str, at: int, fmt: str, *values: int) -> bytes:
    """A sample with other numbers written at a place."""
    data = bytearray(SAMPLES[name])
    struct.pack_into(fmt, data, at, *values)
    return bytes(data)
