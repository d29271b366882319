"""The app in a real terminal when something goes wrong: links, crashes, prints, other encodings."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest
from children import MARK, run
from children import start as start_process
from terminal import PATIENCE, SIZE, Terminal

from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.tensors import TensorFile
from cnn_tui.engine.specs.codec import save_network
from cnn_tui.engine.specs.presets import load_preset

pytestmark = pytest.mark.slow

Start = Callable[..., Terminal]
F5 = "\x1b[15~"

CLI = """
import sys
from cnn_tui.tui.cli.main import main
sys.exit(main({args!r}))
"""

FAULTY = """
import sys
import cnn_tui.tui.cli.app as app
import cnn_tui.tui.session as session
from cnn_tui.engine.specs.layers import FC
from cnn_tui.engine.specs.network import Network

def faulty(network, control, emit, **places):
    print("a stray print", flush=True)
    print("and one to standard error", file=sys.stderr, flush=True)
    raise ZeroDivisionError("no batch")

app.train = faulty
sys.exit(app.run_app(Network(layers=(FC(out_features=10),)), None))
"""

ALEXNET = """
import os, sys
import numpy as np
import msgspec
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui.cli.app import run_app
path = os.path.join({folder!r}, "pictures.npz")
network = load_preset("alexnet")
pixels = np.zeros((64, *network.input), np.uint8)
np.savez(path, x=pixels, y=np.arange(64) % 10)
last = msgspec.structs.replace(network.layers[-1], out_features=10)
recipe = msgspec.structs.replace(network.training, batch_size=32)
network = msgspec.structs.replace(
    network, layers=(*network.layers[:-1], last), data=path, training=recipe
)
sys.exit(run_app(network, None))
"""


def cli(*args: str) -> str:
    return CLI.format(args=list(args))


def endless(folder: Path) -> str:
    """A file of the preset that no run comes to the end of, however fast the machine."""
    network = load_preset("digits-convnet")
    recipe = msgspec.structs.replace(network.training, epochs=100_000)
    path = folder / "endless.toml"
    save_network(msgspec.structs.replace(network, training=recipe), path)
    return str(path)


def test_a_crash_is_told_in_words_and_the_app_stays(start: Start) -> None:
    terminal = start(FAULTY)
    terminal.shows("fits")
    terminal.press(F5)
    terminal.shows("The trainer crashed: ZeroDivisionError: no batch")
    terminal.shows("printed: a stray print")
    terminal.shows("printed: and one to standard error")
    terminal.press("1")
    terminal.shows("[1 Build]")
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert terminal.is_restored()


def test_a_latin_1_terminal_gets_nothing_but_ascii(start: Start, tmp_path: Path) -> None:
    terminal = start(cli(endless(tmp_path)), PYTHONIOENCODING="latin-1")
    terminal.shows("fits")
    terminal.press(F5)
    terminal.shows("epoch 2")
    assert terminal.raw.isascii()
    terminal.press("q")
    terminal.shows("is active")
    terminal.press("y")
    assert terminal.exit_code() == 0
    assert terminal.is_restored()


@pytest.mark.parametrize(
    ("color", "sent", "unsent"),
    [
        ("16", b"96", b"38;5"),
        ("256", b"38;5", b"38;2"),
        ("truecolor", b"38;2", b"38;5"),
        ("none", b"\x1b[0;1m", b";5;"),
    ],
)
def test_colours_are_those_that_were_asked_for(
    start: Start, color: str, sent: bytes, unsent: bytes
) -> None:
    terminal = start(cli("--color", color, "--no-mouse"))
    terminal.shows("fits")
    assert sent in terminal.raw
    assert unsent not in terminal.raw
    assert b"\x1b[?1000h" not in terminal.raw
    terminal.press("q")
    assert terminal.exit_code() == 0


def test_a_link_that_stalls_costs_no_step_and_the_screen_comes_back(
    start: Start, tmp_path: Path
) -> None:
    terminal = start(cli(endless(tmp_path)), XDG_DATA_HOME=str(tmp_path))
    terminal.shows("fits")
    terminal.press(F5)
    terminal.shows("training")
    terminal.stall()
    for _ in range(40):  # so many frames that the writer waits, and the screen with it
        terminal.press("12")
        time.sleep(0.02)
    (metrics,) = tmp_path.rglob("metrics.jsonl")
    before, end = len(_steps(metrics)), time.monotonic() + PATIENCE
    while len(_steps(metrics)) < before + 200:
        assert time.monotonic() < end, "the training waits for the terminal"
        time.sleep(0.1)
    terminal.recover()
    terminal.press("1")
    terminal.shows("[1 Build]")
    terminal.press("2")
    terminal.shows("[2 Train]")
    terminal.shows("100000")
    terminal.process.terminate()
    assert terminal.exit_code() == 143
    steps = _steps(metrics)
    assert steps == list(range(1, len(steps) + 1))


def _steps(metrics: Path) -> list[int]:
    return [int(step) for step in re.findall(rb'"step":(\d+)', metrics.read_bytes())]


def test_leaving_in_the_middle_of_a_batch_of_alexnet(start: Start, tmp_path: Path) -> None:
    terminal = start(ALEXNET.format(folder=str(tmp_path)))
    terminal.shows("fits")
    terminal.press(F5)
    terminal.shows("training")
    terminal.press("q")
    terminal.shows("is active")
    began = time.monotonic()
    terminal.press("y")
    assert terminal.exit_code() == 0
    assert time.monotonic() - began < PATIENCE
    assert terminal.is_restored()


@pytest.mark.parametrize("exported", [{}, {"COLUMNS": "80", "LINES": "24"}])
def test_a_window_is_shrunk_and_grown_while_a_run_goes(
    start: Start, tmp_path: Path, exported: dict[str, str]
) -> None:
    terminal = start(cli(endless(tmp_path)), **exported)
    terminal.shows("fits")
    terminal.press(F5)
    terminal.shows("training")
    for size, words in (((20, 5), "20x5"), (SIZE, "accuracy"), ((60, 20), "loss"), (SIZE, "loss")):
        terminal.screen.resize(size[1], size[0])
        terminal.resize(*size)
        terminal.shows(words)
    terminal.process.terminate()
    assert terminal.exit_code() == 143
    assert terminal.is_restored()


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A server on a free port of this machine, with keys of its own."""
    server = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if not server or not shutil.which("ssh") or not shutil.which("ssh-keygen"):
        pytest.skip("needs OpenSSH's server and client (Debian: openssh-server)")
    for name in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / name)]
        run(command)
    (tmp_path / "authorized").write_text((tmp_path / "user.pub").read_text())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    # Where the service was never started there is no place yet for it to drop its rights in.
    place = Path("/run/sshd")
    makes_place = not os.getuid() and not place.exists()
    if makes_place:
        place.mkdir(mode=0o755)
    options = {
        "Port": port,
        "ListenAddress": "127.0.0.1",
        "HostKey": tmp_path / "host",
        "AuthorizedKeysFile": tmp_path / "authorized",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
        "SetEnv": f"{MARK}={os.environ[MARK]}",
    }
    flags = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    # No pipe: sessions inherit it, and to read it to its end would be to wait for them.
    told = tmp_path / "told"
    with told.open("w") as log:
        process = start_process([server, "-D", "-e", "-f", "/dev/null", *flags], stderr=log)
    try:
        _await_server(process, port, told)
        yield port, tmp_path / "user"
    finally:
        process.kill()
        process.wait()
        if makes_place:
            place.rmdir()


