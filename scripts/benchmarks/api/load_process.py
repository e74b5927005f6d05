"""One load from a process of its own; its answers go to standard output, pickled.

`python -m scripts.benchmarks.api.load_process JOB`, JOB being a JSON object.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvloop

from scripts.benchmarks.api.load_generator import Answer, Load


async def _run(job: dict[str, Any], requests: list[bytes]) -> list[Answer]:
    first = job.get("first", 0)
    load = Load("127.0.0.1", job["port"], requests[first:] + requests[:first])
    if "rate" in job:
        return await load.open_loop(job["rate"], job["seconds"])
    return await load.closed_loop(job["clients"], job["seconds"])


if __name__ == "__main__":
    # Real clients have machines of their own: time that they wait for a core here must be short.
    with suppress(PermissionError):
        os.nice(-10)
    given = json.loads(sys.argv[1])
    stored = pickle.loads(Path(given["requests"]).read_bytes())
    answers = uvloop.run(_run(given, stored))
    sys.stdout.buffer.write(pickle.dumps(answers))
