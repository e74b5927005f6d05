"""Duplicates planted among the 9,000 products of `fashion-train-0000`: found, falsely joined."""

from __future__ import annotations

import io
import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageOps

from embeddings.images import open_image
from indexer.build import build_index
from indexer.index import Index, open_thumbnail
from indexer.quality import DuplicateGroup, Likeness, find_duplicates
from scripts.docs.figures import Listing
from scripts.evaluation.search.setting import Setting
from scripts.support.measuring import Measure

__all__ = ["KINDS", "TABLES", "altered", "measure"]

KINDS = ("reencoded", "resized", "cropped", "mirrored")
_FOUND_TARGET, _FALSE_TARGET = 0.95, 0.02
# Copies of each kind: 1% of the products, in a short run fewer.
_EACH = 90
# The seeds that thresholds were set with are others.
_SEED = 24
_QUICK_EACH = 20
# A place of the contact sheet in pixels, groups side by side, and images shown of a group.
_TILE = 84
_GROUPS_ACROSS = 4
_SHOWN = 4

TABLES = (
    Listing(
        {
            "planted_duplicates_found": "planted copies found",
            "planted_reencoded_found": "of these, encoded again",
            "planted_resized_found": "resized",
            "planted_cropped_found": "cropped",
            "planted_mirrored_found": "mirrored",
            "false_groups": "false groups, by the rule below",
            "groups": "groups",
        }
    ),
)


@dataclass(frozen=True)
class _Planted:
    """A copy under another id: of which product, and made how."""

    original: str
    kind: str


def altered(image: Image.Image, kind: str, rng: random.Random) -> bytes:
    """Return a copy of an image as JPEG: with another quality, scaled, cropped or mirrored.

    Crops take 5% of each side: off one edge, off both in equal parts, or 5% off every edge.
    """
    width, height = image.size
    quality = 88
    if kind == "reencoded":
        quality = rng.choice((40, 50, 60, 70, 80))
    elif kind == "resized":
        factor = rng.choice((0.6, 0.75, 1.5, 2.0))
        size = round(width * factor), round(height * factor)
        image = image.resize(size, Image.Resampling.BICUBIC)
    elif kind == "cropped":
        x, y = 0.05 * width, 0.05 * height
        box = rng.choice(
            (
                (x, y, width, height),
                (0, 0, width - x, height - y),
                (x / 2, y / 2, width - x / 2, height - y / 2),
                (x, y, width - x, height - y),
            )
        )
        left, top, right, bottom = (round(edge) for edge in box)
        image = image.crop((left, top, right, bottom))
    else:
        image = ImageOps.mirror(image)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=quality)
    return out.getvalue()


def measure(setting: Setting) -> list[Measure]:
    """Plant copies, build an index of everything, and look for duplicates.

    A group counts as false where a planted copy is joined with an image that is neither its
    original nor a copy of that, or where images of different files belong to products whose type or
    colour differs in the catalog. Some of these may be right all the same: the contact sheet, drawn
    where the setting has a file for it, shows all groups of different files without planted copies.
    """
    table = setting.first_file
    catalog, planted = _with_copies(table, _QUICK_EACH if setting.quick else _EACH)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pq.write_table(catalog, folder / "catalog.parquet")
        build_index(folder / "catalog.parquet", folder / "index", setting.encoder)
        index = Index.open(folder / "index")
        groups = find_duplicates(index).groups
        if setting.sheet is not None:
            others = [
                group
                for group in groups
                if group.likeness is not Likeness.EXACT and not _ids(group) & set(planted)
            ]
            _write_sheet(others, index, setting.sheet)
    return _figures(groups, planted, _kinds_of_products(table))


def _with_copies(table: pa.Table, each: int) -> tuple[pa.Table, dict[str, _Planted]]:
    """Return the catalog with copies of some products, `each` of every kind."""
    rng = random.Random(_SEED)
    rows = rng.sample(range(len(table)), each * len(KINDS))
    planted: dict[str, _Planted] = {}
    new: list[dict[str, Any]] = []
    for place, row in enumerate(rows):
        kind = KINDS[place % len(KINDS)]
        copied = table.slice(row, 1).to_pylist()[0]
        planted[f"planted-{place}"] = _Planted(str(copied["id"]), kind)
        image = altered(open_image(copied["image"]), kind, rng)
        new.append(copied | {"id": f"planted-{place}", "image": image})
    texts = table.set_column(0, "id", table["id"].cast(pa.string()))
    return pa.concat_tables([texts, pa.Table.from_pylist(new, texts.schema)]), planted


def _kinds_of_products(table: pa.Table) -> dict[str, tuple[str, str]]:
    names = ("id", "article_type", "base_colour")
    columns = (table[name].to_pylist() for name in names)
    return {str(id_): (kind, colour) for id_, kind, colour in zip(*columns, strict=True)}


def _figures(
    groups: Sequence[DuplicateGroup],
    planted: Mapping[str, _Planted],
    kinds: Mapping[str, tuple[str, str]],
) -> list[Measure]:
    group_of = {member.id: group for group in groups for member in group.members}
    found = {
        copy: copy in group_of and original.original in _ids(group_of[copy])
        for copy, original in planted.items()
    }
    measures = [Measure.mean("planted_duplicates_found", [*found.values()], _FOUND_TARGET)]
    for kind in KINDS:
        hits = [found[copy] for copy, original in planted.items() if original.kind == kind]
        measures.append(Measure.mean(f"planted_{kind}_found", hits, _FOUND_TARGET))
    false = [_is_false(group, planted, kinds) for group in groups]
    share = sum(false) / max(1, len(false))
    measures.append(Measure("false_groups", share, _FALSE_TARGET, better="lower"))
    measures.append(Measure("groups", float(len(groups))))
    return measures


def _is_false(
    group: DuplicateGroup,
    planted: Mapping[str, _Planted],
    kinds: Mapping[str, tuple[str, str]],
) -> bool:
    """Return whether files of products of different type or colour are joined."""
    files: dict[str, set[tuple[str, str]]] = {}
    for member in group.members:
        original = planted[member.id].original if member.id in planted else member.id
        file = "first" if member.likeness is Likeness.EXACT else original
        files.setdefault(file, set()).add(kinds[original])
    return (
        len(set.union(*files.values())) > 1
        and len(files) > 1
        and not set.intersection(*files.values())
    )


def _ids(group: DuplicateGroup) -> set[str]:
    return {member.id for member in group.members}


def _write_sheet(groups: Sequence[DuplicateGroup], index: Index, path: Path) -> None:
    """Draw the images of each group side by side, for labelling by eye."""
    sheet = Image.new(
        "RGB",
        (_GROUPS_ACROSS * _SHOWN * _TILE, max(1, -(-len(groups) // _GROUPS_ACROSS)) * _TILE),
        "white",
    )
    for place, group in enumerate(groups):
        for number, member in enumerate(group.members[:_SHOWN]):
            image = open_thumbnail(index.thumbnail(member.id, member.picture))
            image.thumbnail((_TILE - 4, _TILE - 4))
            left = (place % _GROUPS_ACROSS * _SHOWN + number) * _TILE
            sheet.paste(image, (left, place // _GROUPS_ACROSS * _TILE))
    sheet.save(path)
