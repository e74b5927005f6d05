"""The docs are complete: every folder, command, option, setting, reason and record has its line."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer

from embeddings import LookalikeError
from indexer.catalog import Reason
from search_api.cli import app
from search_api.cli.tag.default_command import DEFAULT_NAME
from search_api.client import ClientError
from search_api.service import Settings
from search_api.service.errors import UnavailableError

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "NOTICE",
    *sorted(DOCS.rglob("*.md")),
    *sorted(p for p in (ROOT / "examples").rglob("*") if p.is_file() and p.suffix != ".pyc"),
]
# Read by the command line, the model cache and the benchmarks.
OTHER_VARIABLES = {"RUNTIME", "DEVICES", "CACHE_DIR", "PEERS", "FETCH_SETTINGS"}
RECORDS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
MOST_RECORD_LINES = 40
# Places of the machine that the docs were written on, and hosts of package registries.
PRIVATE = re.compile(
    r"\.\./shared|(?<![\w.])/(?:tmp|root|home|mnt|srv)/|--index-url|https?://registry\."
)
# A path of the repository in backticks: it has a slash and no blanks.
PATH = re.compile(
    r"`((?:embeddings|indexer|search_api|lookalike|examples|scripts|tests|docs)/[^`\s]*)`"
)


@cache
def text(path: Path) -> str:
    return path.read_text("utf-8")


def sections(page: str) -> dict[str, str]:
    """What stands under each heading of the second level."""
    parts = re.split(r"^## (.+)$", page, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def commands(group: Any = None, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command of `lookalike` by its words, as a user types them."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                yield " ".join((*path, name)), command
            yield from commands(command, (*path, name))
        else:
            yield " ".join((*path, *([] if name == DEFAULT_NAME else [name]))), command


def options(command: Any) -> set[str]:
    return {
        name
        for parameter in command.params
        if parameter.param_type_name == "option"
        for name in (*parameter.opts, *parameter.secondary_opts)
    }


COMMANDS = dict(commands())


def command_sections() -> dict[str, str]:
    """The sections of the command line's page by command, without the arguments."""
    found = {}
    for heading, body in sections(text(DOCS / "command-line.md")).items():
        words = [word for word in heading.split()[1:] if word.strip("[].").islower()]
        found[" ".join(words)] = body
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_page_names_no_private_place(page: Path) -> None:
    assert PRIVATE.findall(text(page)) == []


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if page.name != "CHANGELOG.md"],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_paths_on_a_page_exist(page: Path) -> None:
    paths = {path.rstrip("/") for path in PATH.findall(text(page)) if "NAME" not in path}
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []


def tables_of_folders() -> str:
    """The page on architecture without the generated picture of the floors."""
    return text(DOCS / "architecture.md").partition("## The floors")[0]


def test_every_folder_is_on_the_architecture_page() -> None:
    page = tables_of_folders()
    folders = {
        path.relative_to(ROOT).as_posix()
        for package in ("embeddings", "indexer", "search_api", "lookalike")
        for path in [ROOT / package, *(ROOT / package).rglob("*")]
        if (path / "__init__.py").is_file()
    }
    assert [folder for folder in sorted(folders) if f"`{folder}`" not in page] == []


def test_main_names_are_exported_by_their_folder() -> None:
    rows = re.findall(r"^\| `([a-z_/]+)` \|[^|]*\|([^|]*)\|$", tables_of_folders(), re.MULTILINE)
    missing = []
    for folder, cell in rows:
        names = re.findall(r"`(\w+)`", cell)
        if (ROOT / folder / "__init__.py").is_file() and names:
            exports = exported(ROOT / folder / "__init__.py")
            missing += [f"{folder}: {name}" for name in names if name not in exports]
    assert missing == []


def exported(path: Path) -> set[str]:
    for node in ast.parse(text(path)).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def test_every_command_has_a_section() -> None:
    assert sorted(command_sections()) == sorted(COMMANDS)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_has_a_line_and_every_line_an_option(name: str) -> None:
    body = command_sections()[name]
    rows = re.findall(r"^\| (`-[^|]*)\|", body, re.MULTILINE)
    listed = re.findall(r"^.*Options?: (.*)\.$", body, re.MULTILINE)
    shown = set(re.findall(r"`(-[-a-z]+)", " ".join(rows + listed)))
    assert shown == options(COMMANDS[name])


