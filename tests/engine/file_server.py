"""A real HTTP server on loopback, which misbehaves as real servers do."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from cnn_tui.engine.data.fetch import MIRROR_VARIABLE, Patience, fetch
from cnn_tui.engine.data.sources import SOURCES, Download, RemoteFile
from cnn_tui.engine.errors import DataError

CONTENT = np.random.default_rng(0).bytes(300_000)
OTHER = np.random.default_rng(1).bytes(300_000)
QUICK = Patience(stall=0.4, tries=3, pause=0.01, longest_pause=0.05)

Behaviour = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers with the server's next behaviour, and correctly once none is left."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.close_connection = True
        self.server.asked.append(
            (self.path, self.headers.get("Range"), self.headers.get("If-Range"))
        )
        behaviours = self.server.behaviours
        (behaviours.pop(0) if behaviours else well)(self)

    def log_message(self, *args: object) -> None:
        pass

    def head(self, status: int, length: int | None, **headers: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    @property
    def start(self) -> int:
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        current = self.headers.get("If-Range", self.server.etag) == self.server.etag
        return int(wanted[1]) if wanted and current else 0

    def begin(self, content: bytes, start: int, length: int | None = None) -> None:
        end = len(content) - 1
        partial = {"Content_Range": f"bytes {start}-{end}/{len(content)}"} if start else {}
        length = len(content) - start if length is None else length
        self.head(206 if start else 200, length, ETag=self.server.etag, **partial)


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.behaviours: list[Behaviour] = []
        self.content, self.etag = CONTENT, '"v1"'
        self.released = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *args: object) -> None:
        """Clients that hang up are what is tested here."""


def well(handler: Handler) -> None:
    content = handler.server.content
    if handler.start >= len(content):
        return handler.head(416, 0, Content_Range=f"bytes */{len(content)}")
    handler.begin(content, handler.start)
    handler.wfile.write(content[handler.start :])


def cut(after: int) -> Behaviour:
    def behave(handler: Handler) -> None:
        handler.begin(handler.server.content, handler.start)
        handler.wfile.write(handler.server.content[handler.start :][:after])

    return behave


def stall(after: int) -> Behaviour:
    def behave(handler: Handler) -> None:
        handler.begin(handler.server.content, handler.start)
        handler.wfile.write(handler.server.content[handler.start :][:after])
        handler.wfile.flush()
        handler.server.released.wait(30)

    return behave


def status(code: int, **headers: str) -> Behaviour:
    return lambda handler: handler.head(code, 0, **headers)


def whole(content: bytes, length: int | None = None) -> Behaviour:
    """Send the whole file for any requested range; the header may give a false length."""

    def behave(handler: Handler) -> None:
        handler.head(200, len(content) if length is None else length)
        handler.wfile.write(content)

    return behave


def without_length(content: bytes) -> Behaviour:
    def behave(handler: Handler) -> None:
        handler.head(200, None)
        handler.wfile.write(content)

    return behave


def wrong_byte(handler: Handler) -> None:
    bad = bytearray(handler.server.content)
    bad[1000] ^= 1
    bad[-1000] ^= 1
    handler.begin(bytes(bad), handler.start)
    handler.wfile.write(bad[handler.start :])


def other_part(handler: Handler) -> None:
    handler.head(206, 100, Content_Range=f"bytes 7-106/{len(CONTENT)}")
    handler.wfile.write(CONTENT[7:107])


def no_http(handler: Handler) -> None:
    handler.wfile.write(b"SSH-2.0-hello\r\n\r\n")


def hang_up(handler: Handler) -> None:
    handler.connection.close()


def serving(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server of ``one.bin``, which is the set ``set``: what a fixture yields from."""
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv(MIRROR_VARIABLE, raising=False)
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    files = (RemoteFile("one.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest()),)
    source = Download((f"{server.address}/set/",), files, (1, 1, 1), 1, 1)
    monkeypatch.setitem(SOURCES, "set", source)
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


def get(folder: Path, **options: object) -> bytes:
    fetch("set", folder, **{"patience": QUICK, **options})
    assert sorted(path.name for path in folder.iterdir()) == ["one.bin"]
    return (folder / "one.bin").read_bytes()


def fails(folder: Path, message: str, **options: object) -> DataError:
    with pytest.raises(DataError, match=message) as caught:
        fetch("set", folder, **{"patience": QUICK, **options})
    assert "\n" not in str(caught.value)
    assert not (folder / "one.bin").exists()
    return caught.value


def ranges(server: Server) -> list[str | None]:
    return [asked[1] for asked in server.asked]
