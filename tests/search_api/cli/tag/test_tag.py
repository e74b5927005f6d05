"""`lookalike tag` by taxonomies, `tag fit` and `tag audit`, over the fake encoder."""

from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.processes import Cli

TAXONOMY = """
name: paint
version: 1
groups:
  - name: colour
    templates: ["{}"]
    labels: [red, green, {name: azure, synonyms: [blue]}]
  - name: mood
    exclusive: false
    templates: ["{}"]
    labels: [green]
"""


@pytest.fixture(scope="module")
def paint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a taxonomy, images, and examples with their colours."""
    folder = tmp_path_factory.mktemp("paint")
    (folder / "paint.yaml").write_text(TAXONOMY, "utf-8")
    with (folder / "examples.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "image", "shade", "mood"])
        for number in range(24):
            name, colour = (("red", (255, 9 * number, 0)), ("Blue", (0, 9 * number, 255)))[
                number % 2
            ]
            Image.new("RGB", (16, 16), colour).save(folder / f"{number}.png")
            rows.writerow([number, f"{number}.png", name, ""])
        rows.writerow([99, "missing.png", "red", ""])
        rows.writerow([100, "0.png", "purple", ""])
    return folder


def printed(done: Any) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def fitted(fake_cli: Cli, paint: Path) -> Path:
    out = paint / "paint.safetensors"
    command = ["tag", "fit", paint / "examples.csv", "--taxonomy", paint / "paint.yaml"]
    report = printed(fake_cli(*command, "--column", "colour=shade", "--out", out, "--json"))
    assert report["labelled"] == {"colour": 24, "mood": 0}
    assert report["unknown"]["colour"] == {"purple": 1}
    assert [line for line, _ in report["bad"]] == [26]
    return out


def test_a_folder_stands_for_its_images(fake_cli: Cli, paint: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    for name in ("b.png", "a.PNG", ".hidden.png"):
        Image.new("RGB", (16, 16), (255, 0, 0)).save(inner / name, "PNG")
    (inner / "notes.txt").write_text("no image")
    single = paint / "0.png"
    command = ["tag", tmp_path, single, "--taxonomy", paint / "paint.yaml", "--json"]
    tagged = printed(fake_cli(*command))
    files = [str(inner / "a.PNG"), str(inner / "b.png"), str(single)]
    assert [image["image"] for image in tagged["images"]] == files

    empty = tmp_path / "empty"
    empty.mkdir()
    done = fake_cli("tag", empty)
    assert done.returncode != 0
    assert "has no image files" in done.stderr


def test_json_is_the_contract(fake_cli: Cli, paint: Path) -> None:
    command = ["tag", paint / "0.png", paint / "1.png", "--taxonomy", paint / "paint.yaml"]
    tagged = printed(fake_cli(*command, "--json"))
    assert tagged.keys() == {"images", "model"}
    assert [image["image"] for image in tagged["images"]] == [
        str(paint / "0.png"), str(paint / "1.png"),
    ]  # fmt: skip
    for image in tagged["images"]:
        for tag in image["tags"]:
            assert tag.keys() == {"label", "group", "confidence"}
            assert 0 <= tag["confidence"] <= 1


def test_a_fit_makes_the_tags_sure(fake_cli: Cli, paint: Path, fitted: Path) -> None:
    command = ["tag", paint / "0.png", paint / "1.png", "--taxonomy", paint / "paint.yaml"]
    tagged = printed(fake_cli(*command, "--fitted", fitted, "--json"))
    found = [[(t["group"], t["label"]) for t in image["tags"]] for image in tagged["images"]]
    assert ("colour", "red") in found[0]
    assert ("colour", "azure") in found[1]


def test_the_table_has_a_row_for_each_group(fake_cli: Cli, paint: Path, fitted: Path) -> None:
    command = ["tag", paint / "0.png", "--taxonomy", paint / "paint.yaml", "--fitted", fitted]
    done = fake_cli(*command)
    assert done.returncode == 0, done.stderr
    rows = dict(re.findall(r"^ (\w+) +(.+?) *$", done.stdout, re.MULTILINE))
    assert re.fullmatch(r"red \d+%", rows["colour"])
    assert "mood" in rows


@pytest.mark.parametrize(
    ("command", "code", "words"),
    [
        (["tag", "P/0.png", "--labels", "a", "--taxonomy", "retail"], 2, "--labels"),
        (["tag", "P/0.png", "--taxonomy", "nope"], 1, "retail"),
        (["tag", "P/0.png", "--taxonomy", "P/paint.yaml", "--fitted", "P/0.png"], 1, "0.png"),
        (["tag", "fit", "P/examples.csv", "--taxonomy", "P/paint.yaml", "--out", "P"], 2, "folder"),
        (["tag", "fit", "P/examples.csv", "--out", "P/x", "--column", "colour"], 2, "--column"),
        (["tag", "fit", "P/examples.csv", "--out", "P/x", "--column", "smell=shade",
          "--taxonomy", "P/paint.yaml"], 1, "smell"),
        (["tag", "fit", "P/examples.csv", "--out", "P/x", "--column", "colour=hue",
          "--taxonomy", "P/paint.yaml"], 1, "hue"),
        (["tag", "audit", "--index", "I"], 2, "--out"),
        (["tag", "audit", "--index", "I", "--json", "--truth", "colour=nope",
          "--taxonomy", "P/paint.yaml"], 1, "nope"),
        (["tag", "audit", "--index", "I", "--json", "--truth", "colour=title",
          "--taxonomy", "P/paint.yaml"], 1, "title"),
    ],
)  # fmt: skip
def test_an_error_is_one_line(
    fake_cli: Cli, paint: Path, coloured: Path, command: list[str], code: int, words: str
) -> None:
    def placed(part: str) -> str:
        if part == "I":
            return str(coloured / "index")
        return str(paint / part[2:]) if part.startswith("P/") else {"P": str(paint)}.get(part, part)

    done = fake_cli(*map(placed, command))
    assert done.returncode == code, done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert words in done.stderr


@pytest.mark.parametrize("command", [[], ["--help"], ["fit", "--help"], ["audit", "--help"]])
def test_help_has_the_options(cli: Cli, command: list[str]) -> None:
    done = cli("tag", *command)
    assert done.returncode == 0
    expected = {"fit": "examples", "audit": "--truth"}.get(
        command[0] if command else "", "--labels"
    )
    assert expected in done.stdout
    if command in ([], ["--help"]):
        assert "lookalike tag fit" in re.sub(r"[\s│]+", " ", done.stdout)


class Seen(HTMLParser):
    """Tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name in ("src", "href"):
                assert str(value).startswith(("data:", "#"))


