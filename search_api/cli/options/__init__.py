"""Options of the `lookalike` command, declared once and shared by its sub-commands."""

from __future__ import annotations

from search_api.cli.options.build import AnnArguments, BuildArguments, TagArguments
from search_api.cli.options.catalog import CatalogArgument, CatalogArguments
from search_api.cli.options.common import (
    IndexOption,
    JsonOption,
    ModelOption,
    ModeOption,
    NewModelOption,
    PortOption,
)
from search_api.cli.options.expansion import expand_arguments, shared_fields
from search_api.cli.options.parsing import choice, name_value_pairs
from search_api.cli.options.query import QueryArguments

__all__ = [
    "AnnArguments",
    "BuildArguments",
    "CatalogArgument",
    "CatalogArguments",
    "IndexOption",
    "JsonOption",
    "ModeOption",
    "ModelOption",
    "NewModelOption",
    "PortOption",
    "QueryArguments",
    "TagArguments",
    "choice",
    "expand_arguments",
    "name_value_pairs",
    "shared_fields",
]
