"""Texts that would steer a terminal, in every field that is read, and what is shown of them."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from children import run
from PIL import Image
from runs_made import QUICK, make_runs
from terminal import Terminal
from test_sleeping_reader import TRAINS
from test_streams import HELD_BACK

from cnn_tui.tui.cli.output import to_json

pytestmark = pytest.mark.slow

HOSTILE = "\x1b]0;EVIL\x07\x1b[31m\x9b5m\x85\x7f\u202e\u2066\u200f\u061c\u2028\u2029\r\nEVIL\t"
TOML_HOSTILE = json.dumps(HOSTILE).replace("\x7f", "\\u007f")
Cli = Callable[..., Any]

EVENTS: list[dict[str, Any]] = [
    {"event": "checkpoint_saved", "step": 1, "path": "x", "seconds": 0.1, "best": True},
    {
        "event": "alert",
        "code": "lr-high",
        "message": "m",
        "step": 2,
        "layer": "conv1",
        "evidence": ["e"],
        "remedy": {"action": "set", "setting": "lr", "value": 0.1, "description": "d"},
    },
    {"event": "alert_cleared", "code": "other", "step": 3, "layer": "l"},
    {"event": "layers_measured", "step": 4, "epoch": 1, "layers": [{"layer": "l", "type": "fc"}]},
]
"""Kinds that a quick training need not come to."""

SHOWN = (
    ("runs",),
    ("runs", "--size"),
    ("watch", "quick-1"),
    ("compare", "quick-1", "quick-2"),
    ("export", "quick-1"),
    ("runs", "states", "quick-1"),
    ("runs", "stop", "quick-1"),
    ("templates", "quick-1"),
    ("resume", "quick-1"),
)
WITH_JSON = {"runs", "watch", "compare", "templates"}


def harmless(text: str | bytes) -> None:
    """No character of a terminal's is in it, and no line begins where the file said so."""
    text = text.decode() if isinstance(text, bytes) else text
    assert {char for char in text if not char.isprintable()} <= {"\n"}
    assert not any(line.startswith("EVIL") for line in text.splitlines())


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_runs(tmp_path_factory.mktemp("hostile"), (), ())
    folder = root / "quick-1"
    events = (folder / "events.jsonl").read_text().splitlines()
    lines = [*events[:-1], *map(json.dumps, EVENTS), events[-1]]
    (folder / "events.jsonl").write_text("".join(f"{line}\n" for line in lines))
    (folder / "notes.json").write_text('{"tags": ["t"], "note": "n"}')
    return root


def hostile(document: object) -> Iterator[object]:
    """The document once for each of its texts, that one hostile."""
    match document:
        case str():
            yield HOSTILE
        case dict():
            for name, value in document.items():
                yield from ({**document, name: one} for one in hostile(value))
        case list():
            for at, value in enumerate(document):
                yield from ([*document[:at], one, *document[at + 1 :]] for one in hostile(value))


def lines_of(file: Path) -> list[str]:
    """Its lines, of which one may contain other characters that str.splitlines takes for an end."""
    return file.read_text().rstrip("\n").split("\n")


def hostile_files(file: Path) -> Iterator[str]:
    """The text of a file of JSON lines, one text in it hostile."""
    lines = lines_of(file)
    for at, line in enumerate(lines):
        for one in hostile(json.loads(line)):
            yield "".join(f"{x}\n" for x in (*lines[:at], json.dumps(one), *lines[at + 1 :]))


@pytest.mark.parametrize(
    "name", ["run.json", "summary.json", "notes.json", "environment.jsonl", "events.jsonl"]
)
def test_files_of_a_run(cli: Cli, runs: Path, name: str) -> None:
    file = runs / "quick-1" / name
    before = file.read_text()
    try:
        for text in hostile_files(file):
            file.write_text(text)
            for command, *rest in SHOWN:
                if command == "resume" and name != "run.json":
                    continue
                done = cli(command, *rest, "--runs-dir", runs)
                harmless(done.out + done.err)
                if command in WITH_JSON and rest[:1] != ["stop"] and "states" not in rest:
                    done = cli(command, *rest, "--runs-dir", runs, "--json")
                    harmless(done.out + done.err)
                    assert all(map(json.loads, done.out.splitlines()))
    finally:
        file.write_text(before)


