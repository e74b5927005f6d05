"""`lookalike index evaluate` as people and scripts run it."""

from __future__ import annotations

import csv
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import HOSTILE_ID, HOSTILE_TITLE, Cli

METRICS = ["recall@2", "precision@2", "mrr", "ndcg@2"]


@pytest.fixture
def queries(tmp_path: Path, coloured: Path) -> Path:
    """Five queries, one of them with a hostile text, one without a known answer, and a bad row."""
    shutil.copy(coloured / "blue.png", tmp_path)
    rows = [
        ["text", "image", "relevant", "category"],
        ["red", "", "red dark-red", "warm"],
        ["green", "", "blue", "cold"],
        ["", "blue.png", json.dumps(["blue", HOSTILE_ID]), "cold"],
        [f"green {HOSTILE_TITLE}", "", json.dumps({"yellow": 1}), ""],
        ["red", "", "no-such-thing", ""],
        ["", "", "red", ""],
    ]
    path = tmp_path / "queries.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def evaluated(cli: Cli, *arguments: str | Path) -> Any:
    done = cli("index", "evaluate", *arguments, "--json", "--mode", "vector")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_json(fake_cli: Cli, queries: Path, coloured: Path) -> None:
    found = evaluated(fake_cli, queries, "--index", coloured / "index", "-k", "2")
    assert (found["file"], found["k"], found["queries"]) == ("queries.csv", 2, 4)
    assert list(found["metrics"]) == METRICS
    # Recalls are 1, 0, 1 and, with yellow second after green, 1.
    assert found["metrics"]["recall@2"]["value"] == pytest.approx(0.75)
    assert found["metrics"]["precision@2"]["value"] == pytest.approx((1 + 0 + 1 + 0.5) / 4)
    for estimate in found["metrics"].values():
        assert 0 <= estimate["low"] <= estimate["value"] <= estimate["high"] <= 1
    assert {kind: group["queries"] for kind, group in found["by_kind"].items()} == {
        "picture": 1,
        "text": 3,
    }
    assert found["by_category"]["warm"]["metrics"]["recall@2"]["value"] == 1
    assert found["by_category"]["cold"]["queries"] == 2
    assert found["unknown_ids"] == {"count": 1, "examples": ["no-such-thing"]}
    assert found["unanswerable"] == {"count": 1, "lines": [6]}
    assert [row["line"] for row in found["bad_rows"]["examples"]] == [7]
    assert found["comparison"] is None
    assert found["index"]["generation"] == 1


def test_table(fake_cli: Cli, queries: Path, coloured: Path) -> None:
    options = ("--index", coloured / "index", "-k", "2", "--mode", "vector")
    done = fake_cli("index", "evaluate", queries, *options)
    assert done.returncode == 0, done.stderr
    for name in (*METRICS, "warm", "cold", "picture", "0.750"):
        assert name in done.stdout
    assert "no-such-thing" in done.stderr
    assert "line 7: the row has neither words" in done.stderr


def test_labels_and_another_grouping(fake_cli: Cli, coloured: Path, tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"text": "red", "title": "A red thing", "shop": "north"}\n')
    options = ("--index", coloured / "index", "-k", "2", "--label", "title", "--by", "shop")
    found = evaluated(fake_cli, path, *options)
    assert found["metrics"]["mrr"]["value"] == 1
    assert list(found["by_category"]) == ["north"]


class Page(HTMLParser):
    """Tags of a page, and the addresses of its images."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.images: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert not any(name.startswith("on") or name == "href" for name, _ in attrs)
        self.images += [value or "" for name, value in attrs if name == "src"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_comparing_generations_and_folders(
    fake_cli: Cli, queries: Path, coloured: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    shutil.copytree(coloured / "index", index)
    rows = (coloured / "catalog.csv").read_text("utf-8").splitlines()
    less = coloured / "less.csv"
    less.write_text("\n".join(row for row in rows if not row.startswith("yellow")) + "\n", "utf-8")
    done = fake_cli("index", "build", less, "--index", index)
    assert done.returncode == 0, done.stderr

    options = (queries, "--index", index, "-k", "2", "--compare")
    page = tmp_path / "report.html"
    found = evaluated(fake_cli, *options, "1", "--report", page)["comparison"]
    assert (found["with"]["index"]["generation"], found["better"], found["worse"]) == (1, 0, 1)
    recall = found["differences"]["metrics"]["recall@2"]
    assert recall["value"] == pytest.approx(-0.25)
    assert recall["low"] < recall["high"] <= 0
    (change,) = found["changed"]
    assert (change["line"], change["difference"]["recall@2"]) == (5, -1)
    assert "yellow" in [hit["id"] for hit in change["before"]["hits"]]
    assert "yellow" not in [hit["id"] for hit in change["after"]["hits"]]
    assert change["before"]["hits"][1]["relevant"]

    folder = evaluated(fake_cli, *options, coloured / "index")["comparison"]
    assert folder["differences"] == found["differences"]

    shown = Page(page.read_text("utf-8"))
    assert not shown.tags & {"script", "b", "link", "iframe"}
    assert HOSTILE_TITLE in shown.text  # as text, not as markup
    assert "relevant: A yellow thing" not in shown.text  # it is gone, so its id must do
    assert "relevant: yellow" in shown.text
    assert shown.images
    assert all(re.match(r"data:image/webp;base64,\w", image) for image in shown.images)


def test_a_page_without_comparison(fake_cli: Cli, queries: Path, coloured: Path) -> None:
    page = queries.with_name("report.html")
    options = ("--index", coloured / "index", "--report", page)
    assert fake_cli("index", "evaluate", queries, *options).returncode == 0
    shown = Page(page.read_text("utf-8"))
    assert "Queries with the lowest nDCG" in shown.text
    assert "no-such-thing" in shown.text


@pytest.mark.parametrize(
    ("content", "options", "complaint"),
    [
        ("text,relevant\nred,nope\n", [], "no relevant product in the index, which has no 'nope'"),
        ("text,relevant\n", [], "has no rows"),
        ("text,colour\nred,red\n", ["--label", "colour"], "no field 'colour'"),
        ("text,relevant\nred,red\n", ["--compare", "7"], "no generation 7; the index has 1"),
        ("text,relevant\nred,red\n", ["--compare", "no-such-folder"], "no-such-folder|no index"),
        (None, [], "no file"),
    ],
)
def test_errors_are_one_line(
    fake_cli: Cli,
    coloured: Path,
    tmp_path: Path,
    content: str | None,
    options: list[str],
    complaint: str,
) -> None:
    path = tmp_path / "q.csv"
    if content is not None:
        path.write_text(content)
    done = fake_cli("index", "evaluate", path, "--index", coloured / "index", *options)
    assert done.returncode in (1, 2)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert re.search(complaint, line)
