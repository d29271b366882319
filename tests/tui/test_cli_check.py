"""``cnn-tui check`` and ``cnn-tui presets``, and how mistakes in files come out."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from children import run, start
from published import PARAMS

VALID = """
name = "small"
input = [1, 8, 8]

[[layers]]
type = "conv"
out_channels = 4
padding = "same"

[[layers]]
type = "fc"
out_features = 10
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(VALID)
    return path


def assert_one_error_line(err: str) -> None:
    assert err.startswith("cnn-tui: error: ")
    assert err.count("\n") == 1 and err.endswith("\n")
    assert "Traceback" not in err


def test_lenet5_as_json(cli) -> None:
    code, out, err = cli("check", "lenet5", "--json")
    report = json.loads(out)
    assert (code, err) == (0, "")
    assert (report["name"], report["valid"], report["input"]) == ("lenet5", True, [1, 28, 28])
    assert (report["total_params"], report["issues"]) == (61_706, [])
    assert set(report["layers"][0]) >= {
        "index", "type", "output", "weights", "biases", "params", "macs", "receptive_field",
    }  # fmt: skip
    assert report["layers"][0]["output"] == [6, 28, 28]
    assert report["total_macs"] == sum(layer["macs"] for layer in report["layers"])


def test_table_shows_every_layer_and_the_totals_without_control_characters(cli) -> None:
    code, out, err = cli("check", "lenet5")
    assert (code, err) == (0, "")
    assert "61,706 parameters" in out
    assert "6x28x28" in out and "5x5" in out
    assert out.replace("\n", "").isprintable()


def test_layers_that_do_not_fit(cli, file: Path) -> None:
    file.write_text(VALID.replace('padding = "same"', "stride = 2"))
    code, out, err = cli("check", file, "--json")
    report = json.loads(out)
    assert code == 1 and not report["valid"]
    (issue,) = report["issues"]
    assert issue["layer"] == 1 and issue["fixes"]
    assert "(8 - 3 + 2*0)/2 + 1 = 3.5" in issue["message"]
    assert issue["message"] in err
    assert_one_error_line(err)

    code, out, err = cli("check", file)
    assert code == 1 and "= 3.5" in out and "  - " in out
    assert_one_error_line(err)


def test_several_files_at_once(cli, file: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text(VALID.replace('padding = "same"', "stride = 2"))
    code, out, err = cli("check", "lenet5", file, broken, "nowhere", "--json")
    reports = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert [report["valid"] for report in reports] == [True, True, False, False]
    assert [report["name"] for report in reports] == ["lenet5", "small", "small", "nowhere"]
    assert len(err.splitlines()) == 2
    assert err.splitlines()[0].startswith(f"cnn-tui: error: {broken}: layer 1 (conv)")

    code, out, err = cli("check", "lenet5", file)
    assert (code, err) == (0, "")
    assert out.startswith("lenet5:\n") and f"\n{file}:\n" in out
    assert cli("check", file, "--json").out.count("\n") == 1


def test_another_input_size(cli) -> None:
    for size in ("3,227,227", "3x227x227"):
        code, out, _ = cli("check", "alexnet", "--json", "--input", size)
        assert code == 0 and json.loads(out)["total_params"] == 62_378_344
    code, out, err = cli("check", "alexnet", "--json", "--input", "3,224,224")
    report = json.loads(out)
    assert (code, report["input"]) == (1, [3, 224, 224])
    (issue,) = report["issues"]
    assert "= 54.25, not a whole number" in issue["message"]
    assert [3, 227, 227] in [fix["value"] for fix in issue["fixes"]]
    assert_one_error_line(err)
    assert cli("check", "lenet5", "--input", "1,9999,9999").code == 1


def test_layers_with_an_issue_are_marked(cli, file: Path) -> None:
    file.write_text(VALID.replace('padding = "same"', "stride = 2"))
    rows = [line.split() for line in cli("check", file).out.splitlines()]
    assert rows[2][:2] == ["1", "conv"] and "!" in rows[2]
    assert rows[3][:2] == ["2", "fc"] and "!" not in rows[3]


def test_colours_are_for_terminals(file: Path) -> None:
    file.write_text(VALID.replace('padding = "same"', "stride = 2"))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "cnn_tui.tui", "check", str(file)]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"}
    environment.pop("NO_COLOR", None)
    process = start(command, stdout=theirs, stderr=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # Linux ends a terminal so
        while part := os.read(ours, 4096):
            shown += part
    os.close(ours)
    assert process.wait() == 1
    assert b"\x1b[1;31m! layer 1" in shown
    assert b"\x1b[32m  - stride 1" in shown
    piped = run(command, env=environment, check=False)
    assert "! layer 1" in piped.stdout and "\x1b" not in piped.stdout


def test_file_that_is_no_toml(cli, file: Path) -> None:
    file.write_text(VALID + "\nthis is = = not toml\n")
    code, out, err = cli("check", file, "--json")
    report = json.loads(out)
    assert (code, report["valid"], report["layers"]) == (1, False, [])
    assert "line 14" in err and str(file) in err
    assert report["issues"][0]["message"] in err
    assert_one_error_line(err)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("padding", "pading", ("layers[0].pading", "padding")),
        ('"conv"', '"convv"', ("layers[0].type", "conv")),
        ("out_channels = 4", "out_channels = 0", ("layers[0].out_channels", "0")),
        ("input = [1, 8, 8]", "input = [1, 8]", ("input",)),
        ('name = "small"', 'nmae = "small"', ("nmae", "name")),
    ],
)
def test_wrong_key_or_value_is_named_with_its_path(
    cli, file: Path, old: str, new: str, words: tuple[str, ...]
) -> None:
    file.write_text(VALID.replace(old, new, 1))
    before = file.read_bytes()
    code, _, err = cli("check", file)
    assert code == 1
    assert str(file) in err and all(word in err for word in words)
    assert_one_error_line(err)
    assert file.read_bytes() == before


