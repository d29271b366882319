"""The downloader where content, parts or hosts are not those of the time before."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from file_server import (
    CONTENT,
    OTHER,
    Behaviour,
    Handler,
    Server,
    cut,
    fails,
    get,
    other_part,
    ranges,
    serving,
    status,
    whole,
    without_length,
    wrong_byte,
)

from cnn_tui.engine.data.fetch import MIRROR_VARIABLE
from cnn_tui.engine.data.sources import SOURCES, RemoteFile

pytestmark = pytest.mark.slow


@pytest.fixture
def server(loopback: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    yield from serving(monkeypatch)


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
