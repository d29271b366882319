"""Cost of the dashboard on a real pty: start, bytes, training speed, latency, exit.

``python benchmarks/dashboard.py`` measures everything in about five minutes; a name selects one.
"""

from __future__ import annotations

import argparse
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
from _sweep import sweep_under_way
from _terminal import COLUMNS, FAKE, ROWS, SOAK, Terminal, environment

from cnn_tui.engine.specs.codec import save_network
from cnn_tui.engine.specs.presets import load_preset

F5 = b"\x1b[15~"
PAINTED = b"quit"
"""A word of the last line of the first frame."""
CLASSES = 10


class Bench:
    """The measurements, each printing its line."""

    def __init__(self, home: Path, link_seconds: float) -> None:
        self.home, self.link_seconds = home, link_seconds

    @contextmanager
    def terminal(
        self, *args: str, painted: bytes = PAINTED, program: str = ""
    ) -> Iterator[Terminal]:
        terminal = Terminal(args, self.home, program)
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
        """A file of the preset on random pictures, with more epochs than any run completes."""
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

    def sweep(self) -> None:
        with (
            sweep_under_way(self.home / "cnn-tui" / "runs", pause=1.0),
            self.terminal("--fps", "2") as terminal,
        ):
            terminal.press(b"5")
            terminal.until(b"by best")
            terminal.drain(3.0)
            rate = terminal.drain(15.0) / 15.0 / 1000
            report(f"a sweep of 500 trials at {COLUMNS}x{ROWS}, 2 Hz", rate, "KB/s", 4.0)

    def idle(self) -> None:
        with self.terminal() as terminal:
            terminal.drain(2.0)
            before, seconds = terminal.cpu_seconds(), 20.0
            sent = terminal.drain(seconds)
            share = (terminal.cpu_seconds() - before) / seconds
            report("idle on the Build screen", share * 100, "% of a core", 1.0)
            report("the same", sent, f"bytes in {seconds:.0f} s", 0)

    def speed(self) -> None:
        """Batches of lenet5 with and without the app, alternately, counted in the run folders."""
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
        """Speed by the run's own clock, because the file on disk lags by up to a second."""
        step, seconds = self.last_step()
        wait()
        after, then = self.last_step()
        return (after - step) / (then - seconds)

    def last_step(self) -> tuple[int, float]:
        """The last step of the newest run that is on disk, and its time."""
        last = self.metrics().read_bytes()[-4096:].split(b"\n")[-2]
        event = msgspec.json.decode(last)
        return event["step"], event["seconds"]

    def metrics(self) -> Path:
        return max(self.home.rglob("metrics.jsonl"), key=lambda path: path.stat().st_mtime)

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
            usual = self.steps_a_second(lambda: terminal.drain(self.link_seconds / 3))
            terminal.flow(False)
            stalled = self.steps_a_second(lambda: time.sleep(self.link_seconds))
            text = f"steps/s during a stall of {self.link_seconds:.0f} s over those before"
            report(text, stalled / usual, "", 0.95, least=True)
            terminal.flow(True)
            began = time.perf_counter()
            terminal.press(b"?")
            terminal.until(b"Everywhere")
            report("from its end to the answer to a key", time.perf_counter() - began, "s", 2.0)
            steps = [
                int(step) for step in re.findall(rb'"step":(\d+)', self.metrics().read_bytes())
            ]
            missing = steps[-1] - steps[0] + 1 - len(steps)
            report("steps of that run that are not in its folder", missing, "", 0)

    def soak(self) -> None:
        """A million batches from a fake trainer at full speed, with keys throughout."""
        with self.terminal(painted=PAINTED, program=FAKE) as terminal:
            terminal.press(F5)
            terminal.until(b"training")
            sizes, times = list[int](), list[float]()
            for _ in range(10):
                while self.fake_step() < SOAK * (len(sizes) + 1) // 10:
                    terminal.read(0.1)
                sizes.append(terminal.resident_bytes())
                times.append(statistics.median(self.key_to_paint(terminal, 15)))
            growth = (sizes[-1] / sizes[1] - 1) * 100
            report(f"{SOAK:,} batches: growth after the first fifth", growth, "%", 5.0)
            ratio = statistics.mean(times[-3:]) / statistics.mean(times[:3])
            report("key to paint at the end over that at the beginning", ratio, "", 1.5)

    def fake_step(self) -> int:
        path = self.home / "step"
        return int(path.read_text() or 0) if path.exists() else 0

    def key_to_paint(self, terminal: Terminal, count: int) -> list[float]:
        times = []
        for number in range(count):
            terminal.drain(0.05)
            began = time.perf_counter()
            terminal.press(b"z" if number % 2 else b"Z")
            while not terminal.read(1.0):
                pass
            times.append((time.perf_counter() - began) * 1000)
        return times

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


PARTS = ("start", "idle", "output", "sweep", "speed", "latency", "stall", "leave", "soak")


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
