"""Files that a person names: read through links and within limits, replaced whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.files import read_bytes, read_text, reason, replace_bytes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "net.toml"


def test_a_link_is_followed_unless_no_person_has_typed_it(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbfabc")
    link = path.with_name("link")
    link.symlink_to(path)
    assert read_bytes(link, 6) == b"\xef\xbb\xbfabc"
    assert read_text(link, 6) == "abc", "without a byte order mark"
    for read in (read_bytes, read_text):
        with pytest.raises(SpecError, match="cannot be read: link is a link"):
            read(link, 6, links=False)


def test_what_cannot_be_read_is_one_line_with_what_to_do(path: Path) -> None:
    with pytest.raises(SpecError, match=r"There is no file .*net\.toml\.") as missing:
        read_bytes(path, 9, hint="Give another.")
    assert missing.value.hint == "Check the path."
    path.write_bytes(b"abc\xff")
    for name, words in {
        str(path): "cannot be read: it is larger than 0 KB",
        str(path.parent): "cannot be read: .*is a folder, not a file",
        f"{path}\0": "cannot be read: embedded null byte",
    }.items():
        with pytest.raises(SpecError, match=words) as caught:
            read_bytes(Path(name), 3, hint="Give another.")
        assert caught.value.hint == "Give another." and str(caught.value).isprintable()
    with pytest.raises(SpecError, match="is not UTF-8 text") as caught:
        read_text(path, 4, hint="Give another.")
    assert caught.value.hint == "Give another."


def test_a_replaced_file_keeps_its_permissions_and_the_link_to_it(path: Path) -> None:
    path.write_bytes(b"old")
    path.chmod(0o4751)
    link = path.with_name("link")
    link.symlink_to(path)
    replace_bytes(link, b"new")
    assert link.is_symlink() and path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o751, "but runs as nobody else"
    replace_bytes(path.with_name("first"), b"new")
    assert path.with_name("first").read_bytes() == b"new"


def test_a_file_that_may_not_be_written_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b"old")
    # The superuser may write everything.
    monkeypatch.setattr(os, "access", lambda file, mode: not (file == path and mode == os.W_OK))
    with pytest.raises(PermissionError, match=r"Errno 13\] it is read-only"):
        replace_bytes(path, b"new")
    assert path.read_bytes() == b"old"


def test_a_reason_follows_a_colon() -> None:
    assert reason(OSError(28, "No space left on device")) == "no space left on device"
    assert reason(ValueError("Embedded NUL\n")) == "embedded NUL\\n"