def test_what_a_run_is_named(cli: Cli, runs: Path) -> None:
    for command in (("runs",), ("runs", "--json"), ("runs", "bin"), ("runs", "bin", "--json")):
        shutil.copytree(runs / "quick-2", runs / HOSTILE)
        done = cli(*command[:1], "--runs-dir", runs, *command[1:])
        shutil.rmtree(runs / HOSTILE)
        harmless(done.out + done.err)


@pytest.mark.parametrize("name", ["stop", "watch", "resume", "compare", "export", "templates"])
def test_words_of_the_command_line(cli: Cli, runs: Path, name: str) -> None:
    words = ["runs", "--runs-dir", runs, "stop"] if name == "stop" else [name, "--runs-dir", runs]
    done = cli(*words, HOSTILE)
    assert done.code == 1 and done.err
    harmless(done.out + done.err)


@pytest.mark.parametrize(
    "words",
    [
        (HOSTILE,),
        ("check", HOSTILE),
        ("check", HOSTILE, "--json"),
        ("check", "lenet5", f"--{HOSTILE}"),
        ("check", "lenet5", "--input", HOSTILE),
        ("runs", "--sort", HOSTILE),
        ("runs", "--filter", HOSTILE),
        ("data", "show", HOSTILE),
        ("data", "fetch", HOSTILE),
        ("train", "digits-convnet", "--data", HOSTILE),
        ("train", "digits-convnet", "--data-dir", HOSTILE),
        ("import", f"{HOSTILE}.onnx"),
        ("import", f"{HOSTILE}.py"),
        ("reproduce", "x", "--set", HOSTILE),
    ],
)
def test_usage_and_names_that_lead_nowhere(cli: Cli, words: tuple[str, ...]) -> None:
    done = cli(*words)
    assert done.code in (0, 1, 2) and done.out + done.err
    harmless(done.out + done.err)


TOMLS = [
    QUICK.replace('"quick"', TOML_HOSTILE),
    QUICK.replace('"fc"', TOML_HOSTILE),
    f"{TOML_HOSTILE} = 1\n{QUICK}",
    f"data = {TOML_HOSTILE}\n{QUICK}",
    f"description = {TOML_HOSTILE}\n{QUICK}",
    QUICK.replace("out_features = 10", f"out_features = 10, name = {TOML_HOSTILE}"),
    QUICK.replace("out_features = 10", f"{TOML_HOSTILE} = 10"),
    QUICK + f"optimizer = {TOML_HOSTILE}\n",
    QUICK + HOSTILE,
    f"name = '{HOSTILE}'",
]


