"""Size of an installation on disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

from scripts.benchmarks.start_up.install import bytes_on_disk


def test_bytes_on_disk_are_those_of_du(tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    (folder / "lib").mkdir(parents=True)
    (folder / "lib" / "large").write_bytes(bytes(range(256)) * 4000)
    (folder / "lib" / "again").hardlink_to(folder / "lib" / "large")
    (folder / "python").symlink_to("/usr/bin/python3")
    du = subprocess.run(["du", "-sk", folder], check=True, capture_output=True, text=True)
    own = folder.lstat().st_blocks * 512
    assert bytes_on_disk(folder) + own == 1024 * int(du.stdout.split()[0])
