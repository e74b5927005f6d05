"""Taxonomy files: what they mean, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from indexer.errors import TaxonomyError
from indexer.tagging.taxonomy import Label, built_in_names, read_taxonomy

SHOES = """
name: shoes
version: 3
groups:
  - name: type
    templates: ["{}", "a photo of {}"]
    labels:
      - footwear
      - {name: trainers, synonyms: [Sneakers, running shoes], parent: footwear}
      - {name: boots, parent: footwear, templates: ["tall {}"]}
  - name: mood
    exclusive: false
    labels: [happy, sad]
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "mine.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_file_is_read(tmp_path: Path) -> None:
    taxonomy = read_taxonomy(write(tmp_path, SHOES))
    assert (taxonomy.name, taxonomy.version) == ("shoes", 3)
    kinds, mood = taxonomy.groups
    assert (kinds.exclusive, mood.exclusive) == (True, False)
    trainers = kinds.labels[1]
    assert trainers == Label(
        "trainers", ("Sneakers", "running shoes"), ("{}", "a photo of {}"), "footwear"
    )
    assert trainers.prompts[:3] == ["trainers", "a photo of trainers", "Sneakers"]
    assert kinds.labels[2].prompts == ["tall boots"]
    assert [label.parent for label in kinds.labels] == [None, "footwear", "footwear"]
    assert [label.name for label in mood.labels] == ["happy", "sad"]
    assert "a photo of a {}" in mood.labels[0].templates


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("version: 3", "version: 0", ["version"]),
        ("version: 3", "", ["version"]),
        ("version: 3", "version: 3\nversion: 4", ["twice"]),
        ("[happy, sad]", "[]", ["mood", "labels"]),
        ("[happy, sad]", "[happy, Happy]", ["mood", "two labels", "Happy"]),
        ("[happy, sad]", "[happy, on]", ["mood", "number 2"]),
        ("[happy, sad]", "[happy, {name: sad, colour: red}]", ["mood", "sad", "colour"]),
        ("[happy, sad]", "[happy, {name: sad, synonyms: [happy]}]", ["mood", "sad", "happy"]),
        ("parent: footwear}\n", "parent: foot}\n", ["type", "trainers", "'foot'"]),
        ("      - footwear", "      - {name: footwear, parent: boots}", ["type", "circle"]),
        ("tall {}", "tall", ["type", "boots", "template"]),
        ("tall {}", "{} {}", ["type", "boots", "template"]),
        ("tall {}", "{0.__class__}", ["type", "boots", "template"]),
        ("name: mood", "name: type", ["two groups", "type"]),
        ("running shoes", '"a\\x07b"', ["type", "trainers", "synonym"]),
        ("running shoes", "{}", ["type", "trainers", "synonym"]),
    ],
)
def test_a_mistake_is_reported_in_one_line_with_its_place(
    tmp_path: Path, old: str, new: str, words: list[str]
) -> None:
    assert old in SHOES
    with pytest.raises(TaxonomyError) as caught:
        read_taxonomy(write(tmp_path, SHOES.replace(old, new, 1)))
    message = caught.value.message
    assert "\n" not in message
    assert len(message) < 400
    for word in ["mine.yaml", *words]:
        assert word in message


BOMB = "\n".join(["a: &a [x, x]", *(f"b{n}: &b{n} [*a, *a]" for n in range(9))])


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "name: !!python/object/apply:os.system [id]",
        "name: !!binary aGVsbG8=",
        "[" * 100_000,
        "{a: " * 5_000,
        "name: x\n---\nname: y",
        "a: b: c",
        "",
        "- just\n- a\n- list",
        "\x00",
        b"\xff\xfe\x00",
        b"name: \xff",
        "# " + "x" * 2**19,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_hostile_files_are_refused_in_one_line(tmp_path: Path, text: str | bytes) -> None:
    with pytest.raises(TaxonomyError) as caught:
        read_taxonomy(write(tmp_path, text))
    assert "mine.yaml" in caught.value.message
    assert "\n" not in caught.value.message


def test_too_many_texts_are_refused(tmp_path: Path) -> None:
    templates = json.dumps([f"{{}} {n}" for n in range(40)])
    labels = json.dumps([f"label {n}" for n in range(600)])
    text = f"name: x\nversion: 1\ngroups: [{{name: g, templates: {templates}, labels: {labels}}}]"
    with pytest.raises(TaxonomyError, match="24000 texts"):
        read_taxonomy(write(tmp_path, text))


def test_a_missing_file_is_reported_with_the_built_in_names(tmp_path: Path) -> None:
    for source in ("nope", str(tmp_path / "none.yaml"), tmp_path, "a\x00b"):
        with pytest.raises(TaxonomyError, match="retail"):
            read_taxonomy(source)


@pytest.mark.parametrize("name", built_in_names())
def test_built_in_taxonomies_are_sound(name: str) -> None:
    taxonomy = read_taxonomy(name)
    assert taxonomy.name == name
    names = {group.name for group in taxonomy.groups}
    assert names >= {
        "type", "colour", "pattern", "material", "style", "season", "audience", "scene",
        "moderation",
    }  # fmt: skip


def test_the_example_of_the_docs_is_a_taxonomy(tmp_path: Path) -> None:
    page = (Path(__file__).parents[4] / "docs" / "tags.md").read_text("utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    taxonomy = read_taxonomy(write(tmp_path, example))
    assert [group.exclusive for group in taxonomy.groups] == [True, False]
