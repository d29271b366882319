"""The program without what only POSIX systems have, as on Windows.

The modules and functions that Windows lacks are taken away in a process of its own, which is told
that it runs on ``win32``. Libraries are loaded before that: they keep the system that they are on.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from children import run
from PIL import Image

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.names import check_new_name, make_folder
from cnn_tui.engine.storage import Storage, replace_file

WINDOWS = """
import asyncio, ctypes, fcntl, importlib, io, multiprocessing.reduction, os, pkgutil, platform
import signal, ssl, subprocess, sys, tempfile, types, urllib.request
import click, numpy, PIL.Image, platformdirs, plotext, psutil, rich.console, rich.table
import textual.app, textual.pilot, textual.widgets, threadpoolctl
import textual.drivers.headless_driver, textual.drivers.linux_driver

platform.uname()
threadpoolctl.sys = types.SimpleNamespace(**vars(sys))

def locking(descriptor, mode, size):
    fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, size, 0, os.SEEK_CUR)

class Process(psutil.Process):
    def memory_info(self):
        return types.SimpleNamespace(rss=1 << 20, peak_wset=1 << 20)

psutil.Process = Process
sys.modules["msvcrt"] = types.SimpleNamespace(locking=locking, LK_NBLCK=2)
sys.modules["colorama"] = types.SimpleNamespace(just_fix_windows_console=lambda: None)
for name in ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty"):
    sys.modules[name] = None
for name in (
    "O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK fchmod fork forkpty getpgid geteuid getuid killpg "
    "mkfifo openpty pread pwrite sched_getaffinity set_blocking setsid sysconf uname"
).split():
    delattr(os, name)
os.supports_fd.discard(os.utime)
signal.SIGBREAK = signal.SIGHUP
for name in ("SIGALRM", "SIGHUP", "SIGKILL", "SIGQUIT", "SIGTSTP", "SIGUSR1", "SIGWINCH"):
    delattr(signal, name)
sys.platform = "win32"
"""
EVERYTHING = """
import cnn_tui.engine, cnn_tui.tui
OTHERS = ("recording.layers", "recording.lightning", "recording.keras", "recording.transformers",
          "torch_engine", "terminal.driver", "__main__")
for package in (cnn_tui.engine, cnn_tui.tui):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if not any(other in module.name for other in OTHERS):
            importlib.import_module(module.name)
            loaded = module.name
print(loaded)
"""
"""All but what is for PyTorch and the like, and the driver for POSIX terminals."""
COMMANDS = """
from cnn_tui.tui.cli.main import main
for line in sys.argv[1:]:
    code = main(line.split())
    assert code == 0, (line, code)
"""
APP = """
from cnn_tui.engine.specs.presets import resolve
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.builder import Builder
from cnn_tui.tui.building.document import Document
from cnn_tui.tui.session import Session, train
from cnn_tui.tui.training import Places, Training

async def look():
    builder = Builder(Document(resolve("lenet5"), None))
    app = CnnTuiApp(builder, Training(Session(train), Places()))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        print("softmax" in app.export_screenshot())
        await pilot.press("q")
    print(app.return_code, app.crash)

asyncio.run(look())
"""


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {**os.environ, "CNN_TUI_RUNS": str(tmp_path / "runs"), "XDG_CACHE_HOME": str(tmp_path)}


def windows(program: str, environ: dict[str, str], *args: str) -> str:
    first = "import distributed, optuna, pyarrow" if program is EVERYTHING else ""
    return run([sys.executable, "-c", first + WINDOWS + program, *args], env=environ).stdout


@pytest.mark.slow
def test_every_module_can_be_imported_without_posix(home: dict[str, str]) -> None:
    assert "cnn_tui.tui." in windows(EVERYTHING, home)


@pytest.mark.slow
def test_a_run_is_trained_resumed_and_looked_into_without_posix(
    home: dict[str, str], tmp_path: Path
) -> None:
    Image.new("L", (28, 28)).save(tmp_path / "own.png")
    commands = (
        "check lenet5",
        "train two-layer --epochs 1 --seed 1",
        "resume two-layer-1 --epochs 2",
        "runs rename two-layer-1 mine",
        "inspect mine confusion",
        f"predict mine {tmp_path / 'own.png'}",
        "doctor",
        "runs --json",
    )
    out = windows(COMMANDS, home, *commands)
    (entry,) = json.loads(out.splitlines()[-1])
    assert entry["name"] == "mine" and entry["state"] == "completed"


@pytest.mark.slow
def test_the_app_opens_and_quits_without_posix(home: dict[str, str]) -> None:
    assert windows(APP, home).split() == ["True", "0", "None"]


def test_a_file_that_is_being_read_is_replaced_once_it_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, replace, refusals = tmp_path / "summary.json", Path.replace, [1, 2]
    monkeypatch.setattr(sys, "platform", "win32")

    def replace_unless_read(self: Path, target: Path) -> Path:
        if refusals:
            refusals.pop()
            raise PermissionError(13, "in use")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", replace_unless_read)
    replace_file(Storage(), target, [b"new"])
    assert target.read_bytes() == b"new" and [*tmp_path.iterdir()] == [target]


@pytest.mark.parametrize("name", ["con", "NUL.txt", "Aux", "com1", "mine."])
def test_no_run_gets_a_name_that_windows_cannot_keep(name: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="Windows"):
        check_new_name(name)
    assert check_new_name(make_folder(tmp_path, name).name)
