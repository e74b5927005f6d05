"""Folders of tables: exports in several files, and folders as Hugging Face Datasets makes them."""

from __future__ import annotations

import re
from pathlib import Path

from indexer.catalog.images import is_ignored, is_index_folder

__all__ = ["tables_of_folder"]

_TABLES = frozenset({".csv", ".tsv", ".tab", ".psv", ".jsonl", ".ndjson", ".json", ".arrow",
                     ".feather", ".xlsx", ".ods"})  # fmt: skip
_PACKED = re.compile(r"\.(?:gz|bz2|zst|zstd)$", re.IGNORECASE)
# What Datasets and the Hub write beside the data.
_BESIDE = frozenset({"readme.md", "license", "license.txt", "license.md", "dataset_info.json",
                     "dataset_infos.json", "dataset_dict.json", "state.json",
                     "croissant.json"})  # fmt: skip
# `train-00000-of-00002.parquet`, and `data-00000-of-00001.arrow` of `save_to_disk`.
_SHARD = re.compile(r".*-\d{5}-of-\d{5}\.(?:parquet|arrow)", re.IGNORECASE)
# The table of Datasets' folders of images: it names files in its own folder.
_METADATA = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
_DEPTH = 2


def tables_of_folder(folder: Path) -> list[Path]:
    """Return the tables that a folder is made of, in order; none if it is a folder of images.

    Those are tables of one format without anything else beside them, the shards that Datasets
    writes (below `data/`, or below a folder for each split), or the `metadata.csv` of its folders
    of images. A folder of nothing but Parquet files is a table itself.

    Raises:
        OSError: It can't be listed.
    """
    for name in _METADATA:
        if (folder / name).is_file():
            return [folder / name]
    names = _listed(folder)
    shards = _shards(folder, _DEPTH)
    if any(shard.parent != folder or shard.suffix.lower() == ".arrow" for shard in shards):
        return shards
    endings = {_ending(path) for path in names}
    is_export = len(endings) == 1 and endings <= _TABLES and all(path.is_file() for path in names)
    return names if is_export else []


def _listed(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if not (is_ignored(path.name) or is_index_folder(str(path)))
        and path.name.lower() not in _BESIDE
    )


def _shards(folder: Path, depth: int) -> list[Path]:
    """Return the shards in a folder and in those in it; none if there is anything else."""
    found: list[Path] = []
    for path in _listed(folder):
        if path.is_file() and _SHARD.fullmatch(path.name):
            found.append(path)
        elif path.is_dir() and depth and (below := _shards(path, depth - 1)):
            found += below
        else:
            return []
    return found


def _ending(path: Path) -> str:
    name = _PACKED.sub("", path.name)
    return Path(name).suffix.lower()
