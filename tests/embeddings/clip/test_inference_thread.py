"""The thread on which models compute."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from embeddings.clip import inference_thread
from embeddings.clip.inference_thread import InferenceThread

# Loads the module from its file: the package around it would load torch first.
ENDLESS_WORK = """
import runpy, sys, threading

thread = runpy.run_path(sys.argv[1])["InferenceThread"]("work")
started = threading.Event()

@thread.wrap
def hang():
    started.set()
    threading.Event().wait()

threading.Thread(target=hang, daemon=True).start()
started.wait()
print("the main thread ends")
"""


def test_all_callers_share_one_thread() -> None:
    thread = InferenceThread("shared-by-callers")

    @thread.wrap
    def square(number: int) -> tuple[int, str, int]:
        return number * number, threading.current_thread().name, threading.get_ident()

    with ThreadPoolExecutor(8) as callers:
        found = list(callers.map(square, range(50)))
    (ident,) = {ident for _, _, ident in found}
    assert found == [(number * number, "shared-by-callers", ident) for number in range(50)]
    assert ident != threading.get_ident()


def test_a_call_from_the_thread_itself_runs_directly() -> None:
    thread = InferenceThread("work")

    @thread.wrap
    def countdown(number: int) -> list[int]:
        return [number, *(countdown(number - 1) if number else [])]

    assert countdown(5) == [5, 4, 3, 2, 1, 0]


def test_an_exception_reaches_the_caller_and_the_thread_goes_on() -> None:
    thread = InferenceThread("work")

    @thread.wrap
    def divide(number: int, *, by: int) -> float:
        return number / by

    with pytest.raises(ZeroDivisionError):
        divide(1, by=0)
    assert divide(1, by=2) == 0.5


def test_work_that_never_ends_does_not_keep_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENDLESS_WORK, inference_thread.__file__],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,  # only a failing test waits so long
    )
    assert done.stdout == "the main thread ends\n"
