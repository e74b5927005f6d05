"""Taxonomies: groups of labels, read from YAML files that need not be trusted."""

from __future__ import annotations

from indexer.tagging.taxonomy.file import (
    BUILT_IN,
    DEFAULT_TAXONOMY,
    built_in_names,
    read_taxonomy,
)
from indexer.tagging.taxonomy.taxonomy import Group, Label, Taxonomy

__all__ = [
    "BUILT_IN",
    "DEFAULT_TAXONOMY",
    "Group",
    "Label",
    "Taxonomy",
    "built_in_names",
    "read_taxonomy",
]
