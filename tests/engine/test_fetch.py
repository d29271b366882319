"""The downloader against a real HTTP server on loopback, with the failures of real servers."""

from __future__ import annotations

import os
import re
import threading
import time
import urllib.request
from collections.abc import Iterator
from email.message import Message
from functools import partial
from pathlib import Path

import pytest
from file_server import (
    CONTENT,
    Behaviour,
    Server,
    cut,
    fails,
    get,
    hang_up,
    no_http,
    ranges,
    serving,
    stall,
    status,
)

from cnn_tui.engine.data import fetch as fetch_module
from cnn_tui.engine.data.fetch import Patience, fetch
from cnn_tui.engine.data.sources import SOURCES
from cnn_tui.engine.data.transfer import RefusedError, _Redirects
from cnn_tui.engine.errors import DataError

pytestmark = pytest.mark.slow


@pytest.fixture
def server(loopback: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    yield from serving(monkeypatch)


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
