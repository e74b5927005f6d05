"""A real `lookalike serve` process over a real index: HTTP, logs, shutdown, failed starts."""

from __future__ import annotations

import base64
import contextlib
import json
import signal
import socket
from io import BytesIO
from pathlib import Path
from urllib.parse import quote, urlsplit

import httpx
import pytest
from PIL import Image

from search_api.service import Settings
from tests.support.processes import (
    HOSTILE_ID,
    HOSTILE_TITLE,
    MODEL,
    PATIENCE,
    Cli,
    Drawn,
    InProcessCli,
    Server,
    serve,
)
from tests.support.service_helpers import error_of, ids
from tests.support.waiting import until


@pytest.fixture(scope="module")
def http(server: Server) -> httpx.Client:
    return httpx.Client(base_url=server.url, timeout=PATIENCE)


def test_an_uploaded_photo_in_one_call(http: httpx.Client, drawn: Drawn) -> None:
    answer = http.post("/v1/search", files={"image": drawn.picture("mug-0001").read_bytes()})
    assert ids(answer)[0] == "mug-0001"
    body = answer.json()
    # Not quite 1: the searched vector has a share of the title.
    assert 0.98 < body["hits"][0]["score"] < 0.9999
    assert body["hits"][0]["fields"]["category"] == "kitchen"
    assert (body["total"], body["generation"], body["model"]) == (41, 1, MODEL)


def test_words_find_what_they_name(http: httpx.Client) -> None:
    for thing in ("umbrella", "sneaker"):
        found = ids(http.get("/v1/search", params={"q": thing, "k": 3}))
        assert found[0].startswith(thing), (thing, found)


def test_an_image_and_words_together(http: httpx.Client, drawn: Drawn) -> None:
    query = {"query": json.dumps({"text": "an umbrella", "k": 41})}
    image = {"image": drawn.picture("mug-0001").read_bytes()}
    found = ids(http.post("/v1/search", data=query, files=image))
    assert len(found) == len(set(found)) == 41


def test_health_and_facts(http: httpx.Client, drawn: Drawn) -> None:
    assert http.get("/healthz").json() == {"status": "ok"}
    assert http.get("/readyz").json() == {"status": "ready"}
    facts = http.get("/v1/index").json()
    assert (facts["products"], facts["model"], facts["generation"]) == (41, MODEL, 1)
    assert facts["fields"]["price"] == "float"
    assert drawn.report["products"] == 41


def test_tags_and_heat_maps_of_the_shipped_model(http: httpx.Client, drawn: Drawn) -> None:
    picture = base64.b64encode(drawn.picture("mug-0001").read_bytes()).decode()
    labels = {"image_base64": picture, "labels": ["mug", "umbrella", "sneaker"]}
    tags = http.post("/v1/tags", json=labels).json()["tags"]
    assert (tags[0]["label"], tags[0]["confidence"] > 0.9) == ("mug", True)
    tagged = http.post("/v1/tags", json={"image_base64": picture, "taxonomies": ["retail"]})
    assert (tagged.status_code, tagged.json()["model"]) == (200, MODEL)
    maps = [
        http.get("/v1/items/mug-0001/heatmap", params={"q": words}) for words in ("mug", "umbrella")
    ]
    sizes = {Image.open(BytesIO(each.content)).size for each in maps}
    shown = http.get("/v1/items/mug-0001/image/0").content
    assert sizes == {Image.open(BytesIO(shown)).size}
    assert maps[0].content != maps[1].content


@pytest.mark.case(13)
def test_a_hostile_id_and_title_come_back_unchanged(http: httpx.Client) -> None:
    path = f"/v1/items/{quote(HOSTILE_ID, safe='')}"
    product = http.get(path).json()
    assert (product["id"], product["fields"]) == (HOSTILE_ID, {"title": HOSTILE_TITLE})
    assert product["images"] == [f"{path}/image/0"]
    image = http.get(product["images"][0])
    assert (image.status_code, image.headers["content-type"]) == (200, "image/webp")
    assert ids(http.post("/v1/search", json={"like": [HOSTILE_ID], "k": 1})) != [HOSTILE_ID]


def test_a_percent_sign_is_not_unquoted_twice(http: httpx.Client) -> None:
    answer = http.get(f"/v1/items/{quote('mug%2D0001', safe='')}")
    assert error_of(answer) == (404, "not_found")
    assert "mug%2D0001" in answer.json()["message"]


