"""Model folders: damaged, foreign and incomplete ones are refused before anything is parsed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from embeddings import BrokenModelError, ModelUnavailableError
from embeddings.onnx import ModelFolder, load_folder
from embeddings.onnx.folder import DESCRIPTION_FILE


def describe(folder: Path, **changes: object) -> None:
    file = folder / DESCRIPTION_FILE
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_description_is_read_as_it_was_written(own_export: Path) -> None:
    read = ModelFolder.read(own_export)
    read.write()
    assert ModelFolder.read(own_export) == read


@pytest.mark.parametrize("name", ["image.onnx", "text.onnx", "weights.safetensors"])
def test_a_changed_file_is_refused(own_export: Path, name: str) -> None:
    file = own_export / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(BrokenModelError, match=f"{name} is not the file that was exported"):
        load_folder(own_export, "tiny")


def test_a_missing_file_is_named(own_export: Path) -> None:
    (own_export / "text.onnx").unlink()
    with pytest.raises(BrokenModelError, match=r"text.onnx can't be read \(No such file"):
        load_folder(own_export, "tiny")


def test_folders_of_other_kinds_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="no model folder"):
        load_folder(tmp_path / "none", "tiny")
    (tmp_path / "model.onnx").write_bytes(b"onnx")
    with pytest.raises(ModelUnavailableError, match=r"not an exported model.*models export"):
        load_folder(tmp_path, "tiny")


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"format": 99}, "later version"),
        ({"dim": "wide"}, "damaged"),
        ({"files": {"image.onnx": "0"}}, "does not list both towers"),
        ({"preprocess": {}}, "damaged"),
        ({"tokenizer": {"kind": "clip", "surprise": 1}}, "damaged"),
    ],
)
def test_wrong_descriptions_are_refused(
    own_export: Path, changes: dict[str, object], problem: str
) -> None:
    describe(own_export, **changes)
    with pytest.raises(BrokenModelError, match=problem):
        ModelFolder.read(own_export)


def test_a_description_that_is_cut_off_is_refused(own_export: Path) -> None:
    file = own_export / DESCRIPTION_FILE
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(BrokenModelError, match="can't be read"):
        ModelFolder.read(own_export)


def test_no_file_outside_of_the_folder_is_opened(own_export: Path) -> None:
    files = dict(ModelFolder.read(own_export).files)
    describe(own_export, files={**files, "../elsewhere": "0" * 64})
    with pytest.raises(BrokenModelError, match="outside of the folder"):
        ModelFolder.read(own_export)


@pytest.mark.parametrize("runtime", ["openvino", "onnx"])
def test_a_foreign_graph_is_refused(own_export: Path, runtime: str) -> None:
    from embeddings.onnx import sha256_of

    (own_export / "image.onnx").write_bytes(b"\x08\x07not a graph")
    files = dict(ModelFolder.read(own_export).files)
    describe(own_export, files={**files, "image.onnx": sha256_of(own_export / "image.onnx")})
    with pytest.raises(BrokenModelError, match="can't run"):
        load_folder(own_export, "tiny", runtime=runtime)