def test_options_named_elsewhere_exist() -> None:
    known = {option for command in COMMANDS.values() for option in options(command)}
    for page in (ROOT / "README.md", DOCS / "guide.md", DOCS / "tags.md", DOCS / "health.md"):
        for line in text(page).splitlines():
            if "lookalike" in line and "scripts/" not in line and "curl" not in line:
                named = set(re.findall(r"(?<=\s)--[a-z][-a-z]+", line))
                assert named <= known, line


def test_every_setting_is_named_by_its_variable_or_in_the_table() -> None:
    page = text(DOCS / "api.md")
    missing = [name for name in Settings.model_fields if f"| `{name}` |" not in page]
    assert missing == []
    named = set(re.findall(r"LOOKALIKE_([A-Z_]+[A-Z])", " ".join(map(text, PAGES))))
    assert named <= {name.upper() for name in Settings.model_fields} | OTHER_VARIABLES


def test_every_quarantine_reason_is_in_the_guide() -> None:
    rows = re.findall(r"^\| `([a-z0-9_]+)` \|", text(DOCS / "guide.md"), re.MULTILINE)
    assert {str(reason) for reason in Reason} <= set(rows)


def kinds(root: type[LookalikeError]) -> Iterator[type[LookalikeError]]:
    yield root
    for kind in root.__subclasses__():
        yield from kinds(kind)


def test_every_error_code_is_in_the_guide_or_on_the_apis_page() -> None:
    pages = text(DOCS / "guide.md") + text(DOCS / "api.md")
    never_raised = {LookalikeError.code, UnavailableError.code}
    codes = {kind.code for kind in kinds(LookalikeError) if hasattr(kind, "code")}
    assert {
        ClientError.code,
        UnavailableError.code,
    } <= codes  # the trees of all packages are loaded
    assert {code for code in codes - never_raised if f"`{code}`" not in pages} == set()


def test_decision_records_are_short_and_complete() -> None:
    numbers = [path.name[:4] for path in RECORDS]
    assert numbers == [f"{number:04}" for number in range(1, len(RECORDS) + 1)]
    for path in RECORDS:
        lines = text(path).splitlines()
        assert lines[0].startswith(f"# {path.name[:4]}. "), path.name
        assert len(lines) < MOST_RECORD_LINES, path.name
        assert re.findall(r"^## (.+)$", text(path), re.MULTILINE) == [
            "Context",
            "Decision",
            "Consequences",
        ], path.name


def test_every_decision_record_is_listed() -> None:
    rows = re.findall(r"\[(\d{4})\]\((.+?\.md)\)", text(DOCS / "decisions" / "README.md"))
    assert rows[: len(RECORDS)] == [(path.name[:4], path.name) for path in RECORDS]


def test_every_page_is_reachable_from_the_readme_or_the_guide() -> None:
    linked = {
        target
        for page in (ROOT / "README.md", DOCS / "guide.md", DOCS / "architecture.md")
        for target in re.findall(r"\]\((?:docs/)?([^)#:]+)(?:#[^)]*)?\)", text(page))
    }
    pages = {path.name for path in DOCS.glob("*.md")}
    assert pages - linked == set()


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as a renderer of Markdown makes them."""
    headings = re.findall(r"^#+ (.+)$", text(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_to_a_heading_finds_it() -> None:
    broken = []
    for page in [*PAGES[:2], *sorted(DOCS.rglob("*.md"))]:
        for target, anchor in re.findall(r"\]\(([^)#:\s]*)#([^)]+)\)", text(page)):
            other = page.parent / target if target else page
            if anchor not in anchors(other):
                broken.append(f"{page.name}: {target}#{anchor}")
    assert broken == []


def test_every_example_is_named_in_the_readme() -> None:
    assert "examples/" in text(ROOT / "README.md")
    assert (ROOT / "LICENSE").read_text("utf-8").lstrip().startswith("Apache License")
    assert "Apache-2.0" in text(ROOT / "README.md")
