"""A small reverse proxy that serves a service under a path, as a shop's web server does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from tests.support.processes import PATIENCE

__all__ = ["sub_path_proxy"]

_NOT_PASSED_ON = {"connection", "transfer-encoding", "content-length", "date", "server"}


@contextmanager
def sub_path_proxy(target: str, path: str, *, removes: bool = True) -> Iterator[str]:
    """Run a proxy, and give the address of the path, which ends with a slash.

    Args:
        target: Address of the service.
        path: Begins and ends with a slash; everything else of the host is not found.
        removes: Whether the path is removed from what is passed on.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            size = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(size)
            if not self.path.startswith(path):
                self.send_error(404, "outside of the path")
                return
            rest = self.path[len(path) - 1 :] if removes else self.path
            headers = {k: v for k, v in self.headers.items() if k.lower() not in _NOT_PASSED_ON}
            answer = client.request(
                self.command, target + rest, content=body, headers=headers, timeout=PATIENCE
            )
            self.send_response_only(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in {"transfer-encoding", "content-encoding"}:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_HEAD = do_POST = pass_on  # noqa: N815

        def log_message(self, *_: object) -> None: ...

    with httpx.Client() as client, ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{path}"
        server.shutdown()
