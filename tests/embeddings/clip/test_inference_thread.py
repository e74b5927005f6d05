from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from embeddings.clip.inference_thread import OneThread


def test_all_callers_share_one_thread() -> None:
    thread = OneThread("work")

    @thread.runs
    def square(number: int) -> tuple[int, str]:
        return number * number, threading.current_thread().name

    with ThreadPoolExecutor(8) as callers:
        found = list(callers.map(square, range(50)))
    assert found == [(number * number, "work") for number in range(50)]
    assert [each.name for each in threading.enumerate()].count("work") == 1


def test_what_runs_there_calls_straight() -> None:
    thread = OneThread("work")

    @thread.runs
    def countdown(number: int) -> int:
        return number if number == 0 else countdown(number - 1)

    assert countdown(5) == 0


def test_what_is_raised_reaches_the_caller_and_the_thread_goes_on() -> None:
    thread = OneThread("work")

    @thread.runs
    def divide(number: int, *, by: int) -> float:
        return number / by

    with pytest.raises(ZeroDivisionError):
        divide(1, by=0)
    assert divide(1, by=2) == 0.5


def test_work_that_never_ends_does_not_keep_the_process() -> None:
    code = (
        "import threading, time\n"
        "from embeddings.clip.inference_thread import OneThread\n"
        "sleep = OneThread('work').runs(time.sleep)\n"
        "threading.Thread(target=sleep, args=[1000], daemon=True).start()\n"
        "time.sleep(0.2)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
