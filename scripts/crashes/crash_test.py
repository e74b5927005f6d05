"""Kill index writers at any moment and see that nothing is lost: `scripts/crash_test.py [--json]`.

Builds, updates, merges, retaggings, prunings and rollbacks of a small index are killed with
SIGKILL, some again while they recover: at a random time, or at a random one of the points where
they open, rename or remove a file, embed a batch or have made it safe. After each kill the index
must hold exactly what it held before or what it was to hold; run again, the operation must succeed.
Ends with 1 if anything went wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path


def main() -> int:
    """Kill, judge, print."""
    # Decoding workers import this file, and need nothing of these.
    from scripts.crashes.quiet_warnings import silence
    from scripts.crashes.trials import kill_writers
    from scripts.support.measuring import Measure, machine, show

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    options = parser.parse_args()
    silence()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        tally = kill_writers(Path(name) / "life", options.kills, options.seed)
    kept = [
        Measure(name, getattr(tally, name), 0, "lower")
        for name in (
            "lost",
            "phantom",
            "double",
            "failed_opens",
            "embedded_again",
            "failed_reruns",
            "damaged",
            "left_over",
        )
    ]
    killed = Measure("kills", tally.kills.total(), options.kills)
    about = machine(
        seed=options.seed,
        seconds=round(time.monotonic() - started, 1),
        kills_by_operation=dict(tally.kills),
    )
    show([killed, *kept], about, as_json=options.json)
    for problem in tally.problems[:20]:
        print(problem, file=sys.stderr)
    return 0 if all(measure.ok for measure in kept) else 1


if __name__ == "__main__":
    sys.exit(main())
