"""The downloader against a real HTTP server on loopback, with the failures of real servers."""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from email.message import Message
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from cnn_tui.engine.data import fetch as fetch_module
from cnn_tui.engine.data.fetch import MIRROR_VARIABLE, Patience, fetch
from cnn_tui.engine.data.sources import SOURCES, Download, RemoteFile
from cnn_tui.engine.data.transfer import RefusedError, _Redirects
from cnn_tui.engine.errors import DataError

pytestmark = pytest.mark.slow

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


@pytest.fixture
def server(loopback: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
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


def test_file_is_fetched_whole_and_only_once(server: Server, tmp_path: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    assert get(tmp_path / "new", progress=lambda *call: calls.append(call)) == CONTENT
    assert calls[-1] == ("one.bin", 300_000, 300_000)
    assert [done for _, done, _ in calls] == sorted(done for _, done, _ in calls)
    assert get(tmp_path / "new") == CONTENT
    assert server.asked == [("/set/one.bin", None, None)]


def test_connection_that_is_cut_is_resumed_where_it_ended(server: Server, tmp_path: Path) -> None:
    server.behaviours = [cut(100_000), cut(50_000), cut(1)]
    assert get(tmp_path) == CONTENT
    assert ranges(server) == [None, "bytes=100000-", "bytes=150000-", "bytes=150001-"]
    assert {asked[2] for asked in server.asked[1:]} == {'"v1"'}


def test_stall_is_noticed_and_resumed(server: Server, tmp_path: Path) -> None:
    server.behaviours = [stall(1000), stall(0)]
    assert get(tmp_path) == CONTENT
    assert ranges(server) == [None, "bytes=1000-", "bytes=1000-"]


def test_next_call_goes_on_from_the_part_file(server: Server, tmp_path: Path) -> None:
    server.behaviours = [cut(1000), *[status(503)] * 3]
    fails(tmp_path, r"127\.0\.0\.1:\d+: it answers 503 Service Unavailable")
    assert (tmp_path / "one.bin.part").read_bytes() == CONTENT[:1000]
    server.asked.clear()
    assert get(tmp_path) == CONTENT
    assert ranges(server) == ["bytes=1000-"]


@pytest.mark.parametrize(
    "fault",
    [cut(0), stall(0), status(503), status(500), status(429), no_http, hang_up],
)
def test_passing_faults_are_waited_out(server: Server, tmp_path: Path, fault: Behaviour) -> None:
    server.behaviours = [fault, fault]
    assert get(tmp_path) == CONTENT
    assert len(server.asked) == 3


@pytest.mark.parametrize("fault", [cut(0), stall(0), status(503), no_http, hang_up])
def test_patience_ends(server: Server, tmp_path: Path, fault: Behaviour) -> None:
    server.behaviours = [fault] * 3
    fails(tmp_path, r"one\.bin cannot be downloaded: 127.*--mirror URL")
    assert len(server.asked) == 3
    assert get(tmp_path) == CONTENT


@pytest.mark.parametrize("code", [403, 404, 410, 401])
def test_refusals_are_not_repeated(server: Server, tmp_path: Path, code: int) -> None:
    server.behaviours = [status(code)]
    fails(tmp_path, f"it answers {code}")
    assert len(server.asked) == 1
    assert get(tmp_path) == CONTENT


def test_host_may_ask_for_time(server: Server, tmp_path: Path) -> None:
    server.behaviours = [status(503, Retry_After="1")]
    began = time.monotonic()
    patience = Patience(stall=1, tries=3, pause=0.01, longest_pause=0.3)
    assert get(tmp_path, patience=patience) == CONTENT
    assert time.monotonic() - began >= 0.3


@pytest.mark.parametrize(
    ("lie", "message"),
    [
        (whole(b"<html>sign in</html>"), "offers 20 bytes, expected 300,000"),
        (whole(CONTENT + b"x"), "offers 300,001 bytes, expected 300,000"),
        (without_length(CONTENT + b"x"), "sends more than the 300,000 bytes"),
        (without_length(OTHER + OTHER), "sends more than the 300,000 bytes"),
        (wrong_byte, "the SHA-256 of the received file is wrong"),
        (whole(OTHER), "the SHA-256 of the received file is wrong"),
    ],
)
def test_other_content_is_refused_and_not_kept(
    server: Server, tmp_path: Path, lie: Behaviour, message: str
) -> None:
    server.behaviours = [lie]
    fails(tmp_path, message)
    assert len(server.asked) == 1
    assert (tmp_path / "one.bin.part").stat().st_size == 0
    assert get(tmp_path) == CONTENT


def test_length_that_promises_too_much_is_believed_no_further(
    server: Server, tmp_path: Path
) -> None:
    server.behaviours = [whole(CONTENT[:5000], length=300_000)]
    assert get(tmp_path) == CONTENT
    assert ranges(server) == [None, "bytes=5000-"]


def test_answer_without_a_length_that_ends_early_is_resumed(server: Server, tmp_path: Path) -> None:
    server.behaviours = [without_length(CONTENT[:5000])]
    assert get(tmp_path) == CONTENT
    assert ranges(server) == [None, "bytes=5000-"]


def test_server_without_ranges_sends_all_anew(server: Server, tmp_path: Path) -> None:
    server.behaviours = [cut(1000), whole(CONTENT)]
    assert get(tmp_path) == CONTENT


def test_other_part_than_asked_for_is_dropped(server: Server, tmp_path: Path) -> None:
    server.behaviours = [cut(1000), other_part]
    assert get(tmp_path) == CONTENT
    assert ranges(server) == [None, "bytes=1000-", None]


def test_416_means_to_begin_anew(server: Server, tmp_path: Path) -> None:
    server.behaviours = [cut(1000), status(416)]
    assert get(tmp_path) == CONTENT
    assert ranges(server) == [None, "bytes=1000-", None]


def test_content_that_changed_on_the_server_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    def change_then_cut(handler: Handler) -> None:
        handler.server.content = OTHER
        cut(1000)(handler)
        handler.server.content, handler.server.etag = CONTENT, '"v2"'

    server.behaviours = [change_then_cut]
    assert get(tmp_path) == CONTENT
    assert server.asked[1][1:] == ("bytes=1000-", '"v1"')


def test_weak_names_of_content_are_not_relied_on(server: Server, tmp_path: Path) -> None:
    server.etag = 'W/"v1"'
    server.behaviours = [cut(1000)]
    assert get(tmp_path) == CONTENT
    assert server.asked[1][1:] == ("bytes=1000-", None)


def test_wrong_beginning_is_found_by_its_sum_and_fetched_anew(
    server: Server, tmp_path: Path
) -> None:
    (tmp_path / "one.bin.part").write_bytes(OTHER[:1000])
    assert get(tmp_path) == CONTENT
    assert ranges(server) == ["bytes=1000-", None]


@pytest.mark.parametrize("content", [CONTENT, CONTENT + b"x"])
def test_part_that_is_complete_or_too_long(server: Server, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "one.bin.part").write_bytes(content)
    assert get(tmp_path) == CONTENT
    assert len(server.asked) == (content != CONTENT)


def test_damaged_file_is_replaced(server: Server, tmp_path: Path) -> None:
    (tmp_path / "one.bin").write_bytes(OTHER)
    assert get(tmp_path) == CONTENT


def test_second_host_goes_on_where_the_first_gave_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = (f"{server.address}/a/", f"{server.address}/b/")
    monkeypatch.setitem(SOURCES, "set", SOURCES["set"]._replace(hosts=hosts))
    server.behaviours = [cut(1000), status(403)]
    assert get(tmp_path) == CONTENT
    assert server.asked[-1] == ("/b/one.bin", "bytes=1000-", None)
    (tmp_path / "one.bin").unlink()
    server.behaviours = [status(404), status(403)]
    error = fails(tmp_path, "cannot be downloaded")
    assert "it answers 404" in str(error) and "it answers 403" in str(error)


def test_mirror_is_asked_instead(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert get(tmp_path, mirror=f"{server.address}/mirror/") == CONTENT
    (tmp_path / "one.bin").unlink()
    monkeypatch.setenv(MIRROR_VARIABLE, f"{server.address}/by/variable")
    assert get(tmp_path) == CONTENT
    assert [asked[0] for asked in server.asked] == [
        "/mirror/set/one.bin",
        "/by/variable/set/one.bin",
    ]


@pytest.mark.parametrize(
    "mirror", ["ftp://host/x", "file:///etc", "host/x", "https://", "http://[x", "\x1b[31m"]
)
def test_mirror_must_be_an_address(server: Server, tmp_path: Path, mirror: str) -> None:
    error = fails(tmp_path, "is not an address", mirror=mirror)
    assert str(error).isprintable()


def test_redirects_are_followed_within_http(server: Server, tmp_path: Path) -> None:
    server.behaviours = [status(302, Location="/elsewhere")]
    assert get(tmp_path) == CONTENT
    assert server.asked[-1][0] == "/elsewhere"
    (tmp_path / "one.bin").unlink()
    server.behaviours = [status(302, Location="file:///etc/passwd")]
    fails(tmp_path, "it answers 302")


def test_redirects_never_lead_off_https() -> None:
    request = urllib.request.Request("https://host/file")
    redirect = partial(_Redirects().redirect_request, request, None, 302, "Found", Message())
    assert redirect("https://other/file") is not None
    with pytest.raises(RefusedError, match="redirects to plain HTTP"):
        redirect("http://other/file")


def test_stop_breaks_off_and_keeps_what_has_come(server: Server, tmp_path: Path) -> None:
    stop = threading.Event()

    def progress(what: str, done: int, total: int) -> None:
        if done > 50_000:
            stop.set()

    server.behaviours = [stall(100_000)]
    fails(tmp_path, "was interrupted.*kept", stop=stop, progress=progress)
    kept = (tmp_path / "one.bin.part").stat().st_size
    assert 50_000 < kept <= 100_000
    assert get(tmp_path) == CONTENT
    assert ranges(server)[-1] == f"bytes={kept}-"


def test_stop_ends_a_pause(server: Server, tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    patience = Patience(stall=1, pause=600, longest_pause=600)
    server.behaviours = [status(503)]
    fails(tmp_path, "was interrupted", stop=stop, patience=patience)


def test_error_in_the_progress_is_not_swallowed(server: Server, tmp_path: Path) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch("set", tmp_path, progress=interrupt)
    assert get(tmp_path) == CONTENT


def test_two_at_once_do_not_mix(server: Server, tmp_path: Path) -> None:
    server.behaviours = [stall(1000)]
    begun, results = threading.Event(), []

    def first() -> None:
        fetch("set", tmp_path, progress=lambda *call: begun.set(), patience=Patience(stall=30))
        results.append("done")

    thread = threading.Thread(target=first)
    thread.start()
    assert begun.wait(10)
    fails(tmp_path, "another process is downloading it")
    server.released.set()
    thread.join(30)
    assert results == ["done"] and (tmp_path / "one.bin").read_bytes() == CONTENT


def test_disk_without_room_is_said_before_anything_is_asked(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    huge = SOURCES["set"].files[0]._replace(size=1 << 60)
    monkeypatch.setitem(SOURCES, "set", SOURCES["set"]._replace(files=(huge,)))
    fails(tmp_path, r"MB are needed.*--data-dir")
    assert server.asked == []


def test_folder_that_cannot_be_written_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"file/one\.bin: cannot be written"):
        fetch("set", tmp_path / "file")


def test_host_that_is_not_there(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = ("http://127.0.0.1:1/", "http://no-such-host.invalid/")
    monkeypatch.setitem(SOURCES, "set", SOURCES["set"]._replace(hosts=hosts))
    error = fails(tmp_path, "127.0.0.1:1: .*refused")
    assert "no-such-host.invalid: " in str(error)


def test_full_disk_in_the_middle_keeps_what_has_come(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(fetch_module, "receive", full)
        fails(tmp_path, "cannot be written: No space left on device.*kept")
    assert get(tmp_path) == CONTENT


def test_official_table() -> None:
    exact = {
        name: source.size
        for name, source in SOURCES.items()
        if all(file.is_exact for file in source.files)
    }
    assert exact == {
        "mnist": 11_594_722,
        "fashion-mnist": 30_878_645,
        "kmnist": 21_240_888,
        "cifar10": 170_052_171,
        "cifar100": 168_513_733,
    }
    for source in SOURCES.values():
        assert source.hosts[0].startswith("https://")
        assert all(host.endswith("/") for host in source.hosts)
        for file in source.files:
            assert re.fullmatch("[0-9a-f]{64}", file.sha256) or (
                not file.sha256 and re.fullmatch("[0-9a-f]{32}", file.md5)
            )
            assert os.sep not in file.name and file.size > 0
        assert source.words and (source.form == "cifar" or len(source.classes) > 1)
        assert len(set(source.classes)) == len(source.classes)


@pytest.fixture
def about(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The same server, of whose file only the MD5 is known, and about the size."""
    file = RemoteFile("one.bin", len(CONTENT) * 9 // 10, md5=hashlib.md5(CONTENT).hexdigest())
    monkeypatch.setitem(SOURCES, "set", SOURCES["set"]._replace(files=(file,), query="?download=1"))
    return server


def test_a_file_of_unknown_size_is_continued(about: Server, tmp_path: Path) -> None:
    about.behaviours = [cut(100_000), cut(150_000)]
    assert get(tmp_path / "new") == CONTENT
    assert ranges(about) == [None, "bytes=100000-", "bytes=250000-"]
    assert {asked[0] for asked in about.asked} == {"/set/one.bin?download=1"}


def test_a_mirror_is_not_asked_as_the_official_host_is(about: Server, tmp_path: Path) -> None:
    assert get(tmp_path / "new", mirror=f"{about.address}/{{odd}}") == CONTENT
    assert about.asked[0][0] == "/{odd}/set/one.bin"


def test_a_file_whose_host_tells_no_size_ends_where_it_ends(about: Server, tmp_path: Path) -> None:
    def unsaid(handler: Handler) -> None:
        handler.head(200, None)
        handler.wfile.write(CONTENT)

    about.behaviours = [unsaid]
    assert get(tmp_path / "new") == CONTENT


def test_a_whole_part_of_unknown_size_is_not_taken_for_a_part(
    about: Server, tmp_path: Path
) -> None:
    """A process that ended between the last byte and the rename leaves it."""
    (tmp_path / "one.bin.part").write_bytes(CONTENT)
    assert get(tmp_path) == CONTENT


def test_much_more_than_expected_is_refused(about: Server, tmp_path: Path) -> None:
    about.behaviours = [whole(bytes(1_000_000))]
    fails(tmp_path, "it sends more than the")
    about.behaviours = [whole(b"<html>")]
    fails(tmp_path, "the MD5 of the received file is wrong")