@pytest.mark.parametrize("text", TOMLS)
def test_architectures(cli: Cli, text: str, tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text(text)
    for command in ("check", "train", "preflight", "bench"):
        for options in ((), ("--json",)):
            steps = {"train": ("--runs-dir", tmp_path), "bench": ("--steps", 1)}.get(command, ())
            done = cli(command, file, *options, *steps)
            harmless(done.out + done.err)


def test_classes_and_pictures(cli: Cli, tmp_path: Path, runs: Path) -> None:
    folder = tmp_path / HOSTILE.replace("/", "")
    for kind in ("a", HOSTILE):
        (folder / kind).mkdir(parents=True)
        for number in range(12):
            pixels = np.full((8, 8), number * 20 + len(kind), np.uint8)
            Image.fromarray(pixels).save(folder / kind / f"{HOSTILE}{number}.png")
    (folder / HOSTILE / f"{HOSTILE}.png").write_text("no picture")
    arrays = tmp_path / f"{HOSTILE}.npz"
    images, labels = np.zeros((40, 8, 8), np.uint8), np.arange(40) % 2
    np.savez(arrays, images=images, labels=labels, classes=np.array(["a", HOSTILE]))
    for options in ((), ("--json",)):
        for data in (folder, arrays):
            for skip in ((), ("--skip-damaged",)):
                done = cli("data", "show", data, *skip, *options)
                assert done.out + done.err
                harmless(done.out + done.err)
            train = ("--epochs", 1, "--runs-dir", tmp_path / "own", "--skip-damaged")
            done = cli("train", "softmax-linear", "--data", data, *train, *options)
            harmless(done.out + done.err)
        picture = folder / "a" / f"{HOSTILE}1.png"
        done = cli("predict", "quick-1", picture, HOSTILE, "--runs-dir", runs, *options)
        harmless(done.out + done.err)


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_source_of_other_programs(cli: Cli, options: tuple[str, ...], tmp_path: Path) -> None:
    source = (
        "import torch.nn as nn\n"
        f"net = nn.Sequential(nn.Flatten(), nn.Linear(64, 10), nn.Mystery({HOSTILE!r}))\n"
        f"other = nn.Sequential({HOSTILE!r})\n"
    )
    file = tmp_path / f"{HOSTILE}.py"
    file.write_text(source)
    for words in ((), ("--name", "net"), ("--name", HOSTILE), ("--name", "other")):
        done = cli("import", file, "--input", "1,8,8", *words, *options)
        harmless(done.out + done.err)


def test_names_that_are_no_text(runs: Path, tmp_path: Path) -> None:
    """Bytes that are no UTF-8: lone surrogates inside of Python."""
    name = b"\xff\x9b31m"
    for words in ([b"check", name], [b"check", name, b"--json"], [b"watch", name],
                  [b"runs", b"--runs-dir", name], [b"predict", b"quick-1", name],
                  [b"predict", b"quick-1", name, b"--json"]):  # fmt: skip
        if words[0] == b"predict":
            words += [b"--runs-dir", os.fsencode(runs)]
        command = [os.fsencode(sys.executable), b"-m", b"cnn_tui.tui", *words]
        done = run(command, check=False, text=False, env=HELD_BACK)
        assert done.returncode in (0, 1) and b"itself" not in done.stderr
        harmless(done.stdout + done.stderr)


def test_json_says_the_same() -> None:
    value = {"a": HOSTILE, "b": [float("nan"), 1e300, "\U0001f600 é"], "c": None}
    read = json.loads(to_json(value))
    assert read == {"a": HOSTILE, "b": [None, 1e300, "\U0001f600 é"], "c": None}
    surrogate = json.loads(to_json([*value.items(), "\udcff"]))
    assert surrogate == [*map(list, read.items()), "\udcff"]
    harmless(to_json(value) + to_json("\udcff"))


@pytest.mark.parametrize("words", [["watch", "quick-1"], [], ["hostile.toml"]])
def test_the_app_sends_none_of_it(
    start: Callable[..., Terminal], runs: Path, words: list[str], tmp_path: Path
) -> None:
    root = tmp_path / "cnn-tui" / "runs"
    shutil.copytree(runs, root)
    for name in ("summary.json", "notes.json", "events.jsonl"):
        file = root / "quick-1" / name
        lines = [all_hostile(json.loads(line)) for line in lines_of(file)]
        file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    toml = tmp_path / "hostile.toml"
    toml.write_text(f"description = {TOML_HOSTILE}\ndata = {TOML_HOSTILE}\n{QUICK}")
    words = [word.replace(toml.name, str(toml)) for word in words]
    terminal = start(TRAINS.format(words=words), XDG_DATA_HOME=str(tmp_path))
    terminal.shows("1 Build")
    for keys in ("", "3", "m", "jm", "c", "\x1b", "n", "\x1b", "t", "\x1b", "D", "\x1b", "\r"):
        terminal.press(keys)
        for _ in range(5):
            terminal.read()
    assert b"EVIL" in terminal.raw, "the texts are shown"
    shown = terminal.raw.decode()
    # The app sends other sequences and the bell itself.
    steering = {char for char in HOSTILE if not char.isprintable()} - set("\x1b\r\n\t\a")
    assert not steering & set(shown)
    for evil in ("\x1b]0;", "EVIL\a", "\x1b[31m?"):
        assert evil not in shown


KEPT = ("event", "state", "reason", "severity", "action", "setting", "type", "name", "created")
"""Fields of few values, without which a line is none, and times."""


def all_hostile(document: object) -> object:
    """The document with all of its texts hostile."""
    match document:
        case str():
            return HOSTILE
        case dict():
            return {k: v if k in KEPT else all_hostile(v) for k, v in document.items()}
        case list():
            return [all_hostile(one) for one in document]
    return document