@pytest.mark.case(41)
@pytest.mark.parametrize(
    "path",
    ["/v1/items/../../etc/passwd", "/static/../app.py", "/static/%2e%2e/app.py", "//x", "/."],
)
def test_raw_path_tricks(server: Server, path: str) -> None:
    """As bytes, since HTTP clients normalise such paths."""
    address = urlsplit(server.url)
    request = f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE) as link:
        link.sendall(request.encode())
        answer = b"".join(iter(lambda: link.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 404 ")
    assert json.loads(body)["code"] == "not_found"


def test_a_body_that_never_ends_is_cut_off(server: Server) -> None:
    address = urlsplit(server.url)
    head = (
        f"POST /v1/search HTTP/1.1\r\nHost: {address.netloc}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE) as link:
        link.sendall(head.encode())
        # The server answers and closes, which shows here as a broken pipe sooner or later.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            for _ in range(40):
                link.sendall(chunk)
        with contextlib.suppress(ConnectionResetError):
            assert link.recv(65536).startswith(b"HTTP/1.1 413 ")


@pytest.mark.case(13)
def test_callers_can_not_forge_log_lines(http: httpx.Client, server: Server) -> None:
    forged = '"}\n{"event": "forged", "level": "info"}\n\x1b[2J'
    quoted = quote(forged, safe="")
    http.get(f"/v1/items/{quoted}", headers={"X-Request-Id": "forging"})
    http.get(f"/{quoted}", headers={"X-Request-Id": "forging-too"})
    until(lambda: "forging-too" in server.log.read_text("utf-8"))
    serving, *lines = server.log.read_text("utf-8").splitlines()
    assert serving.startswith("Serving ")
    records = [json.loads(line) for line in lines if line.startswith("{")]
    assert [record["event"] for record in records] == ["request"] * len(records)
    told = {record["request_id"]: (record["path"], record["status"]) for record in records}
    assert told["forging"] == (f"/v1/items/{quoted}", 404)
    assert told["forging-too"] == (f"/{forged}", 404)
    assert "\x1b" not in server.log.read_text("utf-8")


@pytest.mark.parametrize(
    ("options", "allowed", "hosts"),
    [
        ([], False, ()),
        (["--url-host", "shop.example", "--url-host", "b.example"], False,
         ("shop.example", "b.example")),
        (["--allow-url-fetch"], True, ()),
    ],
)  # fmt: skip
def test_flags_are_settings(
    coloured: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    allowed: bool,
    hosts: tuple[str, ...],
) -> None:
    run: list[Settings] = []
    monkeypatch.setattr("search_api.service.run", lambda *arguments: run.append(arguments[3]))
    monkeypatch.setattr("search_api.service.supervise", lambda work, *_: work(None))
    done = InProcessCli().in_process("serve", "--index", coloured / "index", *options)
    assert done.returncode == 0, done.stderr
    assert [(settings.allow_url_fetch, settings.url_hosts) for settings in run] == [
        (allowed, hosts)
    ]


def refuses(where: tuple[str, int]) -> bool:
    """Whether a server accepts no connections any more."""
    try:
        socket.create_connection(where, timeout=PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.case(32)
@pytest.mark.case(56)
def test_sigterm_finishes_requests_in_progress(
    fake_cli: Cli, coloured: Path, tmp_path: Path
) -> None:
    running = serve(fake_cli, coloured / "index", tmp_path / "stderr")
    address = urlsplit(running.url)
    where = ("127.0.0.1", int(address.port or 0))
    body = b'{"text": "red", "k": 1}'
    head = (
        f"POST /v1/search HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(where, timeout=PATIENCE) as link:
        link.sendall(head.encode())
        # From here on the request is in progress.
        assert link.recv(100).startswith(b"HTTP/1.1 100 ")
        running.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(where))
        link.sendall(body)
        answer = b"".join(iter(lambda: link.recv(65536), b""))
    output, _ = running.process.communicate(timeout=PATIENCE)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["total"] == 2
    assert (running.process.returncode, output) == (0, "")
    assert "Traceback" not in running.log.read_text("utf-8")


def test_an_address_in_use(fake_cli: Cli, coloured: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = fake_cli("serve", "--index", coloured / "index", "--port", str(port))
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert f"127.0.0.1:{port}" in line
    assert "--port 0" in line
