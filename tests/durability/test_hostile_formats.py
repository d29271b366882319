"""A file of every format with damage of every kind: the command ends, with one line if it fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hostile import DAMAGE, FORMATS, IN_ITS_PLACE, KEPT, PWNED
from made import check_command

from cnn_tui.engine.lessons.progress import LessonProgress
from cnn_tui.tui.building.recent import NETWORKS
from cnn_tui.tui.config import config_file

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The present folder, and the user's own folders below it."""
    for kind in ("DATA", "CACHE", "STATE", "CONFIG"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / "home"))
    shutil.copytree(KEPT / "runs", tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(cli, what: str, words: str) -> None:
    """The command ends well, or with one line that no terminal is harmed by."""
    try:
        _, told = check_command(cli, *words.split())
    except AssertionError as error:
        raise AssertionError(f"{what}: {error}") from None
    errors = [line for line in told.splitlines() if line.startswith("cnn-tui: error:")]
    # It lists every mistake of a lesson, one a line.
    assert len(errors) <= 1 or "learn --check" in words, (what, told)
    assert all(line.isprintable() for line in told.splitlines()), (what, told)
    assert not Path(PWNED).exists() and not Path("..", PWNED).exists(), what


@pytest.mark.parametrize("name", FORMATS)
def test_no_damage_is_more_than_one_line(name: str, place: Path, cli) -> None:
    path, words = FORMATS[name](place)
    check(cli, "sound", words)
    whole = path.read_bytes() if path.is_file() else b""
    for what, damage in DAMAGE.items() if whole else ():
        path.write_bytes(damage(whole))
        check(cli, what, words)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    for what, put in IN_ITS_PLACE.items():
        put(path)
        check(cli, what, words)
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    check(cli, "gone", words)


@pytest.mark.parametrize("own", ["config.toml", "lessons.json", "recent.json"])
def test_a_file_of_ones_own_never_stops_a_command(own: str, place: Path, cli) -> None:
    path = {
        "config.toml": config_file(),
        "lessons.json": LessonProgress().path,
        "recent.json": place / "home" / "cnn-tui" / "recent.json",
    }[own]
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = (KEPT / own).read_bytes() if own != "recent.json" else b'["/tmp/a.toml"]'
    for what, damage in DAMAGE.items():
        path.write_bytes(damage(whole))
        for words in ("config", "learn --list"):
            code, _, err = cli(*words.split())
            assert code == 0 and "Traceback" not in err, (what, words, err)
            assert all(line.isprintable() for line in err.splitlines()), (what, err)
        assert isinstance(NETWORKS.paths(), tuple)
