"""`lookalike index build`, `info` and `retag`."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from embeddings.vision import find_faces
from indexer.index import Index
from tests.embeddings.vision.images import PORTRAIT
from tests.support.processes import MODEL, Cli, Drawn, error_line, only_json

HUES = """
name: hues
version: 2
groups:
  - {name: hue, templates: ["{}"], labels: [red, green, blue]}
"""


@pytest.fixture
def index(coloured: Path, tmp_path: Path) -> Path:
    """A copy of the coloured index that a test may change."""
    shutil.copytree(coloured / "index", tmp_path / "index")
    return tmp_path / "index"


def test_a_build_with_the_shipped_model(drawn: Drawn) -> None:
    counts = {"generation": 1, "published": True, "products": 41, "images": 41}
    counts |= {"embedded": 41, "reused": 0, "removed": 0, "quarantined": 0, "reasons": {}}
    assert drawn.report.items() >= counts.items()
    assert drawn.report["model"] == MODEL
    assert drawn.report["images_per_second"] > 0
    assert sum(drawn.report["stages"].values()) == pytest.approx(1.0)


def test_the_table(fake_cli: Cli, coloured: Path, index: Path) -> None:
    done = fake_cli("index", "build", coloured / "catalog.csv", "--index", index)
    assert done.returncode == 0, done.stderr
    first, second, third = done.stdout.splitlines()
    assert first == "Generation 1 unchanged, nothing to publish: 6 products, 6 images"
    assert second.startswith("0 embedded")
    assert "6 reused" in second
    assert third == "catalog.csv is read as CSV, commas, UTF-8"
    assert "A stronger model is available" in done.stderr


def test_faces_are_blurred_and_reported(fake_cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "people"
    folder.mkdir()
    (folder / "worn.jpg").write_bytes(PORTRAIT.read_bytes())
    Image.new("RGB", (64, 64), "red").save(folder / "plain.png")
    index = tmp_path / "index"
    done = fake_cli("index", "build", folder, "--index", index, "--faces", "blur")
    assert done.returncode == 0, done.stderr
    content = Index.open(index).thumbnail("worn.jpg", 0)
    assert find_faces(Image.open(BytesIO(content)).convert("RGB")) == []
    report = fake_cli("index", "report", "--index", index, "--json")
    (face,) = json.loads(report.stdout)["faces"]
    assert (face["id"], face["faces"], face["covered"]) == ("worn.jpg", 1, True)


def test_an_unknown_way_with_faces_is_one_line(fake_cli: Cli, coloured: Path, index: Path) -> None:
    catalog = coloured / "catalog.csv"
    done = fake_cli("index", "build", catalog, "--index", index, "--faces", "hide")
    assert done.returncode != 0
    assert "--faces is one of keep, blur, drop, not 'hide'." in done.stderr


def test_broken_images_are_left_out(fake_cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    out = BytesIO()
    Image.effect_noise((64, 64), 50).convert("RGB").save(out, "JPEG")
    whole = out.getvalue()
    (folder / "whole.jpg").write_bytes(whole)
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "text.jpg").write_text("This is no image.")
    huge = bytearray(whole)
    # The frame header: length, precision, height, width (ITU-T T.81, B.2.2).
    struct.pack_into(">HH", huge, huge.index(b"\xff\xc0") + 5, 60_000, 60_000)
    (folder / "huge.jpg").write_bytes(huge)

    build = ("index", "build", folder, "--index", tmp_path / "index")
    report = only_json(fake_cli(*build, "--json"))
    reasons = {"cut.jpg": "broken_image", "text.jpg": "unsupported_image"}
    reasons |= {"huge.jpg": "image_too_large"}
    assert (report["products"], report["quarantined"]) == (1, 3)
    assert report["reasons"] == dict.fromkeys(reasons.values(), 1)
    lines = Path(report["quarantine_file"]).read_text("utf-8").splitlines()
    kept = [json.loads(line) for line in lines]
    assert {row["id"]: row["reason"] for row in kept} == reasons
    assert all(row["message"] for row in kept)

    again = fake_cli(*build)
    assert "3 in quarantine" in again.stdout
    assert "  1 image_too_large" in again.stdout.splitlines()


def test_a_file_in_place_of_the_index(fake_cli: Cli, coloured: Path, tmp_path: Path) -> None:
    target = shutil.copy(coloured / "red.png", tmp_path)
    done = fake_cli("index", "build", coloured / "catalog.csv", "--index", target)
    assert str(target) in error_line(done)
    with Image.open(target) as image:
        assert image.getpixel((0, 0)) == (255, 0, 0)


def test_a_second_build_names_the_first(fake_cli: Cli, coloured: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from indexer.storage import Layout, hold_write_lock\n"
        "with hold_write_lock(Layout(Path(sys.argv[1]))):\n"
        "    print('held', flush=True); sys.stdin.read()"
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


def test_info(fake_cli: Cli, coloured: Path) -> None:
    facts = only_json(fake_cli("index", "info", "--index", coloured / "index", "--json"))
    assert (facts["products"], facts["images"], facts["generations"]) == (6, 6, [1])
    assert (facts["model"], facts["catalog"]) == ("compact", "catalog.csv")
    assert facts["fields"] == {"title": "text"}

    done = fake_cli("index", "info", "--index", coloured / "index")
    assert done.returncode == 0
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert rows["products"].strip() == "6"
    assert rows["fields"].strip() == "title (text)"


def test_tags_of_build_and_retag(fake_cli: Cli, tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for name, colour in {"a": (255, 0, 0), "b": (0, 255, 0), "c": (200, 200, 0)}.items():
        Image.new("RGB", (16, 16), colour).save(images / f"{name}.png")
    taxonomy, index = tmp_path / "hues.yaml", tmp_path / "index"
    taxonomy.write_text(HUES)
    done = fake_cli("index", "build", images, "--index", index, "--tags", taxonomy)
    assert done.returncode == 0, done.stderr
    facts = only_json(fake_cli("index", "info", "--index", index, "--json"))
    assert (facts["taxonomy"], facts["taxonomy_version"]) == ("hues", 2)
    assert facts["tagged"] == {"tag_hue": 0.6667}
    search = ["search", "x", "--index", index, "--filter", '{"tag_hue": "green"}', "--json"]
    assert [hit["id"] for hit in only_json(fake_cli(*search))["hits"]] == ["b.png"]

    taxonomy.write_text(HUES.replace("red, green, blue", "red"))
    retag = ["index", "retag", "--index", index]
    report = only_json(fake_cli(*retag, "--tags", taxonomy, "--json"))
    assert (report["generation"], report["tagged"]) == (2, {"tag_hue": 1})
    done = fake_cli(*retag, "--tags", "none")
    assert done.stdout == "Generation 3 published, without tags\n"
    assert "--tags" in error_line(fake_cli(*retag))
    assert "retail" in error_line(fake_cli(*retag, "--tags", "no-such-taxonomy"))
