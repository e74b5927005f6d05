"""Keys, rate limits and uploads over a real server process: floods, memory, stored files."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.processes import PATIENCE, Cli, Server, serve, serving_process
from tests.support.service_helpers import RED, error_of, image_file
from tests.support.waiting import until

SHOP, PHONE = "shop-0123456789abcdef", "phone-0123456789abcdef"
MIB = 2**20
BURST = 30
HEAD = (
    "POST /v1/search HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n"
    "Content-Type: {kind}\r\n{length}\r\n\r\n"
)
FORM = "multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="image"; filename="me.jpg"\r\n\r\n'


@contextmanager
def guarded_server(index: Path, folder: Path) -> Iterator[Server]:
    """A server with keys and rate limits, whose temporary files are in `folder / "spool"`."""
    (folder / "spool").mkdir()
    keys = folder / "keys"
    keys.write_text(f"# the keys\nshop:{SHOP}\nphone:{PHONE}\n")
    environment = {
        "LOOKALIKE_API_KEYS_FILE": str(keys),
        "LOOKALIKE_RATE_LIMIT": "0.001",
        "LOOKALIKE_RATE_BURST": str(BURST),
        "TMPDIR": str(folder / "spool"),
    }
    running = serve(Cli(fake=True, environment=environment), index, folder / "stderr")
    httpx.get(f"{running.url}/readyz", timeout=PATIENCE).raise_for_status()
    yield running
    running.process.terminate()
    running.process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="module")
def guarded(coloured: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A guarded server; only one test uses the key `SHOP`, which it exhausts."""
    with guarded_server(coloured / "index", tmp_path_factory.mktemp("guarded")) as server:
        yield server


def connect(server: Server) -> socket.socket:
    address = urlsplit(server.url)
    return socket.create_connection((address.hostname, address.port), timeout=PATIENCE)


def head(kind: str = FORM, length: str = "Transfer-Encoding: chunked", key: str = PHONE) -> bytes:
    return HEAD.format(key=key, kind=kind, length=length).encode()


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def exchange(server: Server, *pieces: bytes) -> tuple[int, bytes]:
    """Status and body of the answer to raw bytes, which may come before all are sent."""
    with connect(server) as link:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                link.sendall(piece)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while b"\r\n\r\n" not in answer or not answer.rstrip().endswith(b"}"):
                got = link.recv(65536)
                if not got:
                    break
                answer += got
    top, _, body = answer.partition(b"\r\n\r\n")
    return int(top.split()[1]), body


def peak(server: Server) -> int:
    """The most memory that the process ever had resident, in bytes (proc(5), VmHWM)."""
    status = Path(f"/proc/{serving_process(server)}/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def unlinked(server: Server, folder: Path) -> list[str]:
    """Files without a name that the serving process has open in a folder."""
    found = []
    for link in Path(f"/proc/{serving_process(server)}/fd").iterdir():
        with contextlib.suppress(OSError):
            target = os.readlink(link)  # noqa: PTH115 (the target is not a path any more)
            if target.startswith(str(folder)):
                found.append(target)
    return found


@pytest.mark.case(43)
def test_one_key_floods_and_another_is_served(guarded: Server) -> None:
    """Row 43 of CASES.md, side by side over many connections."""
    url = f"{guarded.url}/v1/search?q=red"

    def ask(key: str) -> httpx.Response:
        return httpx.get(url, headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE)

    with ThreadPoolExecutor(8) as pool:
        flood = [pool.submit(ask, SHOP) for _ in range(120)]
        others = [pool.submit(ask, PHONE).result() for _ in range(5)]
        answers = [each.result() for each in flood]
    assert {answer.status_code for answer in others} == {200}
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 429}
    assert statuses.count(200) == BURST
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert error_of(refused) == (429, "rate_limited")
    assert int(refused.headers["retry-after"]) >= 1


