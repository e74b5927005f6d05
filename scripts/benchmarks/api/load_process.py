"""`python -m api_benchmark.load_process JOB`: one load; its answers are pickled to the output."""

from __future__ import annotations

import json
import os
import pickle
import sys
from contextlib import suppress
from pathlib import Path

import uvloop

from scripts.benchmarks.api.load import Answer, Load


async def _run(job: dict[str, object]) -> list[Answer]:
    requests = pickle.loads(Path(str(job["requests"])).read_bytes())
    first = int(str(job.get("first", 0)))
    load = Load("127.0.0.1", int(str(job["port"])), requests[first:] + requests[:first])
    seconds = float(str(job["seconds"]))
    if "rate" in job:
        return await load.open_loop(float(str(job["rate"])), seconds)
    return await load.closed_loop(int(str(job["clients"])), seconds)


if __name__ == "__main__":
    # Callers have machines of their own: what they wait for processors here is not the server's.
    with suppress(PermissionError):
        os.nice(-10)
    answers = uvloop.run(_run(json.loads(sys.argv[1])))
    sys.stdout.buffer.write(pickle.dumps(answers))
