"""Files that earlier versions wrote open for ever; one of a later version is told in one line."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from cnn_tui.engine import formats
from cnn_tui.engine.lessons.progress import LessonProgress
from cnn_tui.engine.runs.tensors import TensorFile, encode
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.codec import dumps_network, load_network, loads_network
from cnn_tui.engine.storage import Storage, replace_file
from cnn_tui.tui import settings
from cnn_tui.tui.config import keep, read_file

HERE = Path(__file__).parent
KEPT = sorted(path.name for path in HERE.glob("v*"))
RUN, SWEEP = "runs/kept-1", "runs/.sweeps/kept-sweep-1"


@pytest.fixture(params=KEPT)
def kept(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what one version wrote; it is the present folder, with the user's settings."""
    place = tmp_path / "kept"
    shutil.copytree(HERE / request.param, place)
    (tmp_path / "cnn-tui").mkdir()
    shutil.copy(place / "config.toml", tmp_path / "cnn-tui" / "config.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(place)
    return place


def test_an_architecture_of_every_layer(kept: Path) -> None:
    network = load_network(kept / "architecture.toml")
    assert check(network).valid and len(network.layers) == 31
    assert loads_network(dumps_network(network), "again") == network


def test_a_sweep_file_and_the_settings(kept: Path, cli) -> None:
    code, out, err = cli("sweep", "sweep.toml", "--dry-run", "--json")
    assert (code, err) == (0, "") and json.loads(out)["points"] == 4
    told, _ = read_file()
    assert told["theme"] == "nord" and not list(settings.troubles())


def test_a_run_is_shown_exported_and_resumed(kept: Path, cli) -> None:
    (entry,) = json.loads(cli("runs", "--runs-dir", "runs", "--json").out)
    assert (entry["name"], entry["tags"], entry["unreadable"]) == ("kept-1", ["good"], "")
    assert entry["state"] == "completed" and entry["summary"]["step"] == 6
    for words in ("watch kept-1", "runs states kept-1", "export kept-1 --steps --format json"):
        command, *rest = words.split()
        code, out, err = cli(command, "--runs-dir", "runs", *rest)
        assert (code, err) == (0, "") and out, words
    code, out, err = cli("resume", "--runs-dir", "runs", "kept-1", "--epochs", "3", "--json")
    assert code == 0, err
    started, *_, ended = map(json.loads, out.splitlines())
    assert (started["from_step"], ended["step"], ended["reason"]) == (6, 9, "completed")


def test_a_sweep_is_shown(kept: Path, cli) -> None:
    code, out, err = cli("sweep", "show", "--runs-dir", "runs", "kept-sweep-1", "--json")
    assert (code, err) == (0, "") and json.loads(out)["trials"]


def test_a_lesson_and_what_was_solved(kept: Path, cli) -> None:
    code, _, err = cli("learn", "--check", "lesson.toml")
    assert (code, err) == (0, "")
    assert LessonProgress(kept / "lessons.json").of("small-net").solved


def raise_json(path: Path) -> None:
    content = {name: [] for name in json.loads(path.read_text())} | {"format": 99}
    path.write_text(json.dumps(content))


def raise_toml(path: Path) -> None:
    path.write_text("format = 99\nof_later = true\n" + path.read_text())


def raise_checkpoint(path: Path) -> None:
    arrays = TensorFile(path).read()
    replace_file(Storage(), path, encode(arrays, b'{"format":99,"of":"later"}'))


LATER: dict[str, tuple[Callable[[Path], None], str]] = {
    "architecture.toml": (raise_toml, "check architecture.toml"),
    "sweep.toml": (raise_toml, "sweep sweep.toml --dry-run"),
    "lesson.toml": (raise_toml, "learn --check lesson.toml"),
    f"{RUN}/run.json": (raise_json, "watch --runs-dir runs kept-1"),
    f"{RUN}/network.toml": (raise_toml, "resume --runs-dir runs kept-1"),
    f"{RUN}/checkpoints/step-000000006.safetensors": (
        raise_checkpoint,
        "resume --runs-dir runs kept-1 --epochs 3",
    ),
    f"{SWEEP}/sweep.json": (raise_json, "sweep show --runs-dir runs kept-sweep-1"),
}


@pytest.mark.parametrize("file", LATER)
def test_one_of_a_later_version_is_told_in_one_line(file: str, kept: Path, cli) -> None:
    spoil, words = LATER[file]
    spoil(kept / file)
    before = (kept / file).read_bytes()
    code, _, err = cli(*words.split())
    *notes, last = err.splitlines()
    assert code == 1 and all(note.startswith("cnn-tui: note:") for note in notes), err
    assert "a later cnn-tui: its format is 99, this one reads up to 1. Update cnn-tui." in last
    assert (kept / file).read_bytes() == before


def test_a_summary_of_a_later_version_is_made_from_the_events(kept: Path, cli) -> None:
    raise_json(kept / RUN / "summary.json")
    (entry,) = json.loads(cli("runs", "--runs-dir", "runs", "--json").out)
    assert entry["summary"]["step"] == 6 and entry["summary"]["format"] == formats.RUN


def test_settings_of_a_later_version_are_left_alone(kept: Path, tmp_path: Path) -> None:
    file = tmp_path / "cnn-tui" / "config.toml"
    raise_toml(file)
    told, trouble = read_file()
    assert not told and "its format is 99" in trouble and "The defaults are used." in trouble
    assert list(settings.troubles()) == [trouble]
    keep("fps", 3)
    assert "of_later = true" in file.read_text() and "fps = 3" in file.read_text()


@pytest.mark.parametrize("version", ["0", "1.0", '"1"', "[]", "-1"])
def test_a_version_that_is_none(version: str, kept: Path, cli) -> None:
    (kept / "architecture.toml").write_text(f"format = {version}\n")
    code, _, err = cli("check", "architecture.toml")
    assert code == 1 and "format: expected a whole number from 1, received" in err


def test_the_page_has_the_versions_of_now() -> None:
    page = (HERE.parents[1] / "docs" / "formats.md").read_text()
    rows = re.findall(r"^\| ([a-z ]+) \| .+ \| (\d+) \| ", page, re.M)
    told = {name.replace(" ", "_"): version for name, version in rows}
    known = {
        name.lower(): str(getattr(formats, name)) for name in vars(formats) if name[1:].isupper()
    }
    assert told == known
    newest = max(map(int, known.values()))
    assert f"v{newest}" in KEPT, "run tests/formats/make.py: a version has risen"
