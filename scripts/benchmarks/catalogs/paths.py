"""Cells of paths: how catalogs spell where a picture is, and how they list several."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import quote

from indexer.catalog import CatalogOptions
from scripts.benchmarks.catalogs.cells import Cell, Shop
from scripts.benchmarks.catalogs.shop import PICTURES, Expected, Truth, Value
from scripts.benchmarks.catalogs.titles import TITLES
from scripts.benchmarks.catalogs.writers import Sheet, write_format

__all__ = ["path_cells"]

_KINDS = ("csv", "csv semicolons", "tsv", "json lines", "parquet", "xlsx", "xml")
_CDN = "https://cdn.shop.example/"
_GALLERY = ("p01.png", "p12.jpeg", "p10.webp")


def path_cells(shop: Shop) -> Iterator[Cell]:
    """Yield the cells of paths."""
    for kind in _KINDS:
        for name, spell in _spellings(shop).items():
            yield _spelled(shop, kind, name, spell)
        for name, (text, reason) in _unusable().items():
            yield _refused(shop, kind, name, text, reason)
        yield from _urls(shop, kind)
        yield from _galleries(shop, kind)


def _spellings(shop: Shop) -> Mapping[str, Callable[[str], str]]:
    folder = str(shop.folder)
    return {
        "below the folder": lambda name: f"pictures/{name}",
        "from the folder itself": lambda name: f"./pictures/{name}",
        "up and down again": lambda name: f"pictures/../pictures//{name}",
        "absolute": lambda name: f"{folder}/pictures/{name}",
        "as a file URL": lambda name: f"file://{quote(f'{folder}/pictures/{name}')}",
        "from the root of a site": lambda name: f"/pictures/{name}",
        "with backslashes": lambda name: f"pictures\\{name}",
        "with a drive": lambda name: f"C:\\Shop\\pictures\\{name}",
        "with a drive and slashes": lambda name: f"d:/Data/Shop/pictures/{name}",
        "on a server of Windows": lambda name: f"\\\\nas\\shop\\pictures\\{name}",
        "as a file URL with a drive": lambda name: f"file:///C:/Shop/pictures/{quote(name)}",
        "percent-encoded": lambda name: f"pictures/{quote(name)}",
        "in Unicode form NFD": lambda name: f"pictures/{unicodedata.normalize('NFD', name)}",
        "in upper case": lambda name: f"Pictures/{name.upper()}",
        "below an image root": lambda name: name,
        "absolute below an image root": lambda name: f"{shop.outside}/pictures/{name}",
    }


def _spelled(shop: Shop, kind: str, name: str, spell: Callable[[str], str]) -> Cell:
    titles = TITLES["western"]
    rows: list[list[Value]] = [
        [f"{n:04}", titles[n], spell(picture)] for n, picture in enumerate(PICTURES)
    ]
    truth = Truth(tuple(
        Expected(f"{n:04}", (picture,), {"title": titles[n]})
        for n, picture in enumerate(PICTURES)
    ))  # fmt: skip
    roots = (shop.outside / "pictures",) if "image root" in name else ()
    sheet = Sheet(["id", "title", "image"], rows)
    return Cell("paths", f"{kind}, {name}", lambda: write_format(kind, shop.new(), sheet), truth,
                CatalogOptions(image_roots=roots))  # fmt: skip


def _unusable() -> Mapping[str, tuple[str, str]]:
    return {
        "outside of the folder": ("../outside/pictures/p01.png", "path_outside_catalog"),
        "of the system": ("/etc/passwd", "path_outside_catalog"),
        "file URL of the system": ("file:///etc/passwd", "path_outside_catalog"),
        "no such file": ("pictures/missing.png", "image_not_found"),
        "an address without its scheme": ("www.shop.example/p01.png", "image_not_found"),
        "a folder": ("pictures", "not_a_file"),
        "ftp": ("ftp://shop.example/p01.png", "unsupported_scheme"),
        "data": ("data:image/png;base64,iVBORw0KGgo=", "unsupported_scheme"),
        "with a password": ("https://me:secret@shop.example/p01.png", "bad_url"),
        "without a host": ("https://", "bad_url"),
        "empty": ("", "no_image"),
    }


def _refused(shop: Shop, kind: str, name: str, text: str, reason: str) -> Cell:
    sheet = Sheet(
        ["id", "title", "image"],
        [["1", "Good", "pictures/p01.png"], ["2", "Bad", text], ["3", "Good", "pictures/p04.png"]],
    )
    good = tuple(Expected(n, (p,)) for n, p in (("1", "p01.png"), ("3", "P04.PNG")))
    return Cell("paths", f"{kind}, {name}", lambda: write_format(kind, shop.new(), sheet),
                Truth(good, (reason,)))  # fmt: skip


def _urls(shop: Shop, kind: str) -> Iterator[Cell]:
    spellings = {
        "as they are": (f"{_CDN}a.jpg?w=1&h=2", f"{_CDN}a.jpg?w=1&h=2"),
        "with blanks and letters": (f"{_CDN}größe m.jpg", f"{_CDN}gr%C3%B6%C3%9Fe%20m.jpg"),
        "without their scheme": ("//cdn.shop.example/a.jpg", f"{_CDN}a.jpg"),
        "of an international host": (
            "https://bücher.example/a.jpg", "https://xn--bcher-kva.example/a.jpg",
        ),
        "with commas": (f"{_CDN}w_100,h_200/a.jpg", f"{_CDN}w_100,h_200/a.jpg"),
        "without an ending": (f"{_CDN}image/123", f"{_CDN}image/123"),
    }  # fmt: skip
    for name, (text, url) in spellings.items():
        sheet = Sheet(["id", "title", "image"], [[str(n), f"Mug {n}", text] for n in range(3)])
        truth = Truth(tuple(Expected(str(n), (url,)) for n in range(3)))
        yield Cell("paths", f"{kind}, URLs {name}",
                   lambda sheet=sheet: write_format(kind, shop.new(), sheet), truth)  # type: ignore[misc] # fmt: skip


def _galleries(shop: Shop, kind: str) -> Iterator[Cell]:
    paths = [f"pictures/{name}" for name in _GALLERY]
    urls = [f"{_CDN}{name}" for name in ("a.jpg", "b,w_2.jpg", "c")]
    ways: dict[str, Callable[[list[str]], str]] = {
        "pipes": "|".join, "commas": ",".join, "semicolons": ";".join, "commas, blanks": ", ".join,
        "JSON": json.dumps, "Python": str,
    }  # fmt: skip
    bare = [url.removeprefix("https:") for url in urls]
    for what, names, wanted in (
        ("paths", paths, _GALLERY),
        ("URLs", urls, tuple(urls)),
        ("URLs without schemes", bare, tuple(urls)),
    ):
        more = {"blanks": " ".join, "lines": "\n".join} if "URLs" in what else {}
        for name, join in {**ways, **more}.items():
            text = join(names)
            sheet = Sheet(["id", "title", "images"], [[f"{n}", "Mug", text] for n in range(3)])
            truth = Truth(tuple(Expected(str(n), wanted) for n in range(3)))
            yield Cell("galleries", f"{kind}, {what} in one cell: {name}",
                       lambda sheet=sheet: write_format(kind, shop.new(), sheet), truth)  # type: ignore[misc] # fmt: skip
        for header in (
            ("image_1", "image_2", "image_3"),
            ("Bild 1", "Bild 2", "Bild 3"),
            ("image", "image2", "image3"),
            ("image_link", "additional_image_link_1", "additional_image_link_2"),
        ):
            sheet = Sheet(["id", "title", *header], [["1", "Mug", *names], ["2", "Cup", *names]])
            truth = Truth(tuple(Expected(n, wanted) for n in "12"))
            yield Cell("galleries", f"{kind}, {what} in columns {header[1]}",
                       lambda sheet=sheet: write_format(kind, shop.new(), sheet), truth)  # type: ignore[misc] # fmt: skip
