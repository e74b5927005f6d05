"""Taxonomies: groups of labels, read from YAML files that may be untrusted."""

from __future__ import annotations

from indexer.tagging.taxonomy.taxonomy import (
    BUILT_IN,
    DEFAULT_TAXONOMY,
    Group,
    Label,
    Taxonomy,
    built_in_names,
    read_taxonomy,
)

__all__ = [
    "BUILT_IN",
    "DEFAULT_TAXONOMY",
    "Group",
    "Label",
    "Taxonomy",
    "built_in_names",
    "read_taxonomy",
]
