"""Groups of options as dataclasses: one command-line option for each field."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import wraps
from typing import Any, get_type_hints

__all__ = ["expand_arguments", "shared_fields"]


def expand_arguments(command: Callable[..., None]) -> Callable[..., None]:
    """Give a typer command one option for each field of its parameters that are dataclasses.

    A field is declared as a parameter of a typer command: with `Annotated`, `typer.Option` and a
    default. A field whose own type is a dataclass is expanded in its place. Field names must be
    unique within a command.
    """
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    groups = {
        parameter.name: parameter.annotation
        for parameter in parameters
        if _is_group(parameter.annotation)
    }

    @wraps(command)
    def expanded(**values: Any) -> None:
        built = {name: _build(group, values) for name, group in groups.items()}
        command(**values, **built)

    flat: list[inspect.Parameter] = []
    for parameter in parameters:
        if parameter.name in groups:
            flat += _options(groups[parameter.name])
        else:
            flat.append(parameter)
    expanded.__signature__ = inspect.Signature(flat)  # type: ignore[attr-defined]
    expanded.__annotations__ = {parameter.name: parameter.annotation for parameter in flat}
    return expanded


def shared_fields(arguments: Any, target: type) -> dict[str, Any]:
    """Select the values of a dataclass that another dataclass has fields for.

    Args:
        arguments: A dataclass instance.
        target: A dataclass.

    Returns:
        Values by field name. Values that are None are left out, so that the target's own default
        applies.
    """
    names = {field.name for field in fields(target)}
    values = {field.name: getattr(arguments, field.name) for field in fields(arguments)}
    return {name: value for name, value in values.items() if name in names and value is not None}


def _options(group: type) -> Iterator[inspect.Parameter]:
    """Yield the parameters that stand for a dataclass's fields, in their order."""
    for field, annotation in _typed_fields(group):
        if _is_group(annotation):
            yield from _options(annotation)
        else:
            yield inspect.Parameter(
                field.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if field.default is MISSING else field.default,
                annotation=annotation,
            )


def _build(group: type, values: dict[str, Any]) -> Any:
    """Build a dataclass from parsed options, and remove these from `values`."""
    return group(
        **{
            field.name: _build(annotation, values)
            if _is_group(annotation)
            else values.pop(field.name)
            for field, annotation in _typed_fields(group)
        }
    )


def _is_group(annotation: Any) -> bool:
    return isinstance(annotation, type) and is_dataclass(annotation)


def _typed_fields(group: type) -> Iterator[tuple[Field[Any], Any]]:
    hints = get_type_hints(group, include_extras=True)
    return ((field, hints[field.name]) for field in fields(group))
