"""The `lookalike` command as people and scripts run it."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from embeddings import MODELS
from indexer.storage import Layout
from tests.support.processes import HOSTILE_ID, HOSTILE_TITLE, MODEL, PATIENCE, Cli, Drawn


def only_json(done: subprocess.CompletedProcess[str]) -> Any:
    """The one JSON object on standard output of a command that succeeded."""
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("}\n")
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def error_line(done: subprocess.CompletedProcess[str], code: int = 1) -> str:
    """The last line on standard error of a command that failed; there is only one of errors."""
    assert done.returncode == code, (done.stdout, done.stderr)
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, done.stderr
    assert done.stderr.rstrip().endswith(lines[0])
    return lines[0].removeprefix("error: ")


def embedded(index: Path) -> int:
    """How many pictures an unfinished build has safe on disk."""
    path = Layout(index).ledger
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as ledger:
            return int(ledger.execute("SELECT count(*) FROM embedded").fetchone()[0])
    except sqlite3.OperationalError:  # it is just being made
        return 0


class TestHelp:
    def test_help_names_every_command(self, cli: Cli) -> None:
        done = cli("--help")
        assert done.returncode == 0
        for name in ("index", "search", "tag", "serve", "demo", "models"):
            assert name in done.stdout

    def test_help_loads_nothing_heavy(self) -> None:
        heavy = ("torch", "open_clip", "faiss", "fastapi", "pyarrow", "PIL", "numpy")
        code = (
            "import sys; sys.argv = ['lookalike', '--help']\n"
            "from search_api.cli import main\n"
            "try: main()\n"
            "except SystemExit as end: assert not end.code\n"
            f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert "Visual similarity search" in done.stdout
        assert done.stderr.strip() == "[]"

    @pytest.mark.parametrize(
        "arguments",
        [
            ["bogus"],
            ["search", "--index"],
            ["search", "red", "--index", "x", "-k", "0"],
            ["index", "build", "x", "--index", "y", "--max-bad", "2"],
            ["serve", "--index", "x", "--port", "65536"],
        ],
    )
    def test_usage_errors(self, cli: Cli, arguments: list[str]) -> None:
        done = cli(*arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Traceback" not in done.stderr
        assert "Error" in done.stderr


def test_version(cli: Cli) -> None:
    done = cli("--version")
    assert (done.returncode, done.stdout) == (0, f"lookalike {version('lookalike')}\n")


class TestModels:
    def test_json(self, cli: Cli) -> None:
        listed = only_json(cli("models", "--json"))["models"]
        assert [model["name"] for model in listed] == [model.name for model in MODELS]
        assert listed[0]["download_mb"] == 0

    def test_table(self, cli: Cli) -> None:
        done = cli("models")
        assert done.returncode == 0
        for model in MODELS:
            assert model.name in done.stdout


class TestBuild:
    def test_report_as_json(self, drawn: Drawn) -> None:
        counts = {"generation": 1, "published": True, "products": 41, "images": 41}
        counts |= {"embedded": 41, "reused": 0, "removed": 0, "quarantined": 0, "reasons": {}}
        assert drawn.report.items() >= counts.items()
        assert drawn.report["model"] == MODEL
        assert drawn.report["images_per_second"] > 0

    def test_broken_pictures_are_left_out(self, cli: Cli, drawn: Drawn, tmp_path: Path) -> None:
        folder = tmp_path / "photos"
        folder.mkdir()
        for name in ("mug-0001", "sofa-0001", "watch-0001"):
            shutil.copy(drawn.picture(name), folder)
        whole = drawn.picture("vase-0001").read_bytes()
        (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
        (folder / "text.jpg").write_text("This is no picture.")
        huge = bytearray(whole)
        # The frame header: length, precision, height, width (ITU-T T.81, B.2.2).
        struct.pack_into(">HH", huge, huge.index(b"\xff\xc0") + 5, 60_000, 60_000)
        (folder / "huge.jpg").write_bytes(huge)

        done = cli("index", "build", folder, "--index", tmp_path / "i", "--model", MODEL, "--json")
        report = only_json(done)
        reasons = {"cut.jpg": "broken_image", "text.jpg": "unsupported_image"}
        reasons |= {"huge.jpg": "image_too_large"}
        assert (report["products"], report["quarantined"]) == (3, 3)
        assert report["reasons"] == dict.fromkeys(reasons.values(), 1)
        lines = Path(report["quarantine_file"]).read_text("utf-8").splitlines()
        kept = [json.loads(line) for line in lines]
        assert {row["id"]: row["reason"] for row in kept} == reasons
        assert all(row["message"] for row in kept)

    def test_an_interrupted_build_resumes(self, fake_cli: Cli, tmp_path: Path) -> None:
        """By Ctrl-C, which reaches the decoding processes too, and by SIGTERM, which doesn't."""
        catalog, index = many_pictures(tmp_path, 400), tmp_path / "index"
        command = ["index", "build", catalog, "--index", index, "--batch-size", "4", "--json"]
        safe = 0
        for number, stop in ((signal.SIGINT, os.killpg), (signal.SIGTERM, os.kill)):
            log = tmp_path / f"{number.name}.log"
            process = fake_cli.start(*command, log=log)
            deadline = time.monotonic() + PATIENCE
            while embedded(index) <= safe and time.monotonic() < deadline:
                assert process.poll() is None, log.read_text()
                time.sleep(0.02)
            stop(process.pid, number)
            output, _ = process.communicate(timeout=PATIENCE)
            said = log.read_text()
            assert (process.returncode, output) == (130, ""), said
            assert "Traceback" not in said
            errors = [line for line in said.splitlines() if line.startswith("error: ")]
            assert len(errors) == 1
            assert "Run the same command again" in errors[0]
            assert not Layout(index).current.exists()
            safe = embedded(index)

        report = only_json(fake_cli(*command))
        assert (report["products"], report["reused"]) == (400, safe)
        assert report["embedded"] == 400 - safe