def _await_server(process: subprocess.Popen[bytes], port: int, told: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            pytest.skip(f"sshd does not start here: {told.read_text().strip()[-200:]}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    pytest.skip("sshd does not answer here")


def test_a_real_ssh_link_is_cut_and_the_run_is_whole(
    start: Start, sshd: tuple[int, Path], tmp_path: Path
) -> None:
    port, key = sshd
    script = tmp_path / "app.py"
    script.write_text(cli(endless(tmp_path)))
    command = (
        f"TERM=xterm-256color PYTHONPATH={os.environ.get('PYTHONPATH', '')} "
        f"XDG_DATA_HOME={tmp_path / 'data'} {sys.executable} {script}"
    )
    options = ["StrictHostKeyChecking=no", f"UserKnownHostsFile={tmp_path / 'known'}"]
    flags = [word for option in options for word in ("-o", option)]
    words = ["ssh", "-tt", "-q", "-i", str(key), "-p", str(port), *flags]
    words += [f"{getpass.getuser()}@127.0.0.1", command]
    terminal = start(f"import os; os.execvp('ssh', {words!r})")
    terminal.shows("fits")
    terminal.press(F5)
    terminal.shows("training")
    terminal.press("s")  # a key goes all the way: one batch, then a pause
    terminal.shows("paused")
    terminal.press(" ")
    terminal.shows("training")
    terminal.process.kill()
    runs = tmp_path / "data" / "cnn-tui" / "runs"
    end = time.monotonic() + PATIENCE
    while not any(_stopped(path) for path in runs.glob("*")):
        assert time.monotonic() < end, "the run was not ended"
        time.sleep(0.1)
    (folder,) = (RunFolder(path) for path in runs.glob("*"))
    states = [path for path in folder.path.rglob("*.safetensors") if path.stat().st_size]
    assert states
    for state in states:
        TensorFile(state).read()


def _stopped(path: Path) -> bool:
    events = path / "events.jsonl"
    return events.exists() and b'"stopped"' in events.read_bytes()
