"""CASES.md rows 55 and 56 on a real server: processes that die, and clients that hold on."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from search_api.service.server import supervision
from tests.support.processes import PATIENCE, Cli, Server, serve, serving_process
from tests.support.service_helpers import ids
from tests.support.waiting import until


@pytest.fixture
def running(fake_cli: Cli, coloured: Path, tmp_path: Path) -> Iterator[Server]:
    server = serve(fake_cli, coloured / "index", tmp_path / "stderr")
    try:
        assert httpx.get(f"{server.url}/readyz", timeout=PATIENCE).status_code == 200
        yield server
    finally:
        if server.process.poll() is None:
            os.killpg(server.process.pid, signal.SIGKILL)
        server.process.communicate(timeout=PATIENCE)


@pytest.mark.case(55)
@pytest.mark.parametrize("number", [signal.SIGBUS, signal.SIGKILL])
def test_a_process_that_dies_is_replaced_on_the_same_port(
    running: Server, number: signal.Signals
) -> None:
    os.kill(serving_process(running), number)
    # The connection waits in the socket's queue for the next process.
    until(lambda: number.name in running.log.read_text())
    answer = httpx.get(f"{running.url}/v1/search?q=red&k=1", timeout=PATIENCE)
    assert ids(answer) == ["red"]
    running.process.terminate()
    assert running.process.wait(PATIENCE) == 0
    assert running.log.read_text().count("Serving ") == 1


def test_the_process_ends_with_its_supervisor(running: Server) -> None:
    child = serving_process(running)
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.wait(PATIENCE)
    until(lambda: not Path(f"/proc/{child}").exists() or _is_zombie(child))


def _is_zombie(pid: int) -> bool:
    return ") Z " in Path(f"/proc/{pid}/stat").read_text()


@pytest.mark.case(56)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_clients_that_hold_on_delay_no_end(running: Server, number: signal.Signals) -> None:
    address = urlsplit(running.url)
    where = (str(address.hostname), int(address.port or 0))
    half_body = (
        b"POST /v1/search HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b'Content-Length: 1000\r\n\r\n{"text"'
    )
    unread = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 50
    with ExitStack() as open_links:
        for sent in (b"", b"GET / HTTP/1.1\r\nX", half_body, unread):
            link = socket.socket()
            link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            open_links.enter_context(link)
            link.connect(where)
            link.sendall(sent)
        # The half-sent request is under way once another one has been answered.
        assert httpx.get(f"{running.url}/healthz", timeout=PATIENCE).status_code == 200
        running.process.send_signal(number)
        # By itself: all clients are still there.
        assert running.process.wait(PATIENCE) == 0
    log = running.log.read_text("utf-8")
    assert "Traceback" not in log
    assert "ASGI" not in log


def test_a_start_that_fails_is_not_repeated(fake_cli: Cli, tmp_path: Path) -> None:
    done = fake_cli("serve", "--index", tmp_path / "none", "--port", "0")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: There is no index")


def test_a_process_that_never_gets_ready_is_tried_more_and_more_rarely(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lives = iter([(True, -9), *[(False, 1)] * 6, (True, -9), (False, 1)])
    waited: list[float] = []
    with socket.socket() as listening:
        supervisor = supervision._Supervisor(lambda _: None, listening)

        def live(restarts: int) -> tuple[bool, int]:
            if (life := next(lives, None)) is None:
                supervisor.stop(signal.SIGTERM, None)
            return life or (True, 0)

        monkeypatch.setattr(supervisor, "_run_one", live)
        monkeypatch.setattr(supervisor, "_wait", waited.append)
        supervisor.run()
    assert waited == [1, 2, 4, 8, 16, 30, 1]
