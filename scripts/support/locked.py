"""Print the part of constraints.txt that an installation needs: `locked.py [EXTRA]`.

It runs before anything is installed, so it has the standard library alone.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["locked_requirements"]

ROOT = Path(__file__).parents[2]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# A comment below a package names what needs it: "# via X", or a list of "#   X".
_NEEDED_BY = re.compile(r"^ +#(?: via)? +(?!via$)(\S+)", re.MULTILINE)
# A version without a marker.
_VERSION = re.compile(r"^\S+(?= *(?:\\|$))", re.MULTILINE)


def locked_requirements(extra: str = "", root: Path = ROOT) -> Iterator[str]:
    """Yield the pinned requirements, with hashes, of the project with an extra.

    Args:
        extra: One of the project's extras; none by default.
        root: The folder of pyproject.toml and constraints.txt.

    Raises:
        KeyError: There is no such extra.
    """
    pinned = dict(_pinned((root / "constraints.txt").read_text()))
    declared = list(_declared(tomllib.loads((root / "pyproject.toml").read_text()), extra))
    wanted = {_name(each) for each in declared}
    found = 0
    while found != len(wanted):
        found = len(wanted)
        wanted |= {name for name, text in pinned.items() if wanted & _needed_by(text)}
    # What only some platforms need without the extra is pinned for all, if another extra needs it.
    everywhere = {_name(each) for each in declared if ";" not in each}
    some = {_name(each): each.partition(";")[2].strip() for each in declared if ";" in each}
    for name, text in pinned.items():
        if name in some and name not in everywhere and not wanted & _needed_by(text):
            yield _VERSION.sub(rf"\g<0> ; {some[name]}", text, count=1)
        elif name in wanted:
            yield text


def _pinned(text: str) -> Iterator[tuple[str, str]]:
    """Yield each package's name and its lines."""
    for block in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]:
        yield _name(block), block


def _needed_by(text: str) -> set[str]:
    return set(_NEEDED_BY.findall(text))


def _declared(project: dict[str, dict[str, object]], extra: str) -> Iterator[str]:
    """Yield what the project itself needs, and what builds it."""
    yield from _texts(project["build-system"]["requires"])
    yield from _texts(project["project"]["dependencies"])
    extras = project["project"]["optional-dependencies"]
    waiting = [extra] if extra else []
    assert isinstance(extras, dict)
    while waiting:
        for requirement in extras[waiting.pop()]:
            if own := re.fullmatch(rf"{project['project']['name']}\[(.+)\]", requirement):
                waiting += own[1].split(",")
            else:
                yield requirement


def _texts(value: object) -> Iterable[str]:
    assert isinstance(value, list)
    return value


def _name(requirement: str) -> str:
    """Return the normalised name of the package of a requirement (PEP 503)."""
    match = _NAME.match(requirement)
    assert match is not None
    return re.sub(r"[-_.]+", "-", match[0]).lower()


if __name__ == "__main__":
    sys.stdout.writelines(locked_requirements("".join(sys.argv[1:2])))
