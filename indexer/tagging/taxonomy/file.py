"""Taxonomy files: YAML read and checked, with one-line problems that name the place.

```yaml
name: shoes
version: 1
groups:
  - name: type
    exclusive: true
    templates: ["{}", "a photo of {}"]
    labels:
      - footwear
      - {name: trainers, synonyms: [sneakers, running shoes], parent: footwear}
      - {name: boots, parent: footwear}
```

The JSON schema of these files is published beside the built-in taxonomies, so that editors can
check files as they are written.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import ValidationError

from embeddings import DEFAULT_TEMPLATES
from indexer.errors import TaxonomyError
from indexer.tagging.taxonomy.safe_yaml import UnsafeYamlError, load_yaml
from indexer.tagging.taxonomy.schema import MAX_LABELS, LabelFile, TaxonomyFile
from indexer.tagging.taxonomy.taxonomy import Group, Label, Taxonomy

__all__ = ["BUILT_IN", "DEFAULT_TAXONOMY", "built_in_names", "read_taxonomy"]

BUILT_IN = Path(__file__).parents[1] / "data"
"""The folder of the built-in taxonomies, and of their fits for the built-in models."""

DEFAULT_TAXONOMY = "retail"
"""The built-in taxonomy that is used by default."""

# A taxonomy of a thousand labels with synonyms has about 100 kB.
_MAX_BYTES = 2**19
# Texts that a model embeds for a taxonomy; `compact` takes a minute for so many.
_MAX_PROMPTS = 20_000
# Characters of a name that an error message quotes.
_QUOTED = 60


def built_in_names() -> list[str]:
    """Return the names of the taxonomies that ship with Lookalike."""
    return sorted(path.stem for path in BUILT_IN.glob("*.yaml"))


def read_taxonomy(source: str | Path) -> Taxonomy:
    """Read a taxonomy.

    Args:
        source: The name of a built-in taxonomy, such as `retail`, or the path of a YAML file.

    Raises:
        TaxonomyError: The file cannot be read, is not a taxonomy, or is over a limit. The message
            is one line that names the file, and the group and label that it is about.
    """
    built_in = isinstance(source, str) and source in built_in_names()
    path = BUILT_IN / f"{source}.yaml" if built_in else Path(source)
    try:
        return _parse(_read(path))
    except TaxonomyError as error:
        raise TaxonomyError(f"{source}: {error.message}") from error.__cause__


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or error
        raise TaxonomyError(
            f"this is neither a readable taxonomy file ({reason}) nor one of the built-in "
            f"taxonomies: {', '.join(built_in_names())}."
        ) from error
    if len(content) > _MAX_BYTES:
        raise TaxonomyError(f"a taxonomy file has at most {_MAX_BYTES // 1024} kB.")
    return content


def _parse(content: bytes) -> Taxonomy:
    try:
        raw = load_yaml(content)
    except UnsafeYamlError as error:
        raise TaxonomyError(str(error)) from error
    except yaml.YAMLError as error:
        raise TaxonomyError(f"this is not valid YAML: {_yaml_problem(error)}.") from error
    try:
        taxonomy = _taxonomy_of(TaxonomyFile.model_validate(raw))
    except ValidationError as error:
        raise TaxonomyError(_first_problem(error, raw)) from None
    problem = _problem_of(taxonomy)
    if problem is not None:
        raise TaxonomyError(problem)
    return taxonomy


def _taxonomy_of(file: TaxonomyFile) -> Taxonomy:
    groups = []
    for group in file.groups:
        templates = tuple(group.templates) or DEFAULT_TEMPLATES
        labels = tuple(
            Label(
                label.name.strip(),
                tuple(word.strip() for word in label.synonyms),
                tuple(label.templates) or templates,
                None if label.parent is None else label.parent.strip(),
            )
            for label in group.labels
            if isinstance(label, LabelFile)  # a name alone is one by now
        )
        groups.append(Group(group.name.strip(), group.exclusive, labels, templates))
    return Taxonomy(file.name.strip(), file.version, tuple(groups))


def _yaml_problem(error: yaml.YAMLError) -> str:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return " ".join(str(error).split())


def _first_problem(error: ValidationError, raw: object) -> str:
    """Describe the first problem, with the group and the label that it is about."""
    problems = error.errors(include_url=False, include_input=False)
    # A label is a name or an object. For a wrong object, its own problem is reported, and not that
    # it is not a name.
    problem = next((p for p in problems if "LabelFile" in p["loc"]), problems[0])
    where: list[str] = []
    at = raw
    for step in problem["loc"]:
        if isinstance(step, str):
            # Which of a label's two forms was tried is not a place in the file.
            if step in ("LabelFile", "constrained-str"):
                continue
            where.append(step)
            at = at.get(step) if isinstance(at, Mapping) else None
            continue
        at = at[step] if isinstance(at, list) and step < len(at) else None
        kind = where.pop() if where else "item"
        where.append(f"{kind.removesuffix('s')} {_name_of(step, at)}")
    place = ", ".join(where) or "the file"
    return f"{place}: {problem['msg'].replace('String should', 'this should')}."


def _name_of(number: int, at: object) -> str:
    name = at.get("name") if isinstance(at, Mapping) else at
    return repr(name[:_QUOTED]) if isinstance(name, str) else f"number {number + 1}"


def _problem_of(taxonomy: Taxonomy) -> str | None:
    """Describe a problem that no schema can find, such as repeated names or missing parents."""
    names = [group.name for group in taxonomy.groups]
    repeated = next((name for name in names if names.count(name) > 1), None)
    if repeated is not None:
        return f"there are two groups {repeated!r}."
    labels = [label for group in taxonomy.groups for label in group.labels]
    if len(labels) > MAX_LABELS:
        return f"it has {len(labels)} labels; at most {MAX_LABELS} are allowed."
    prompts = sum(len(label.words) * len(label.templates) for label in labels)
    if prompts > _MAX_PROMPTS:
        return (
            f"its words in all their templates make {prompts} texts; at most {_MAX_PROMPTS} are "
            "allowed."
        )
    return next((found for group in taxonomy.groups if (found := _problem_in(group))), None)


def _problem_in(group: Group) -> str | None:
    names: dict[str, str] = {}
    for label in group.labels:
        if names.setdefault(label.name.casefold(), label.name) is not label.name:
            return f"group {group.name!r}: there are two labels {label.name!r}."
    for label in group.labels:
        where = f"group {group.name!r}, label {label.name!r}"
        for word in label.synonyms:
            if word.casefold() in names and word.casefold() != label.name.casefold():
                return f"{where}: its synonym {word!r} is the name of another label."
        if label.parent is not None and label.parent.casefold() not in names:
            return f"{where}: its parent {label.parent!r} is not a label of the group."
    return _circle_in(group)


def _circle_in(group: Group) -> str | None:
    for start, label in enumerate(group.labels):
        place, steps = start, 0
        while place >= 0:
            place, steps = group.parents[place], steps + 1
            if steps > len(group.labels):
                return f"group {group.name!r}, label {label.name!r}: its parents form a circle."
    return None
