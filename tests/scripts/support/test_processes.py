"""Measured processes: limits, failures, and workers that answer."""

from __future__ import annotations

import os
import select
import sys
from pathlib import Path

import pytest

from scripts.support.processes import Worker, run, timed, use_new_cache

ECHO = (
    "import json, sys\n"
    "print(json.dumps({'ready': True}), flush=True)\n"
    "for line in sys.stdin:\n"
    "    question = json.loads(line)\n"
    "    if question.get('fail'): raise SystemExit('out of memory')\n"
    "    if question.get('wait'): sys.stdin.read()\n"
    "    print(json.dumps({'twice': 2 * question['number']}), flush=True)\n"
)


def program(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_a_command_gives_its_output_and_time() -> None:
    assert run(program("print('done')"), limit=60) == "done\n"
    assert timed(program("pass"), limit=60) > 0


def test_a_failure_repeats_the_last_line_of_the_program() -> None:
    with pytest.raises(RuntimeError, match=r"^exit code 3: the disk is full$"):
        run(
            program("import sys; print('the disk is full', file=sys.stderr); sys.exit(3)"), limit=60
        )


def test_a_command_that_takes_too_long_is_ended_with_what_it_started(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    # The shell's child keeps the FIFO open for writing as long as it lives.
    with pytest.raises(RuntimeError, match=r"^took longer than 1 s$"):
        run(["sh", "-c", f"exec 3> '{fifo}'; echo started >&3; sleep 600 & wait"], limit=1)
    assert os.read(reader, 100) == b"started\n"
    poll = select.poll()
    poll.register(reader, select.POLLHUP)
    assert poll.poll(60_000) == [(reader, select.POLLHUP)]
    os.close(reader)


def test_a_worker_answers_in_order() -> None:
    with Worker(program(ECHO), limit=60) as worker:
        assert worker.ready == {"ready": True}
        assert worker.ask(number=2) == {"twice": 4}
        worker.send(number=3)
        assert worker.answer() == {"twice": 6}


def test_a_worker_that_ends_says_why() -> None:
    with (
        Worker(program(ECHO), limit=60) as worker,
        pytest.raises(RuntimeError, match=r"^ended early: out of memory$"),
    ):
        worker.ask(fail=True)


def test_a_worker_that_does_not_answer_is_given_up() -> None:
    with Worker(program(ECHO), limit=60) as worker:
        worker.limit = 0.05
        with pytest.raises(RuntimeError, match=r"^gave no answer within 0 s$"):
            worker.ask(wait=True)


def test_a_worker_that_does_not_start_says_why() -> None:
    with pytest.raises(RuntimeError, match="No module named 'no_such_module'"):
        Worker(program("import no_such_module"), limit=60)


def test_a_new_cache_reaches_the_processes_that_are_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LOOKALIKE_CACHE_DIR", "elsewhere")
    use_new_cache(tmp_path)
    code = "import os; print(os.environ['LOOKALIKE_CACHE_DIR'])"
    assert run(program(code), limit=60).strip() == str(tmp_path / "lookalike-cache")