@pytest.mark.case(42)
def test_wrong_keys_over_the_wire(guarded: Server) -> None:
    """Row 42, with bytes that clients would not send; the log has a key's name, not the key."""
    bodies = set()
    for key in (b"", b"wrong", b"schl\xc3\xbcssel-0123456789", b"\xff" * 40, b"k" * 30_000):
        request = b"GET /v1/index HTTP/1.1\r\nHost: x\r\nX-Request-Id: same\r\n"
        status, body = exchange(guarded, request + b"X-API-Key: " + key + b"\r\n\r\n")
        assert status == 401
        bodies.add(body)
    status, body = exchange(guarded, request + b"\r\n")
    assert status == 401
    assert bodies == {body}
    httpx.get(f"{guarded.url}/v1/index", headers={"X-API-Key": PHONE}, timeout=PATIENCE)
    until(lambda: '"key": "phone"' in guarded.log.read_text())
    assert PHONE not in guarded.log.read_text()
    assert "schl" not in guarded.log.read_text()


@pytest.mark.case(38)
@pytest.mark.parametrize("kind", ["application/json", FORM])
@pytest.mark.parametrize("declared", [True, False])
def test_a_large_body_is_not_held(guarded: Server, kind: str, declared: bool) -> None:
    """Row 38: 413, and the process never holds more than its limit of 28 MiB and what it copies."""
    before = peak(guarded)
    size = 400 * MIB
    block = b" " * MIB
    if declared:
        pieces = [head(kind, f"Content-Length: {size}"), *[block] * 400]
    else:
        opening = chunked(PART) if kind == FORM else b""
        pieces = [head(kind), opening, *[chunked(block)] * 400]
    status, body = exchange(guarded, *pieces)
    assert (status, json.loads(body)["code"]) == (413, "payload_too_large")
    assert peak(guarded) - before < 100 * MIB