def test_an_audit_is_a_page_and_json(
    fake_cli: Cli, paint: Path, fitted: Path, tmp_path: Path
) -> None:
    index, out = tmp_path / "index", tmp_path / "tags.html"
    built = fake_cli("index", "build", paint / "examples.csv", "--index", index, "--max-bad", "1")
    assert built.returncode == 0, built.stderr
    command = ["tag", "audit", "--index", index, "--taxonomy", paint / "paint.yaml"]
    options = ["--fitted", fitted, "--truth", "colour=shade", "--by", "shade"]
    audit = printed(fake_cli(*command, *options, "--out", out, "--json"))
    colour, mood = audit["groups"]
    assert audit["looked_at"] == 25
    assert colour["figures"]["pictures"] == 24
    assert colour["figures"]["forced"] == 1
    assert colour["unknown"] == {"purple": 1}
    assert "green" in colour["never"]
    assert mood["figures"] is None
    assert {row["value"]: row["pictures"] for row in audit["by_category"]} == {
        "Blue": 12, "red": 12, "purple": 1,
    }  # fmt: skip
    page = out.read_text("utf-8")
    seen = Seen()
    seen.feed(page)
    assert "script" not in seen.tags
    assert {"img", "svg", "table"} <= seen.tags
    assert "azure" in page
