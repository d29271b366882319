"""Settings: from the file or the environment, for every command; wrong ones are told, not fatal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cnn_tui.engine.cores import default_threads
from cnn_tui.engine.runs.names import runs_home
from cnn_tui.tui import settings
from cnn_tui.tui.cli.main import main
from cnn_tui.tui.config import config_file, keep, read_file
from cnn_tui.tui.keymap import keymap

GOOD = {"color": "256", "ascii": True, "mouse": False, "fps": 2.5, "threads": 3, "theme": "nord"}


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for row in settings.SETTINGS:
        # What a test sets is undone even if the program set it.
        monkeypatch.setenv(row.variable, "")
        monkeypatch.delenv(row.variable)
    return tmp_path / "cnn-tui" / "config.toml"


def write(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def test_every_setting_reaches_its_variable(file: Path) -> None:
    for name, value in (*GOOD.items(), ("runs", "/data/runs")):
        keep(name, value)
    environ: dict[str, str] = {"CNN_TUI_FPS": "7"}
    settings.apply(environ)
    assert environ == {
        "CNN_TUI_THEME": "nord",
        "CNN_TUI_COLOR": "256",
        "CNN_TUI_ASCII": "true",
        "CNN_TUI_MOUSE": "false",
        "CNN_TUI_FPS": "7",
        "CNN_TUI_THREADS": "3",
        "CNN_TUI_RUNS": "/data/runs",
    }
    assert {row.variable for row in settings.SETTINGS} == set(environ)
    assert not list(settings.troubles())


def test_a_wrong_theme_is_named_with_its_origin(file: Path) -> None:
    write(file, 'theme = "nix"')
    assert settings.theme({"CNN_TUI_THEME": "nord"}) == ("nord", "")
    assert settings.theme({"CNN_TUI_THEME": "nix"})[1].startswith(f"{file}: theme = ")
    assert settings.theme({"CNN_TUI_THEME": "no"})[1].startswith("CNN_TUI_THEME: theme = ")


def test_engine_takes_threads_and_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cores = default_threads()
    for wrong in ("", "0", "257", "x", "-1"):
        monkeypatch.setenv("CNN_TUI_THREADS", wrong)
        assert default_threads() == cores
    monkeypatch.setenv("CNN_TUI_THREADS", "5")
    assert default_threads() == 5
    monkeypatch.setenv("CNN_TUI_RUNS", str(tmp_path / "own"))
    assert runs_home() == tmp_path / "own"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("fps = 31", "give a number from 0.1 to 30"),
        ("fps = true", "give a number"),
        ("threads = 0", "from 1 to 256"),
        ("threads = 1.5", "a whole number"),
        ('ascii = "maybe"', "true or false"),
        ('color = "red"', "one of auto, 16, 256"),
        ('runs = ""', "the path of a folder"),
        ("theme = 5", "the name of a theme"),
        ("thread = 3", "Did you mean threads?"),
        ("keys = 3", "no table"),
        ("fps = ", "cannot be read"),
    ],
)
def test_wrong_line_is_told_and_its_usual_value_holds(file: Path, line: str, words: str) -> None:
    write(file, f"# mine\n{line}\n")
    environ: dict[str, str] = {}
    settings.apply(environ)
    (trouble,) = settings.troubles()
    assert not environ and words in trouble and str(file) in trouble and trouble.isprintable()


def test_a_command_says_what_is_wrong_and_goes_on(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(file, "fps = 99\n")
    assert main(["check", "lenet5"]) == 0
    told = capsys.readouterr()
    assert told.err.count("\n") == 1 and "fps = 99 is not accepted" in told.err


def test_config_sets_shows_and_unsets(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "fps", "3"]) == 0
    assert main(["config", "train.stop", "ctrl+k"]) == 0
    assert read_file() == ({"fps": 3.0, "keys": {"train.stop": "ctrl+k"}}, "")
    capsys.readouterr()
    assert main(["config", "--json"]) == 0
    shown = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert shown["fps"]["value"] == 3 and shown["fps"]["origin"] == str(config_file())
    assert shown["threads"]["value"] is None and shown["threads"]["usual"] == "all cores"
    assert main(["config", "keys", "--json"]) == 0
    own = [row for row in json.loads(capsys.readouterr().out) if row["own"]]
    assert [(row["name"], row["keys"]) for row in own] == [("train.stop", "ctrl+k")]
    assert main(["config", "fps", "--unset"]) == main(["config", "train.stop", "--unset"]) == 0
    assert read_file() == ({"keys": {}}, "")


def test_config_in_lines(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*words: str) -> list[str]:
        assert main(["config", *words]) == 0
        return capsys.readouterr().out.splitlines()

    assert told("--path") == [str(file)]
    assert told("ascii") == [next(row.usual for row in settings.SETTINGS if row.name == "ascii")]
    told("fps", "2.5")
    assert told("mouse", "false")[0].startswith("mouse = false")
    told("train.stop", "ctrl+k")
    assert told("fps") == ["2.5"] and told("train.stop") == ["ctrl+k"]
    heading, *rows = told()
    assert heading.split() == ["setting", "value", "from", "variable"]
    assert any(row.split()[:2] == ["fps", "2.5"] for row in rows)
    own = [row for row in told("keys") if " own " in row]
    assert [row.split()[:2] for row in own] == [["train.stop", "ctrl+k"]]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["fps", "no"], "give a number"),
        (["fsp", "3"], "Did you mean fps?"),
        (["train.stop", "space"], "space is the key of train.pause-resume"),
        (["train.stopp", "k"], "Did you mean train.stop?"),
        (["train.stop", "two words"], "is no key"),
        (["theme", "nix"], "the name of a theme"),
    ],
)
def test_config_refuses_and_writes_nothing(
    file: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    assert main(["config", *words]) == 1
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1 and not file.exists()


def test_keys_change_their_command_alone() -> None:
    changed = keymap({"train.pause-resume": "P", "train.zoom": "plus", "app.quit": "Q,ctrl+q"})
    assert not changed.troubles
    found = {row.id: row for row in changed.commands}
    assert found["train.pause-resume"].keys == "P" and found["train.zoom"].shown == "+/Z"
    usual = keymap({}).commands
    same = [row for row in changed.commands if row in usual]
    assert len(same) == len(usual) - 3


@pytest.mark.parametrize(
    ("written", "named"),
    [("F12", "f12"), ("Ctrl+K", "ctrl+k"), ("^k", "ctrl+k"), ("P", "P"), ("/", "slash")],
)
def test_a_key_may_be_written_as_the_bar_shows_it(written: str, named: str) -> None:
    changed = keymap({"train.log-scale": written})
    assert not changed.troubles
    assert {row.id: row.keys for row in changed.commands}["train.log-scale"] == named


def test_two_commands_may_swap_their_keys() -> None:
    swapped = keymap({"train.stop": "d", "train.detach": "x"})
    assert not swapped.troubles
    assert {row.id: row.keys for row in swapped.commands}["train.stop"] == "d"


@pytest.mark.parametrize(
    ("own", "other"),
    [
        ({"train.stop": "q"}, "app.quit"),
        ({"app.quit": "x"}, "list.delete"),
        ({"list.delete": "ctrl+z"}, "build.undo"),
        ({"runs.mark": "c"}, "runs.compare"),
        ({"train.stop": "P", "train.detach": "P"}, "train.detach"),
    ],
)
def test_a_key_bound_twice_is_refused(own: dict[str, str], other: str) -> None:
    changed = keymap(own)
    (trouble,) = changed.troubles
    assert other in trouble
    assert sum(row not in keymap({}).commands for row in changed.commands) == len(own) - 1


def test_no_two_commands_have_the_same_name() -> None:
    names = [row.id for row in keymap({}).commands]
    assert len(set(names)) == len(names)