def many_pictures(folder: Path, count: int) -> Path:
    """A catalog of small pictures, each of another colour."""
    (folder / "pictures").mkdir()
    lines = ["id,image"]
    for number, colour in enumerate(random.Random(7).sample(range(2**24), count)):
        name = f"pictures/{number}.png"
        Image.new("RGB", (8, 8), tuple(colour.to_bytes(3, "big"))).save(folder / name)
        lines.append(f"{number},{name}")
    (folder / "catalog.csv").write_text("\n".join(lines) + "\n")
    return folder / "catalog.csv"


class TestInfo:
    def test_json(self, cli: Cli, drawn: Drawn) -> None:
        facts = only_json(cli("index", "info", "--index", drawn.index, "--json"))
        assert (facts["products"], facts["images"], facts["generations"]) == (41, 41, [1])
        assert (facts["model"], facts["catalog"]) == (MODEL, "catalog.csv")
        assert set(facts["fields"]) >= {"title", "price", "colour"}

    def test_table(self, cli: Cli, drawn: Drawn) -> None:
        done = cli("index", "info", "--index", drawn.index)
        assert done.returncode == 0
        rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
        assert rows["products"].strip() == "41"
        assert "price (float)" in rows["fields"]


class TestSearch:
    def test_by_picture_as_json(self, cli: Cli, drawn: Drawn) -> None:
        picture = drawn.picture("sofa-0001")
        command = ["search", "--index", drawn.index, "--image", picture, "-k", "3", "--json"]
        found = only_json(cli(*command))
        assert [found["total"], len(found["hits"])] == [3, 3]
        assert found["hits"][0]["id"] == "sofa-0001"
        # Not quite 1: a little of its title is in what is searched.
        assert 0.98 < found["hits"][0]["score"] < 0.9999
        assert found["model"] == MODEL