@pytest.mark.case(49)
def test_half_sent_bodies_take_no_memory(coloured: Path, tmp_path: Path) -> None:
    """The case sec-body-memory, and forms: many parts, none of which is large."""
    running = serve(Cli(fake=True), coloured / "index", tmp_path / "stderr")
    part = PART + b"x" * (MIB // 2) + b"\r\n"
    try:
        for kind, block in (("application/json", b" " * (8 * MIB)), (FORM, part * 16)):
            before = peak(running)
            with contextlib.ExitStack() as links:
                for _ in range(30):
                    link = links.enter_context(connect(running))
                    link.sendall(head(kind, "Content-Length: 26000000") + block)
                answer = httpx.post(
                    f"{running.url}/v1/search", files={"image": image_file(RED)}, timeout=PATIENCE
                )
                assert answer.status_code == 200
                assert peak(running) - before < 100 * MIB
    finally:
        running.process.terminate()
        running.process.communicate(timeout=PATIENCE)


def test_a_large_body_without_a_key_is_not_read(guarded: Server) -> None:
    before = peak(guarded)
    pieces = [head(key="wrong"), *[chunked(b" " * MIB)] * 100]
    status, _ = exchange(guarded, *pieces)
    assert status == 401
    assert peak(guarded) - before < 20 * MIB


ABUSE = {
    "no end": PART + b"x" * 5000,
    "a header without end": b"--b\r\nContent-Disposition: " + b"a" * (2 * MIB),
    "many headers": b"--b\r\n" + b"X: y\r\n" * 50_000 + b"\r\n\r\n--b--\r\n",
    "many parts": (PART + b"1\r\n") * 10_000 + b"--b--\r\n",
    "many empty parts": b"--b\r\n\r\n\r\n" * 10_000 + b"--b--\r\n",
    "boundaries only": b"--b\r\n" * 100_000,
    "almost boundaries": PART + b"\r\n--" * 500_000 + b"\r\n--b--\r\n",
    "bare line feeds": PART.replace(b"\r\n", b"\n") + b"x\n--b--\n",
    "a preamble without end": b"x" * (2 * MIB),
    "a nested form": b'--b\r\nContent-Disposition: form-data; name="query"\r\n'
    b"Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n{}\r\n--c--\r\n--b--\r\n",
    "a path as file name": PART.replace(b"me.jpg", b"../../etc/passwd") + b"x\r\n--b--\r\n",
    "NUL in the name": PART.replace(b"image", b"im\0age") + b"x\r\n--b--\r\n",
    "a quoted printable part": PART[:-2] + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n="
    b"\r\n--b--\r\n",
    "a form in a form's field": b'--b\r\nContent-Disposition: form-data; name="query"\r\n\r\n'
    + b"[" * 500_000 + b"\r\n--b--\r\n",
    "ten forms' worth of text": b'--b\r\nContent-Disposition: form-data; name="query"\r\n\r\n'
    + b" " * (10 * MIB) + b"\r\n--b--\r\n",
}  # fmt: skip


@pytest.mark.case(39)
@pytest.mark.parametrize("body", ABUSE.values(), ids=ABUSE.keys())
def test_multipart_abuse(fake_server: Server, body: bytes) -> None:
    """Row 39: refused as what it is; 415 and 422 are for a form that can be read."""
    status, answer = exchange(fake_server, head(FORM, f"Content-Length: {len(body)}") + body)
    assert status in (400, 413, 415, 422), answer
    assert set(json.loads(answer)) == {"code", "message", "request_id"}
    assert httpx.get(f"{fake_server.url}/healthz", timeout=PATIENCE).status_code == 200


@pytest.mark.parametrize(
    "kind",
    [f"multipart/form-data; boundary={'b' * 30_000}", "multipart/form-data; boundary=",
     "multipart/form-data; boundary=b; boundary=c", 'multipart/form-data; boundary="b',
     "multipart/form-data; charset=x; boundary=b", "multipart/mixed; boundary=b"],
)  # fmt: skip
def test_abuse_of_the_boundary(fake_server: Server, kind: str) -> None:
    body = PART + b"x\r\n--b--\r\n"
    status, answer = exchange(fake_server, head(kind, f"Content-Length: {len(body)}") + body)
    assert status in (400, 413, 415, 422), answer


def _stored(folder: Path) -> list[Path]:
    """The files in a folder; the socket that starts decoding processes holds nothing."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_no_image_of_a_shopper_is_stored(coloured: Path, tmp_path: Path) -> None:
    """A large upload is in a file without a name; even after SIGKILL no file is left."""
    files, spool = sorted(coloured.rglob("*")), tmp_path / "spool"
    large = image_file(RED) + b"\0" * 3 * MIB
    bodies: list[dict[str, Any]] = [{"files": {"image": large}}, {"json": {"text": "red"}}]
    with guarded_server(coloured / "index", tmp_path) as server:
        for body in bodies:
            headers = {"X-API-Key": PHONE}
            httpx.post(f"{server.url}/v1/search", headers=headers, timeout=PATIENCE, **body)
            assert _stored(spool) == []
        with connect(server) as link:
            link.sendall(head() + chunked(PART))
            for _ in range(8):
                link.sendall(chunked(image_file(RED) + b"\0" * MIB))
            # Past a megabyte it is on the disk, as a file without a name.
            until(lambda: unlinked(server, spool))
            assert _stored(spool) == []
            server.process.kill()
            server.process.wait(PATIENCE)
    assert _stored(spool) == []
    assert sorted(coloured.rglob("*")) == files
    assert "me.jpg" not in server.log.read_text()


@pytest.mark.slow
def test_a_start_with_wrong_keys_is_refused_in_one_line(coloured: Path) -> None:
    for name, value, word in [
        ("LOOKALIKE_API_KEYS", "secret", "NAME:KEY"),
        ("LOOKALIKE_RATE_LIMIT", "often", "LOOKALIKE_RATE_LIMIT"),
    ]:
        cli = Cli(fake=True, environment={name: value})
        done = cli("serve", "--index", coloured / "index", "--port", "0")
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert word in line
        assert value not in line


def test_an_upload_that_stops_half_way_is_no_error(fake_server: Server) -> None:
    named = head().replace(b"Host: x", b"X-Request-Id: half-way\r\nHost: x")
    with connect(fake_server) as link:
        link.sendall(named + chunked(PART) + chunked(b"x" * 100))

    def line() -> str:
        lines = fake_server.log.read_text("utf-8").splitlines()
        return next((line for line in lines if '"request_id": "half-way"' in line), "")

    until(line)
    assert json.loads(line())["status"] in (0, 499)
    assert "Traceback" not in fake_server.log.read_text("utf-8")
