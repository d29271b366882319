"""What a person gets for each fault of files and surroundings, as ``docs/faults.md`` tells it.

``CNN_TUI_WRITE=1`` in the environment writes the page anew; otherwise it is compared.
"""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from children import start
from made import make_runs
from test_damage import flip_in_header

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.lock import this_process
from cnn_tui.engine.runs.tensors import TensorFile, encode
from cnn_tui.engine.storage import Storage, replace_file

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
SHELL = f"{sys.executable} -m cnn_tui.tui"
DEEP = b"[" * 300_000
LONG = """
name = "long"
input = [1, 8, 8]
layers = [{ type = "fc", out_features = 10 }]

[training]
epochs = 100000
"""
PATIENCE = 30.0

Case = Callable[["Place"], str]
CASES: dict[str, Case] = {}


class Place:
    """Two runs, ``quick-1`` and ``quick-2``, and command lines that are tried on them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runs = folder, make_runs(folder)
        self.run = RunFolder(self.runs / "quick-1")

    def tries(self, line: str, *, shell: str = "", **environ: str) -> str:
        """Exit code and last line of a command that is run in a shell, with ``shell`` after it."""
        begun = self.begins(line, shell=shell, **environ)
        out, err = begun.communicate(timeout=PATIENCE)
        assert "itself" not in err and "Traceback" not in err, err
        last = (err or out).strip().rpartition("\n")[2]
        words = f", `{self.tidy(last)}`" if begun.returncode else ""
        return f"`{line}`: {begun.returncode}{words}"

    def begins(self, line: str, *, shell: str = "", **environ: str) -> subprocess.Popen[str]:
        """A command that has just begun."""
        command, _, rest = line.partition(" ")
        text = f"exec {SHELL} {command} {rest} {shell}"
        if command not in ("presets", "train"):
            text = f"exec {SHELL} {command} --runs-dir {self.runs} {rest} {shell}"
        return start(
            ["sh", "-c", text],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "XDG_DATA_HOME": str(self.folder), **environ},
        )

    def trains(self, shell: str = "") -> tuple[subprocess.Popen[str], RunFolder]:
        """A long training that has made some steps."""
        file = self.folder / "long.toml"
        file.write_text(LONG)
        words = f"train {file} --runs-dir {self.runs} --log-every 0.01 --checkpoint-every 20"
        process, folder = self.begins(words, shell=shell), RunFolder(self.runs / "long-1")
        until(lambda: folder.metrics_file.exists() and folder.metrics_file.stat().st_size > 10_000)
        return process, folder

    def ends(self, process: subprocess.Popen[str], folder: RunFolder | None = None) -> str:
        """What TERM comes to."""
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE)
        assert time.monotonic() - began < 10
        state = "" if folder is None else ", with a state" if folder.states else ", without a state"
        words = f", `{self.tidy(err.strip())}`" if err else ""
        return f"TERM: {process.returncode}{state}{words}"

    def tidy(self, text: str) -> str:
        """Without what differs from one machine to the next."""
        return re.sub(r"process \d+ on \S+", "process N on HOST", text).replace(
            str(self.folder), "DIR"
        )

    def event(self, name: str, **changes: object) -> None:
        """Change an event of the run."""
        lines = [json.loads(line) for line in self.run.events_file.read_text().splitlines()]
        lines = [line | changes if line["event"] == name else line for line in lines]
        self.run.events_file.write_text("".join(json.dumps(line) + "\n" for line in lines))


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def fault(what: str) -> Callable[[Case], Case]:
    """A row of the page: what is wrong, in words."""

    def add(case: Case) -> Case:
        CASES[what] = case
        return case

    return add


@fault("a digit of the network's digest in the header of the furthest checkpoint is flipped")
def _(place: Place) -> str:
    process, folder = place.trains(">/dev/null")
    place.ends(process)
    state = max(folder.checkpoints.iterdir())
    flip_in_header(state, b"network")
    resumed = place.begins("resume long-1 --json")
    assert resumed.stdout is not None
    alert = next(json.loads(line) for line in resumed.stdout if "checkpoint-damaged" in line)
    place.ends(resumed)
    words = re.sub(r"step-\d+|step [\d,]+", "step N", alert["message"])
    return f"`resume long-1`: `{words}`"


@fault("the run's folder is gone when TERM comes")
def _(place: Place) -> str:
    process, folder = place.trains(">/dev/null")
    folder.path.rename(place.folder / "moved")
    return place.ends(process)


@fault("ESC, BEL and newlines in the texts of events.jsonl")
def _(place: Place) -> str:
    place.event("run_started", arch="\x1b]0;X\x07\n", data="\x9b31m")
    out = place.begins("watch quick-1").communicate(timeout=PATIENCE)[0]
    assert "\x1b" not in out and "\x9b" not in out
    return f"`watch quick-1`: 0, `{out.partition(' parameters')[0]}...`"


@fault("300,000 opening brackets in place of summary.json, notes.json and a line of events.jsonl")
def _(place: Place) -> str:
    for file in (place.run.summary_file, place.run.notes_file):
        file.write_bytes(DEEP)
    with place.run.events_file.open("ab") as events:
        events.write(DEEP + b"\n")
    return "; ".join(place.tries(line) for line in ("runs", "watch quick-1"))


@fault("1e308 and -1e308 in the curve of summary.json, null as validation loss")
def _(place: Place) -> str:
    summary = json.loads(place.run.summary_file.read_text())
    summary |= {"curve": [1e308, -1e308], "val_loss": None}
    place.run.summary_file.write_text(json.dumps(summary))
    return "; ".join(place.tries(line) for line in ("runs", "compare quick-1 quick-2"))


@fault("run.json says that the run repeats ../../../etc")
def _(place: Place) -> str:
    info = json.loads(place.run.info_file.read_text())
    place.run.info_file.write_text(json.dumps(info | {"again": {"of": "../../../etc"}}))
    return place.tries("resume quick-1")


@fault("run_ended has a test accuracy and no test loss")
def _(place: Place) -> str:
    place.event("run_ended", test_accuracy=0.5, test_loss=None)
    return place.tries("watch quick-1")


@fault("a FIFO in place of run.json, a link to /dev/zero in place of summary.json")
def _(place: Place) -> str:
    for file in (place.run.info_file, place.run.summary_file):
        file.unlink()
    os.mkfifo(place.run.info_file)
    place.run.summary_file.symlink_to("/dev/zero")
    return "; ".join(place.tries(line) for line in ("runs", "watch quick-1"))


@fault("lock is a link to a file elsewhere")
def _(place: Place) -> str:
    victim = place.folder / "victim"
    victim.write_text("untouched")
    place.run.lock_file.unlink()
    place.run.lock_file.symlink_to(victim)
    gets = place.tries("resume quick-1")
    assert victim.read_text() == "untouched"
    return f"{gets}; the file is untouched"


@fault("the run's folder is a link to another disk")
def _(place: Place) -> str:
    place.run.path.rename(place.folder / "moved")
    place.run.path.symlink_to(place.folder / "moved")
    return "; ".join(place.tries(line) for line in ("watch quick-1", "resume quick-1 --epochs 2"))


@fault("standard output is closed")
def _(place: Place) -> str:
    return place.tries("presets", shell=">&-")


@fault("nothing reads the output of a training")
def _(place: Place) -> str:
    pipe = place.folder / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    process, folder = place.trains(f">{pipe}")
    gets = place.ends(process, folder)
    os.close(reader)
    return gets


@fault("a FIFO among the requests to a trainer")
def _(place: Place) -> str:
    process, folder = place.trains(">/dev/null")
    os.mkfifo(folder.commands / "0.request.json")
    until(folder.summary_file.exists)
    beat = folder.summary_file.stat().st_mtime_ns
    until(lambda: folder.summary_file.stat().st_mtime_ns != beat)
    return place.ends(process, folder)


@fault("the terminal of a training is gone")
def _(place: Place) -> str:
    file = place.folder / "long.toml"
    file.write_text(LONG)
    ours, theirs = pty.openpty()
    process = start(
        [*SHELL.split(), "train", str(file), "--runs-dir", str(place.folder / "new")],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.read(ours, 1)
    os.close(ours)
    return f"exit code {process.wait(PATIENCE)}"


@fault("TERM is empty")
def _(place: Place) -> str:
    ours, theirs = pty.openpty()
    file = place.folder / "long.toml"
    file.write_text(LONG.replace("100000", "1"))
    command = [*SHELL.split(), "train", str(file), "--no-record"]
    process = start(command, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": ""})
    os.close(theirs)
    seen = b""
    try:
        while block := os.read(ours, 65536):
            seen += block
    except OSError:
        pass  # Linux's way to say that the other end is closed.
    os.close(ours)
    assert process.wait(PATIENCE) == 0 and b"epoch" in seen
    escapes = seen.count(b"\x1b")
    return f"`train`: 0, {escapes} escape sequences"


@fault("5 MB of zero bytes in place of metrics.jsonl")
def _(place: Place) -> str:
    place.run.metrics_file.write_bytes(bytes(5_000_000))
    return place.tries("watch quick-1")


@fault("a lock of another machine, beside a summary from tomorrow")
def _(place: Place) -> str:
    identity = msgspec.structs.replace(this_process(), host="elsewhere")
    place.run.lock_file.write_bytes(msgspec.json.encode(identity))
    tomorrow = time.time() + 86_400
    os.utime(place.run.summary_file, (tomorrow, tomorrow))
    return place.tries("resume quick-1 --epochs 2")


@fault("a soundly signed checkpoint of step -1")
def _(place: Place) -> str:
    for path in (*place.run.checkpoints.iterdir(), place.run.best_file):
        file = TensorFile(path)
        meta = json.loads(file.meta)
        meta["progress"]["step"] = -1
        replace_file(Storage(), path, encode(file.read(), json.dumps(meta).encode()))
    return place.tries("resume quick-1")


@fault("C1 controls and U+202E in a note")
def _(place: Place) -> str:
    place.run.notes_file.write_text(json.dumps({"note": "\x9b31m\u202e"}))
    out = place.begins("runs --json").communicate(timeout=PATIENCE)[0]
    assert "\x9b" not in out and "\u202e" not in out
    note = re.search(r'"note":"\\[^"]*"', out)
    assert note
    return f"`runs --json`: `{note[0]}`"


def test_the_page_tells_what_one_gets(tmp_path: Path) -> None:
    rows = []
    for number, (what, case) in enumerate(CASES.items(), 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        rows.append(f"| {number} | {what} | {case(Place(folder))} |")
    text = re.sub(
        r"(?<=<!-- faults -->\n).*(?=\n<!-- /faults -->)",
        lambda _: "\n".join(["| | what is wrong | what one gets |", "|---|---|---|", *rows]),
        PAGE.read_text(),
        flags=re.DOTALL,
    )
    if os.environ.get("CNN_TUI_WRITE"):
        PAGE.write_text(text)
    assert PAGE.read_text() == text, "CNN_TUI_WRITE=1 writes it"
