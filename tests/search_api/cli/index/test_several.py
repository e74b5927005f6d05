"""`lookalike index build` with several catalogs, and its quarantine by file."""

from __future__ import annotations

from pathlib import Path

from tests.support.processes import Cli, only_json


def test_several_catalogs_in_one_build(fake_cli: Cli, coloured: Path, tmp_path: Path) -> None:
    header, *rows = (coloured / "catalog.csv").read_text("utf-8").splitlines()
    gone = rows[0].replace(rows[0].split(",")[0], "new") + ",too,many"
    for name, part in (("a.csv", rows[:2]), ("b.csv", [*rows[2:], gone])):
        (coloured / name).write_text("\n".join([header, *part]) + "\n", "utf-8")
    index = tmp_path / "index"
    built = only_json(fake_cli("index", "build", coloured / "[ab].csv", "--index", index, "--json"))
    assert (built["products"], built["reasons"]) == (len(rows), {"ragged_row": 1})
    assert len([note for note in built["notes"] if "is read as CSV" in note]) == 2
    found = only_json(fake_cli("index", "quarantine", "--index", index, "--json"))
    (bad,) = found["rows"]
    assert (bad["file"], bad["line"]) == ("b.csv", len(rows))
    assert f"line {len(rows)} of b.csv" in fake_cli("index", "quarantine", "--index", index).stdout
    inspected = fake_cli("catalog", "inspect", coloured / "a.csv", coloured / "b.csv").stdout
    assert "line 2 of a.csv: " in inspected
