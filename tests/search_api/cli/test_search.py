"""`lookalike search`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from embeddings import FakeEncoder
from indexer.build import BuildOptions, build_index
from tests.support.processes import HOSTILE_ID, HOSTILE_TITLE, Cli, error_line, only_json


def test_table(fake_cli: Cli, coloured: Path) -> None:
    options = ("--index", coloured / "index", "-k", "3", "--mode", "vector")
    done = fake_cli("search", "blue", *options)
    assert done.returncode == 0, done.stderr
    header, first, second, third = (line.strip() for line in done.stdout.splitlines())
    assert header.split() == ["#", "score", "confidence", "id", "product"]
    rank, score, confidence, *product = first.split()
    assert [rank, score, *product] == ["1", "1.000", "blue", "A", "blue", "thing"]
    assert second.split()[:4] == ["2", "1.000", confidence, *HOSTILE_ID.split()[:1]]
    assert second.endswith(HOSTILE_TITLE)
    assert third.split()[:2] == ["3", "0.000"]
    assert 0 <= int(third.split()[2].rstrip("%")) < int(confidence.rstrip("%")) <= 100
    assert done.stderr.startswith("3 hits, 2 matching, in ")


def test_where_nothing_matches_the_nearest_are_below_a_line(fake_cli: Cli, coloured: Path) -> None:
    others = '{"title": {"in": ["A green thing", "A blue thing"]}}'
    search = ("search", "red", "--index", coloured / "index", "--filter", others)
    done = fake_cli(*search)
    assert done.returncode == 0, done.stderr
    says, line, header, *products = (text.strip() for text in done.stdout.splitlines())
    assert says == "Nothing matches."
    assert line.startswith("the nearest all the same ─")
    assert header.split()[:2] == ["#", "score"]
    assert len(products) == 2
    found = only_json(fake_cli(*search, "--json"))
    assert (found["no_match"], found["hits"], len(found["suggestions"])) == (True, [], 2)
    without_model = only_json(fake_cli(*search, "--mode", "keyword", "--json"))
    assert (without_model["no_match"], without_model["suggestions"]) == (True, [])


def test_a_filter_alone_lists_products(fake_cli: Cli, coloured: Path) -> None:
    search = ("search", "--filter", '{"title": {"prefix": "A "}}', "--index", coloured / "index")
    lines = fake_cli(*search, "-k", "2").stdout.splitlines()
    assert lines[1].split()[:4] == ["1", "-", "-", "red"]
    found = only_json(fake_cli(*search, "--json"))
    assert found["total"] == len(found["hits"]) == 5
    assert found["hits"][0]["score"] is None
    assert "--filter" in error_line(fake_cli("search", "--index", coloured / "index"), 2)


def test_by_image_as_json(fake_cli: Cli, coloured: Path) -> None:
    image = coloured / "red.png"
    found = only_json(
        fake_cli("search", "--index", coloured / "index", "--image", image, "-k", "2", "--json")
    )
    assert [hit["id"] for hit in found["hits"]] == ["red", "dark-red"]
    assert [hit["score"] for hit in found["hits"]] == pytest.approx([1, 1], abs=1e-3)
    assert (found["no_match"], found["generation"]) == (False, 1)


def test_products_filters_colours_and_keywords(fake_cli: Cli, coloured: Path) -> None:
    search = ("search", "--index", coloured / "index", "--json")
    like = only_json(fake_cli(*search, "--like", "red", "--like", "dark-red"))["hits"]
    assert {"red", "dark-red"}.isdisjoint(hit["id"] for hit in like)
    filtered = only_json(fake_cli(*search, "red", "--filter", '{"title": "A green thing"}'))
    assert (filtered["hits"], filtered["total"]) == ([], 0)
    assert [hit["id"] for hit in filtered["suggestions"]] == ["green"]
    near = only_json(fake_cli(*search, "--colour", "#0000ff", "--colour-within", "10"))["hits"]
    assert {hit["id"] for hit in near} == {"blue", HOSTILE_ID}
    words = only_json(fake_cli(*search, "green", "--mode", "keyword"))["hits"]
    assert [hit["id"] for hit in words] == ["green"]


def test_diversity(fake_cli: Cli, coloured: Path) -> None:
    search = ("search", "red", "--index", coloured / "index", "-k", "3", "--json")
    plain, diverse = (
        [hit["id"] for hit in only_json(fake_cli(*search, *more))["hits"]]
        for more in ((), ("--diversity", "1"))
    )
    assert plain[:2] == ["red", "dark-red"]
    assert diverse[0] == "red"
    assert "dark-red" not in diverse


def test_the_minimum_confidence(fake_cli: Cli, coloured: Path) -> None:
    search = ["search", "blue", "--index", coloured / "index", "--json"]
    everything = only_json(fake_cli(*search))["hits"]
    least = everything[0]["confidence"] - 0.001
    kept = only_json(fake_cli(*search, "--min-confidence", str(least)))["hits"]
    assert kept == [hit for hit in everything if hit["confidence"] >= least]
    assert 0 < len(kept) < len(everything)
    assert fake_cli(*search, "--min-confidence", "1.5").returncode == 2


def test_control_characters_never_reach_the_terminal(fake_cli: Cli, tmp_path: Path) -> None:
    title = "a\x1b]0;owned\x07b\u202ec [red]d[/red]"
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.png")
    row = json.dumps({"id": "a", "image": "a.png", "title": title})
    (tmp_path / "catalog.jsonl").write_text(row + "\n")
    build = ["index", "build", tmp_path / "catalog.jsonl", "--index", tmp_path / "index"]
    assert fake_cli(*build).returncode == 0
    done = fake_cli("search", "red", "--index", tmp_path / "index")
    assert done.stdout.splitlines()[1].strip().endswith("a�]0;owned�b�c [red]d[/red]")
    search = ["search", "red", "--index", tmp_path / "index", "--json"]
    (hit,) = only_json(fake_cli(*search))["hits"]
    assert hit["fields"]["title"] == title


def test_an_index_of_another_model(
    fake_cli: Cli, coloured: Path, tmp_path: Path, fast_options: BuildOptions
) -> None:
    other = FakeEncoder("compact", fingerprint="other-fingerprint")
    build_index(coloured / "catalog.csv", tmp_path / "index", other, fast_options)
    done = fake_cli("search", "red", "--index", tmp_path / "index")
    assert "not with 'compact' (fake" in error_line(done)


def test_modes(fake_cli: Cli, coloured: Path) -> None:
    def search(*options: str) -> list[str]:
        done = fake_cli("search", *options, "--index", coloured / "index", "--json")
        return [hit["id"] for hit in only_json(done)["hits"]]

    assert search("yelow", "--mode", "keyword") == ["yellow"]
    assert search("yellow", "--mode", "hybrid")[0] == "yellow"
    both = ("blue yellow", "--mode", "hybrid")
    assert search(*both, "--keyword-weight", "0", "--fusion", "ranks")[0] == "blue"


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("red", "--mode", "fuzzy"), 2, "--mode is one of vector, keyword, hybrid, not 'fuzzy'"),
        (("red", "--fusion", "rrf"), 2, "--fusion is one of scores, ranks, not 'rrf'"),
        (("--like", "red", "--mode", "keyword"), 1, "give text"),
    ],
)
def test_wrong_options_get_one_line(
    fake_cli: Cli, coloured: Path, options: tuple[str, ...], code: int, message: str
) -> None:
    done = fake_cli("search", *options, "--index", coloured / "index")
    assert message in error_line(done, code)


NO_MODEL = """
class Encoder:
    def __init__(self, name):
        raise AssertionError("the model was loaded")
