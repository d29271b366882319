"""What the dashboard costs, on a real pty: start, bytes, training speed, latency, leaving.

``python benchmarks/dashboard.py`` measures all of it in about five minutes, with a name only that.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np

from cnn_tui.engine.specs.codec import save_network
from cnn_tui.engine.specs.presets import load_preset

COLUMNS, ROWS = 120, 40
F5 = b"\x1b[15~"
PAINTED = b"quit"
"""A word of the last line of the first frame."""
PATIENCE = 120.0
CLASSES = 10


class Terminal:
    """A pty and the app in it."""

    def __init__(self, args: Sequence[str], home: Path) -> None:
        self.fd, inner = pty.openpty()
        self.name = os.ttyname(inner)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.read_bytes = 0
        self.tail = b""
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cnn_tui.tui", *args],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            env=environment(home),
        )
        os.close(inner)

    def read(self, seconds: float) -> bytes:
        """What comes within so many seconds, as soon as something does."""
        if not select.select([self.fd], [], [], max(0.0, seconds))[0]:
            return b""
        try:
            data = os.read(self.fd, 1 << 16)
        except OSError:
            return b""
        self.read_bytes += len(data)
        self.tail = (self.tail + data)[-(1 << 16) :]
        return data

    def until(self, word: bytes) -> float:
        """Seconds since the start of the program until it has painted ``word``."""
        end = time.perf_counter() + PATIENCE
        while word not in self.tail:
            if time.perf_counter() > end or self.process.poll() is not None:
                raise SystemExit(f"no {word!r} was painted: {self.tail[-500:]!r}")
            self.read(0.5)
        return time.perf_counter() - self.began

    def press(self, keys: bytes) -> None:
        self.tail = b""
        os.write(self.fd, keys)

    def drain(self, seconds: float) -> int:
        """The bytes that come in so many seconds."""
        before, end = self.read_bytes, time.perf_counter() + seconds
        while time.perf_counter() < end:
            self.read(end - time.perf_counter())
        return self.read_bytes - before

    def flow(self, on: bool) -> None:
        """Let output through, or block it as a dead link does."""
        inner = os.open(self.name, os.O_RDWR | os.O_NOCTTY)
        termios.tcflow(inner, termios.TCOON if on else termios.TCOOFF)
        os.close(inner)

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.fd)


def environment(home: Path) -> dict[str, str]:
    left_out = ("SSH_CONNECTION", "NO_COLOR", "COLORTERM")
    kept = {name: value for name, value in os.environ.items() if name not in left_out}
    return {
        **kept,
        "TERM": "xterm-256color",
        "PYTHONIOENCODING": "utf-8",
        "XDG_DATA_HOME": str(home),
    }


class Bench:
    """The measurements, each printing its line."""

    def __init__(self, home: Path, link_seconds: float) -> None:
        self.home, self.link_seconds = home, link_seconds

    @contextmanager
    def terminal(self, *args: str, painted: bytes = PAINTED) -> Iterator[Terminal]:
        terminal = Terminal(args, self.home)
        try:
            terminal.until(painted)
            yield terminal
        finally:
            terminal.close()

    @contextmanager
    def training(self, preset: str, *args: str, images: int = 4096) -> Iterator[Terminal]:
        with self.terminal(self.endless(preset, images), *args) as terminal:
            terminal.press(F5)
            terminal.until(b"training")
            terminal.drain(3.0)
            yield terminal

    def endless(self, preset: str, images: int) -> str:
        """A file of the preset on random pictures, which no run comes to the end of."""
        path = self.home / f"{preset}.toml"
        if not path.exists():
            network = load_preset(preset)
            last = msgspec.structs.replace(network.layers[-1], out_features=CLASSES)
            network = msgspec.structs.replace(network, layers=(*network.layers[:-1], last))
            rng = np.random.default_rng(0)
            pixels = rng.integers(0, 256, (images, *network.input), dtype=np.uint8)
            np.savez(self.home / f"{preset}.npz", x=pixels, y=np.arange(images) % CLASSES)
            recipe = msgspec.structs.replace(
                network.training, epochs=100_000, batch_size=min(64, images // 4), lr=1e-4
            )
            data = str(self.home / f"{preset}.npz")
            save_network(msgspec.structs.replace(network, training=recipe, data=data), path)
        return str(path)

    def start(self) -> None:
        times = []
        for _ in range(10):
            with self.terminal() as terminal:
                times.append(terminal.until(PAINTED))
        report("first paint, median of 10", statistics.median(times), "s", 0.7)
        times = []
        for _ in range(10):
            began = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "cnn_tui.tui", "--help"], check=True, capture_output=True
            )
            times.append(time.perf_counter() - began)
        report("--help, median of 10", statistics.median(times), "s", 0.25)

    def output(self) -> None:
        for fps, limit in ((2, 6.0), (4, 20.0)):
            with self.training("lenet5", "--fps", str(fps)) as terminal:
                rate = terminal.drain(15.0) / 15.0 / 1000
                report(f"output at {COLUMNS}x{ROWS}, {fps} Hz", rate, "KB/s", limit)
                terminal.press(b" ")
                terminal.until(b"paused")
                terminal.drain(1.5)
                report("the same, paused", terminal.drain(5.0), "bytes in 5 s", 0)

    def idle(self) -> None:
        with self.terminal() as terminal:
            terminal.drain(2.0)
            before, seconds = terminal.cpu_seconds(), 20.0
            sent = terminal.drain(seconds)
            share = (terminal.cpu_seconds() - before) / seconds
            report("idle on the Build screen", share * 100, "% of a core", 1.0)
            report("the same", sent, f"bytes in {seconds:.0f} s", 0)

    def speed(self) -> None:
        """Batches of lenet5, interleaved; each side counts what its run folder has recorded."""
        open_, headless = list[float](), list[float]()
        for _ in range(4):
            with self.training("lenet5") as terminal:
                open_.append(self.steps_a_second(lambda: terminal.drain(8.0)))
            path = self.endless("lenet5", 4096)
            process = subprocess.Popen(
                [sys.executable, "-m", "cnn_tui.tui", "train", path],
                env=environment(self.home),
                stdout=subprocess.DEVNULL,
            )
            time.sleep(4.0)
            headless.append(self.steps_a_second(lambda: time.sleep(8.0)))
            process.terminate()
            process.wait()
        ratio = statistics.median(open_) / statistics.median(headless)
        report("lenet5:64 with the dashboard over headless", ratio, "", 0.95, least=True)
        print(f"  {statistics.median(open_):.1f} and {statistics.median(headless):.1f} steps/s")

    def steps_a_second(self, wait: Callable[[], object]) -> float:
        before = self.last_step()
        began = time.perf_counter()
        wait()
        after = self.last_step()
        return (after - before) / (time.perf_counter() - began)

    def last_step(self) -> int:
        """Of the newest run, as far as it is on disk."""
        newest = max(self.home.rglob("metrics.jsonl"), key=lambda path: path.stat().st_mtime)
        steps = re.findall(rb'"step":(\d+)', newest.read_bytes()[-4096:])
        return int(steps[-1]) if steps else 0

    def latency(self) -> None:
        with self.training("alexnet", images=64) as terminal:
            terminal.press(b"1")
            terminal.drain(2.0)
            times = []
            for number in range(200):
                terminal.drain(0.05)
                began = time.perf_counter()
                terminal.press(b"\x1b[B" if number % 20 < 10 else b"\x1b[A")
                while not terminal.read(1.0):
                    pass
                times.append((time.perf_counter() - began) * 1000)
        times.sort()
        report("key to paint while alexnet trains, p50", times[100], "ms", 15)
        report("the same, p90", times[180], "ms", 30)
        report("the same, greatest of 200", times[-1], "ms", 100)

    def stall(self) -> None:
        with self.training("lenet5") as terminal:
            usual = self.steps_a_second(lambda: terminal.drain(10.0))
            terminal.flow(False)
            stalled = self.steps_a_second(lambda: time.sleep(self.link_seconds))
            text = f"steps/s during a stall of {self.link_seconds:.0f} s over those before"
            report(text, stalled / usual, "", 0.95, least=True)
            terminal.flow(True)
            began = time.perf_counter()
            terminal.press(b"?")
            terminal.until(b"Everywhere")
            report("from its end to the answer to a key", time.perf_counter() - began, "s", 2.0)

    def leave(self) -> None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            with self.training("lenet5") as terminal:
                began = time.perf_counter()
                terminal.process.send_signal(number)
                while terminal.process.poll() is None:
                    terminal.read(0.02)
                seconds = time.perf_counter() - began
                code = terminal.process.returncode
                report(f"{number.name} to the end (exit code {code})", seconds, "s", 5.0)


def report(what: str, value: float, unit: str, limit: float, *, least: bool = False) -> None:
    good = value >= limit if least else value <= limit
    relation = ">=" if least else "<="
    verdict = "" if good else "   MISSED"
    print(f"{what:<58} {value:8.3g} {unit:<14} {relation} {limit:g}{verdict}", flush=True)


PARTS = ("start", "idle", "output", "speed", "latency", "stall", "leave")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {' '.join(PARTS)}")
    parser.add_argument("--stall-seconds", type=float, default=60.0)
    args = parser.parse_args()
    unknown = set(args.parts) - set(PARTS)
    if unknown:
        parser.error(f"no such part: {' '.join(unknown)}; there are {' '.join(PARTS)}")
    with tempfile.TemporaryDirectory() as home:
        bench = Bench(Path(home), args.stall_seconds)
        for part in args.parts or PARTS:
            getattr(bench, part)()


if __name__ == "__main__":
    main()