class TestTag:
    def test_json(self, cli: Cli, drawn: Drawn) -> None:
        pictures = [drawn.picture("umbrella-0001"), drawn.picture("sneaker-0001")]
        labels = "an umbrella, a sneaker,a sofa , ,a mug"
        command = ["tag", *pictures, "--labels", labels, "--model", MODEL, "--top", "4", "--json"]
        tagged = only_json(cli(*command))
        assert [image["image"] for image in tagged["images"]] == [str(path) for path in pictures]
        for image in tagged["images"]:
            assert {tag["label"] for tag in image["tags"]} == {
                "an umbrella", "a sneaker", "a sofa", "a mug",
            }  # fmt: skip
            confidences = [tag["confidence"] for tag in image["tags"]]
            assert confidences == sorted(confidences, reverse=True)
            assert sum(confidences) == pytest.approx(1.0, abs=1e-3)
        best = [image["tags"][0]["label"] for image in tagged["images"]]
        assert best == ["an umbrella", "a sneaker"]


class TestErrors:
    @pytest.mark.parametrize(
        ("arguments", "code", "words"),
        [
            (["search", "--index", "IDX"], 2, "--image"),
            (["search", "  ", "--index", "IDX"], 2, "--image"),
            (["search", "red", "--index", "NOTHING"], 1, "lookalike index build"),
            (["search", "red", "--index", "CSV"], 1, "no index"),
            (["index", "info", "--index", "NOTHING"], 1, "lookalike index build"),
            (["serve", "--index", "NOTHING"], 1, "lookalike index build"),
            (["search", "--index", "IDX", "--image", "NOTHING"], 1, "nothing"),
            (["search", "--index", "IDX", "--image", "CSV"], 1, "catalog.csv"),
            (["tag", "CSV", "--labels", "a,b"], 1, "catalog.csv"),
            (["tag", "CSV", "--labels", " , "], 2, "--labels"),
            (["index", "build", "NOTHING", "--index", "NEW"], 1, "nothing"),
            (["index", "build", "CSV", "--index", "NEW", "--model", "bogus"], 1, "bogus"),
            (["index", "build", "CSV", "--index", "NEW", "--id-column", "sku"], 1, "sku"),
        ],
    )
    def test_one_clear_line(
        self, cli: Cli, drawn: Drawn, tmp_path: Path, arguments: list[str], code: int, words: str
    ) -> None:
        names = {"IDX": drawn.index, "CSV": drawn.catalog}
        names |= {"NOTHING": tmp_path / "nothing", "NEW": tmp_path / "new"}
        done = cli(*(names.get(argument, argument) for argument in arguments))
        assert words in error_line(done, code)
        assert not (tmp_path / "nothing").exists()

    def test_a_file_where_the_index_should_go(self, fake_cli: Cli, coloured: Path) -> None:
        target = coloured / "red.png"
        done = fake_cli("index", "build", coloured / "catalog.csv", "--index", target)
        assert str(target) in error_line(done)
        with Image.open(target) as image:
            assert image.getpixel((0, 0)) == (255, 0, 0)

    def test_an_index_of_another_model(self, fake_cli: Cli, drawn: Drawn) -> None:
        done = fake_cli("search", "red", "--index", drawn.index)
        assert "not with 'compact' (fake" in error_line(done)

    def test_a_second_build_names_the_first(
        self, fake_cli: Cli, coloured: Path, tmp_path: Path
    ) -> None:
        code = (
            "import sys; from pathlib import Path\n"
            "from indexer.storage import Layout, hold_write_lock\n"
            "with hold_write_lock(Layout(Path(sys.argv[1]))):\n"
            "    print('held', flush=True)\n"
            "    sys.stdin.read()"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        ) as holder:  # fmt: skip
            assert holder.stdout is not None
            assert holder.stdout.readline() == "held\n"
            done = fake_cli("index", "build", coloured / "catalog.csv", "--index", tmp_path)
            holder.communicate()
        assert f"process {holder.pid}" in error_line(done)