"""


def test_a_keyword_search_loads_no_model(coloured: Path) -> None:
    cli = Cli(fake=True, prelude=NO_MODEL)
    words = ("search", "green", "--index", coloured / "index", "--mode", "keyword", "--json")
    (hit,) = only_json(cli(*words))["hits"]
    assert (hit["id"], hit["score"], hit["confidence"]) == ("green", None, None)
    table = cli(*words[:-1]).stdout.splitlines()
    assert table[1].split()[:4] == ["1", "-", "-", "green"]
    like = ("search", "--like", "red", "--index", coloured / "index", "--json")
    assert only_json(cli(*like))["hits"][0]["score"] is not None
    for loading in ((*words, "--min-confidence", "0.1"), ("search", "red", *words[2:4])):
        assert "the model was loaded" in cli(*loading).stderr


@pytest.mark.parametrize("mode", ["vector", "keyword"])
def test_a_search_imports_what_it_needs(coloured: Path, mode: str) -> None:
    prelude = """
import atexit
def report():
    heavy = ("torch", "fastapi", "httpx", "pebble", "pyarrow.compute", "structlog", "yaml", "ftfy")
    print("imported:", [name for name in heavy if name in sys.modules], file=sys.stderr)
atexit.register(report)
"""
    cli = Cli(fake=True, prelude=prelude)
    done = cli("search", "green", "--index", coloured / "index", "--mode", mode, "--json")
    assert done.stderr.endswith("imported: []\n"), done.stderr
    only_json(done)


def test_colours_are_shown(fake_cli: Cli, coloured: Path) -> None:
    search = ("search", "--index", coloured / "index", "-k", "2")
    done = fake_cli(*search, "--colour", "#0000ff")
    assert done.returncode == 0, done.stderr
    header, first, _ = done.stdout.splitlines()
    assert header.split()[-1] == "colours"
    assert "■ blue 100%" in first
    assert "nearest to the colour: #0000ff" in done.stderr
    unwanted = only_json(fake_cli(*search, "thing", "--not-colour", "blue", "--json"))
    assert not {"blue", HOSTILE_ID} & {hit["id"] for hit in unwanted["hits"]}
    wrong = fake_cli(*search, "--colour", "purpel")
    assert wrong.returncode != 0
    assert "purple" in error_line(wrong)
