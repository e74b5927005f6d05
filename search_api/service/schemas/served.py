"""What the OpenAPI document says of the catalog and the settings that are served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["describe_served"]

_SCHEMAS = "#/components/schemas/"
_FILTER = f"{_SCHEMAS}ProductFilter"
_LISTS = ("fields", "facets")
_GROUPS = ("group", "group_by", "collapse")
_SEVERAL = ("labels", "numbers")
_COUNTED = ("integer", "float", "boolean", "date")

_TEXT = {"type": "string"}
_NUMBER = {"type": "number"}
_INTEGER = {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
# Values of fields, by the types of fields.
_VALUES: Mapping[str, Mapping[str, Any]] = {
    "text": _TEXT,
    "date": _TEXT,
    "labels": {"type": ["string", "number"]},
    "integer": _INTEGER,
    "float": _NUMBER,
    "numbers": _NUMBER,
    "boolean": {"type": "boolean"},
}
_ORDERED = ("text", "date", "integer", "float", "numbers")
_PREFIXED = ("text", "date", "labels")


def describe_served(
    document: dict[str, Any], fields: Mapping[str, str], *, fetches_urls: bool
) -> None:
    """Name the catalog's fields wherever a request names fields, and close what is switched off.

    Args:
        document: The document, changed in place; again for another generation.
        fields: Fields of the products, with their types.
        fetches_urls: Whether images may be given by URL.
    """
    names = sorted(fields)
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is not False:  # not a request
            continue
        for name, value in properties.items():
            _name_fields(name, value, names)
        if "image_url" in properties and not fetches_urls:
            properties["image_url"] = {
                "type": "null",
                "description": "Images by URL are switched off on this service.",
            }
    single = sorted(name for name, kind in fields.items() if kind not in _SEVERAL)
    counted = sorted(name for name, kind in fields.items() if kind in _COUNTED)
    for name, ordering in (("SortRequest", single), ("BoostRequest", counted)):
        schemas[name]["properties"]["field"] |= {"enum": ordering, "examples": ordering[:1]}
    schemas["ProductFilter"] = _filter(fields)
    schemas.update({_name(kind): _condition(kind) for kind in set(fields.values())})
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                # An empty name in a query string means none.
                _name_fields(parameter["name"], parameter["schema"], [*names, ""])
                if parameter["name"] == "sort":
                    keys = [f"{name}:{order}" for name in single for order in ("asc", "desc")]
                    parameter["schema"]["items"] = {"type": "string", "enum": keys}
                    parameter["schema"]["examples"] = [keys[:1]]


def _name_fields(name: str, value: dict[str, Any], names: Sequence[str]) -> None:
    """Change the schema of a field of requests, if its values are names of the catalog's fields."""
    named = [one for one in names if one]
    for schema in value.get("anyOf", [value]):
        if name in _LISTS and schema.get("type") == "array":
            schema["items"] = {"type": "string", "enum": list(names)}
            value["examples"] = [named[:2]]
        elif name in _GROUPS and schema.get("type") == "string":
            schema["enum"] = named
            value["examples"] = [True]
        elif name == "filter" and schema.get("type") == "object":
            schema.clear()
            schema["$ref"] = _FILTER
            value["examples"] = [{name: {"exists": True}} for name in named[:1]]


def _filter(fields: Mapping[str, str]) -> dict[str, Any]:
    several = {"type": "array", "items": {"$ref": _FILTER}}
    groups: dict[str, Any] = {
        "and": {**several, "description": "All of them hold."},
        "or": {**several, "description": "At least one of them holds."},
        "not": {"$ref": _FILTER, "description": "It does not hold."},
    }
    own = {
        name: {
            "$ref": f"{_SCHEMAS}{_name(kind)}",
            "description": f"The field {name!r} of the products: {kind}.",
        }
        for name, kind in fields.items()
    }
    return {
        "title": "ProductFilter",
        "description": "Conditions on fields of the catalog, all of which hold.",
        "type": "object",
        "properties": {**groups, **own},  # a field comes before a group of its name
        "additionalProperties": False,
    }


def _condition(kind: str) -> dict[str, Any]:
    value = _VALUES[kind]
    values = {"type": "array", "items": value}
    operators: dict[str, Any] = {"eq": value, "in": values, "exists": {"type": "boolean"}}
    if kind in _ORDERED:
        operators |= dict.fromkeys(("gt", "gte", "lt", "lte"), value)
    if kind in _PREFIXED:
        operators["prefix"] = value
    operators["not"] = {"$ref": f"{_SCHEMAS}{_name(kind)}"}
    test = {
        "type": "object",
        "properties": operators,
        "additionalProperties": False,
        "minProperties": 1,
    }
    description = f"A condition on a field of type {kind}: a value, several, or an object."
    return {"title": _name(kind), "description": description, "anyOf": [value, values, test]}


def _name(kind: str) -> str:
    return f"{kind.capitalize()}Condition"