class TestTables:
    """What people see; on standard output, so that it can be piped."""

    def test_build(self, fake_cli: Cli, coloured: Path) -> None:
        again = ["index", "build", coloured / "catalog.csv", "--index", coloured / "index"]
        done = fake_cli(*again)
        assert done.returncode == 0, done.stderr
        first, second = done.stdout.splitlines()
        assert first.startswith("Generation 1 unchanged")
        assert first.endswith("6 products, 6 images")
        assert second.startswith("0 embedded")
        assert "6 reused" in second

    def test_search(self, fake_cli: Cli, coloured: Path) -> None:
        command = ["search", "blue", "--index", coloured / "index", "-k", "3"]
        done = fake_cli(*command)
        assert done.returncode == 0, done.stderr
        header, first, second, third = (line.strip() for line in done.stdout.splitlines())
        assert header.split() == ["#", "score", "confidence", "id", "product"]
        *place, sure, name, article, colour, thing = first.split()
        assert [*place, name, article, colour, thing] == [
            "1",
            "1.000",
            "blue",
            "A",
            "blue",
            "thing",
        ]
        assert second.split()[:4] == ["2", "1.000", sure, *HOSTILE_ID.split()[:1]]
        assert second.endswith(HOSTILE_TITLE)
        assert third.split()[:2] == ["3", "0.000"]
        assert 0 <= int(third.split()[2].rstrip("%")) < int(sure.rstrip("%")) <= 100

    def test_the_least_confidence_cuts(self, fake_cli: Cli, coloured: Path) -> None:
        search = ["search", "blue", "--index", coloured / "index", "--json"]
        everything = only_json(fake_cli(*search))["hits"]
        least = everything[0]["confidence"] - 0.001
        cut = only_json(fake_cli(*search, "--min-confidence", str(least)))["hits"]
        assert cut == [hit for hit in everything if hit["confidence"] >= least]
        assert 0 < len(cut) < len(everything)
        assert fake_cli(*search, "--min-confidence", "1.5").returncode == 2

    def test_control_characters_never_reach_the_terminal(
        self, fake_cli: Cli, tmp_path: Path
    ) -> None:
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

    def test_tags(self, fake_cli: Cli, coloured: Path) -> None:
        pictures = [coloured / "red.png", coloured / "blue.png"]
        done = fake_cli("tag", *pictures, "--labels", "red,blue")
        assert done.returncode == 0, done.stderr
        lines = [line.split() for line in done.stdout.splitlines()]
        assert lines == [
            [str(pictures[0])], ["red", "100%"], ["blue", "0%"],
            [str(pictures[1])], ["blue", "100%"], ["red", "0%"],
        ]  # fmt: skip


class TestTags:
    """Tags as fields, from the command."""

    TAXONOMY = """
name: hues
version: 2
groups:
  - {name: hue, templates: ["{}"], labels: [red, green, blue]}
"""

    def test_build_retag_and_info(self, fake_cli: Cli, tmp_path: Path) -> None:
        pictures = tmp_path / "pictures"
        pictures.mkdir()
        for name, colour in {"a": (255, 0, 0), "b": (0, 255, 0), "c": (200, 200, 0)}.items():
            Image.new("RGB", (16, 16), colour).save(pictures / f"{name}.png")
        taxonomy, index = tmp_path / "hues.yaml", tmp_path / "index"
        taxonomy.write_text(self.TAXONOMY)
        done = fake_cli("index", "build", pictures, "--index", index, "--tags", taxonomy)
        assert done.returncode == 0, done.stderr
        facts = only_json(fake_cli("index", "info", "--index", index, "--json"))
        assert (facts["taxonomy"], facts["taxonomy_version"]) == ("hues", 2)
        assert facts["tagged"] == {"tag_hue": 0.6667}
        asked = ["search", "x", "--index", index, "--filter", '{"tag_hue": "green"}', "--json"]
        assert [hit["id"] for hit in only_json(fake_cli(*asked))["hits"]] == ["b.png"]

        taxonomy.write_text(self.TAXONOMY.replace("red, green, blue", "red"))
        retag = ["index", "retag", "--index", index]
        report = only_json(fake_cli(*retag, "--tags", taxonomy, "--json"))
        assert (report["generation"], report["tagged"]) == (2, {"tag_hue": 1})
        done = fake_cli(*retag, "--tags", "none")
        assert done.returncode == 0, done.stderr
        assert "without tags" in done.stdout
        done = fake_cli(*retag)
        assert done.returncode == 1
        assert "--tags" in done.stderr
        done = fake_cli(*retag, "--tags", "no-such-taxonomy")
        assert done.returncode == 1
        assert "retail" in done.stderr
