"""Memory of a server: all its processes count."""

from __future__ import annotations

import subprocess
import sys

from scripts.benchmarks.start_up.server import memory_of

_CHILD = "import sys; held = bytearray(64_000_000); print('held', flush=True); sys.stdin.read()"
_PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {_CHILD!r}])"


def test_memory_counts_the_processes_below() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        resident, proportional = memory_of(process.pid)
        process.communicate(b"")
    assert 64_000_000 < proportional <= resident
