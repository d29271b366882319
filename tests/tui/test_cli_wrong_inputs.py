"""What people type by mistake: one line says what is wrong and what to do, and nothing is done."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

WRONG = {
    "train junk.toml": "junk.toml is not UTF-8 text",
    "check dir.toml": "dir.toml is a folder, not a file",
    "check fifo.toml": "fifo.toml is not a file",
    "check dir": "dir is a folder, not a file",
    "check dir/none.toml": "There is no file dir/none.toml. Check the path.",
    "train empty.toml": "it has no layers",
    "train digits-convnet --data=": "There is no dataset called ''",
    "train digits-convnet --data nope": "There is no dataset called 'nope'",
    "train digits-convnet --data ./nope": "there is no such folder or file",
    "train digits-convnet --data empty.npz": "its zip is damaged",
    "train digits-convnet --data junk.npz": "its zip is damaged",
    "train digits-convnet --data dir": "at least two classes",
    "train digits-convnet --data-dir dir": "is built in; --data-dir does not apply",
    "train lenet5 --data-dir nope": "there is no such folder",
    "train lenet5 --data-dir dir": "found neither",
    "train lenet5 --epochs -1": "expected a whole number from 1 to 100000",
    "train lenet5 --lr abc": "'abc' is not a number",
    "train digits-convnet --runs-dir junk.toml": "No run can be kept in junk.toml",
    "lenet5 --data-dir nope": "there is no such folder",
    "import none.py": "There is no file none.py",
    "import empty.py": "empty.py has no network",
    "import junk.py": "not UTF-8",
    "import dir.py": "is a folder, not a file",
    "import dir": "Expected an .onnx or .py file",
    "import empty.py --input abc": "such as 3,227,227",
    "export nope": "There is no run 'nope'",
    "export a/b": "A run cannot be called 'a/b'",
    "resume nope --from x": "'x' is not a whole number",
    "resume=": "Did you mean resume?",
    "predict nope x.png": "There is no run 'nope'",
    "watch nope": "There is no run 'nope'",
    "compare": "Missing argument",
    "runs rename nope a/b": "There is no run 'nope'",
    "runs restore nope": "no run nope in the bin",
    "reproduce nope --set lr": "There is no run 'nope'",
    "data show nope": "There is no dataset called 'nope'",
    "data fetch digits": "needs no download",
    "bench lenet5 --steps 0": "'--steps': 0 is not in the range",
    "bench dir": "is a folder",
    "check lenet5 --input 0,0,0": "such as 3,227,227",
    "trian": "Did you mean train?",
    "--nope": "No such option",
    "train lenet5 --optimizer adam": "optimizer is set in the network's file, in [training]. See",
    "train lenet5 --weight-decay=1": "weight_decay is set in the network's file, in [training]",
    "--demo no/events.jsonl": "There is no file no/events.jsonl. Give a run, or",
    "learn --chek": "Did you mean '--check', '--help'? See",
    "config theme drakula": "Did you mean dracula?",
    "import dir.ipynb": "jupyter nbconvert --to script",
    "/dev/null": "null is not a file",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    for name in ("dir", "dir.toml", "dir.py"):
        (tmp_path / name).mkdir()
    for name in ("toml", "npz", "py"):
        (tmp_path / f"empty.{name}").touch()
        (tmp_path / f"junk.{name}").write_bytes(bytes(range(256)) * 8)
    os.mkfifo(tmp_path / "fifo.toml")
    return tmp_path


@pytest.mark.parametrize("line", WRONG)
def test_a_line_says_what_is_wrong(cli, folder: Path, line: str) -> None:
    before = sorted(folder.iterdir())
    code, out, err = cli(*line.split())
    assert code in (1, 2)
    assert err.startswith("cnn-tui: error: ") and err.count("\n") == 1
    assert WRONG[line] in err and "Traceback" not in out + err
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    "line",
    [
        "train two-layer --runs-dir=",
        "train two-layer --tensorboard=",
        "train lenet5 --data-dir=",
        "predict nope",
        "import",
        "watch --csv=",
        "sweep lenet5-lr --dry-run --runs-dir=",
    ],
)
def test_an_empty_path_is_not_the_present_folder(cli, folder: Path, line: str) -> None:
    """As a variable of the shell that is not set gives it."""
    words = line.split()
    code, out, err = cli(*words, *[""] * (words[-1][-1] != "="))
    assert code == 2 and "the path is empty" in err and not out
    assert not any(folder.glob("*-1"))
