"""Safe YAML: plain values only, without tags, aliases or repeated keys, and of bounded depth."""

from __future__ import annotations

from typing import Any

import yaml

__all__ = ["UnsafeYamlError", "load_yaml"]

# A taxonomy nests five deep. PyYAML composes by recursion, so a thousand brackets would exhaust the
# stack.
_MAX_DEPTH = 32

# libyaml's parser, if PyYAML was built with it, is ten times as fast.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnsafeYamlError(ValueError):
    """YAML with something that a plain file does not need; the message says what."""


class _Loader(_Base):  # type: ignore[misc]
    """A `SafeLoader` that refuses repeated keys, whose values would be lost silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:  # noqa: FBT001, FBT002 (PyYAML's signature)
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in seen:
                line = key.start_mark.line + 1
                raise UnsafeYamlError(f"line {line}: a key is there twice, or is not a plain word.")
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def load_yaml(content: bytes) -> Any:
    """Return the value of a YAML document: dictionaries, lists and scalars.

    Raises:
        UnsafeYamlError: It has anchors or aliases (with which a few lines grow to gigabytes) or
            tags, is nested too deep, or repeats a key.
        yaml.YAMLError: It is not YAML, or not one document.
    """
    depth = 0
    for event in yaml.parse(content, Loader=_Base):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise UnsafeYamlError(f"line {line}: anchors and aliases (& and *) are not allowed.")
        if getattr(event, "tag", None) is not None:
            raise UnsafeYamlError(f"line {line}: tags ({event.tag}) are not allowed.")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise UnsafeYamlError(f"line {line}: this is nested too deep.")
    # The loader is a SafeLoader.
    return yaml.load(content, Loader=_Loader)  # noqa: S506 # nosec B506
