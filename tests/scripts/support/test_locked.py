"""What the scripts install: all that the project needs, with a hash for each file."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.support.locked import ROOT, locked_requirements

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = ["", *sorted(PROJECT["optional-dependencies"])]


def locked(extra: str) -> dict[str, Requirement]:
    requirements = [Requirement(text.split("\\")[0].strip()) for text in locked_requirements(extra)]
    return {canonicalize_name(each.name): each for each in requirements}


@pytest.mark.parametrize("extra", EXTRAS)
def test_a_version_of_everything_that_is_declared(extra: str) -> None:
    declared = PROJECT["dependencies"] + PROJECT["optional-dependencies"].get(extra, [])
    pinned = locked(extra)
    for each in map(Requirement, declared):
        if each.name != PROJECT["name"]:
            (version,) = pinned[canonicalize_name(each.name)].specifier
            assert version.operator == "=="
            assert each.specifier.contains(version.version), each


@pytest.mark.parametrize("extra", EXTRAS)
def test_everything_that_a_package_needs_is_there(extra: str) -> None:
    pinned = locked(extra)
    for name, package in pinned.items():
        if package.marker and not package.marker.evaluate():
            continue
        try:
            needed = requires(name) or []
        except PackageNotFoundError:
            assert extra == "train", name  # the tests' environment lacks that one
            continue
        for each in map(Requirement, needed):
            if each.marker is None or each.marker.evaluate({"extra": ""}):
                assert canonicalize_name(each.name) in pinned, (name, each)


def test_every_version_has_hashes() -> None:
    for text in locked_requirements("dev"):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", text), text


def test_an_installation_without_extras_is_small() -> None:
    base, dev = locked(""), locked("dev")
    assert base.keys() < dev.keys()
    assert not {"torch", "pytest", "boto3"} & base.keys()


def test_extras_of_extras_and_lists_of_reasons(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("""
[build-system]
requires = ["Build_Tool>=1"]
[project]
name = "shop"
dependencies = ["one>=1", "four; sys_platform == 'win32'"]
[project.optional-dependencies]
two = ["two[fast]"]
four = ["four"]
all = ["shop[two]", "three"]
""")
    (tmp_path / "constraints.txt").write_text("""# written by hand
build-tool==1 \\
    --hash=sha256:aa
    # via -r -
four==1 \\
    --hash=sha256:dd
    # via shop (pyproject.toml)
one==1 ; sys_platform == 'linux' \\
    --hash=sha256:bb
    # via
    #   shop (pyproject.toml)
    #   two
shared==3 \\
    --hash=sha256:cc
    # via
    #   one
    #   three
three==1
    # via shop (pyproject.toml)
two==2
    # via shop (pyproject.toml)
under==4
    # via two
""")

    def names(extra: str) -> list[str]:
        return [text.split("==")[0] for text in locked_requirements(extra, tmp_path)]

    assert names("") == ["build-tool", "four", "one", "shared"]
    assert names("two") == ["build-tool", "four", "one", "shared", "two", "under"]
    assert names("all") == ["build-tool", "four", "one", "shared", "three", "two", "under"]
    lines = "".join(locked_requirements("", tmp_path)).splitlines()
    assert "four==1 ; sys_platform == 'win32' \\" in lines
    assert "four==1 \\" in "".join(locked_requirements("four", tmp_path)).splitlines()
    with pytest.raises(KeyError):
        names("none")