def test_unknown_preset_names_the_nearest(cli) -> None:
    code, out, err = cli("check", "lenet-5")
    assert (code, out) == (1, "")
    assert "lenet5" in err
    assert_one_error_line(err)


def test_names_never_steer_the_terminal(cli, tmp_path: Path) -> None:
    path = tmp_path / "a\x1b[31mb\r.toml"
    path.write_text("\x1b[2J = 1")
    for command in (("check", path), ("check", path, "--json"), ("check", "\x1b[2J"), ("\x1b[2J",)):
        _, out, err = cli(*command)
        assert (out + err).replace("\n", "").isprintable()
        assert_one_error_line(err)


def test_traceback_only_with_debug(cli) -> None:
    assert "Traceback" in cli("check", "nowhere.toml", "--debug").err
    assert "Traceback" in cli("--debug", "check", "nowhere.toml").err
    assert_one_error_line(cli("check", "nowhere.toml").err)


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (("check",), "ARCH"),
        (("check", "lenet5", "--input", "3,227"), "3,227"),
        (("check", "lenet5", "--input", "0,8,8"), "0,8,8"),
        (("check", "lenet5", "--jsn"), "--jsn"),
        (("trian",), "train"),
        (("--nonsense",), "--nonsense"),
        (("train", "--lrr", "1"), "Did you mean '--lr'? See cnn-tui train --help."),
        (("evaluate", "a", "b"), "argument (b). See cnn-tui evaluate --help."),
        (("train", "lenet5", "--epochs", "many"), "many"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(cli, args: tuple[str, ...], word: str) -> None:
    code, out, err = cli(*args)
    assert (code, out) == (2, "")
    assert word in err and "--help" in err
    assert_one_error_line(err)


def test_presets(cli) -> None:
    code, out, err = cli("presets", "--json")
    presets = {preset["name"]: preset for preset in json.loads(out)}
    assert (code, err) == (0, "")
    assert {name: preset["params"] for name, preset in presets.items()} == PARAMS
    assert presets["lenet5"]["input"] == [1, 28, 28]
    assert all(set(p) == {"name", "input", "params", "description"} for p in presets.values())
    table = cli("presets").out
    assert all(name in table for name in presets) and "61,706" in table
    # The sources and the number of parameters, which has a column, would make lines of 200 letters.
    assert "parameters (" not in table and "arXiv" not in table
    assert all("(" in p["description"] for p in presets.values() if p["name"].startswith("vgg"))


def test_help_and_version(cli) -> None:
    out = cli("--help").out
    assert all(name in out for name in ("train", "check", "presets", "bench", "ARCH"))
    assert cli("-h").code == cli("train", "--help").code == 0
    assert cli("--version").out.startswith("cnn-tui ")


def test_a_table_of_thousands_of_rows_is_printed_whole(cli, file: Path) -> None:
    layers = '  { type = "maxpool", kernel_size = 3 },\n' * 1999
    file.write_text(f'layers = [\n{layers}  {{ type = "fc", out_features = 10 }}\n]\n')
    printed = cli("check", file)
    assert printed.code == 1
    rows = printed.out.splitlines()
    assert [row.split()[0] for row in rows[:2002]] == ["#", *map(str, range(2001))]
    assert rows[1001].split()[:2] == ["1000", "maxpool"]
