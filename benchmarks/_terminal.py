"""A real terminal for the measurements of the dashboard: a pty with the app in it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Sequence
from pathlib import Path

COLUMNS, ROWS = 120, 40
PATIENCE = 120.0
SOAK = 1_000_000
FAKE = f"""
import sys, time
from pathlib import Path
import cnn_tui.tui.app as app
from cnn_tui.engine.specs.layers import FC
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.events import BatchCompleted, RunStarted, ValidationCompleted

def fake(network, control, emit, **places):
    emit(RunStarted(
        arch="fake", data="none", params=10, epochs={SOAK // 1000}, batch_size=1, batches=1000,
        train_images=1000, val_images=1, test_images=1, classes=("a", "b"), optimizer="sgd",
        lr=0.1, seed=0, threads=1,
    ))
    file = Path(sys.argv[1]) / "step"
    began = time.perf_counter()
    for step in range(1, 10**9):
        epoch = (step - 1) // 1000 + 1
        loss = 2 / (1 + step % 977)
        emit(BatchCompleted(
            step=step, epoch=min(epoch, {SOAK // 1000}), batch=(step - 1) % 1000 + 1, loss=loss,
            l2_loss=0.01, accuracy=0.5, lr=0.1, images_per_second=1e4,
            seconds=time.perf_counter() - began,
        ))
        if step % 1000 == 0:
            emit(ValidationCompleted(step=step, epoch=epoch, loss=loss, accuracy=0.5))
            file.write_text(str(step))
        if step % 100 == 0:
            time.sleep(0.006)
            if control.stopping:
                return

app.train = fake
sys.exit(app.run_app(Network(layers=(FC(out_features=10),)), None))
"""
"""A trainer that only emits events: an hour of a fast run in two minutes."""


class Terminal:
    """A pty and the app in it."""

    def __init__(
        self,
        args: Sequence[str],
        home: Path,
        program: str = "",
        size: tuple[int, int] = (COLUMNS, ROWS),
    ) -> None:
        start = ["-c", program, str(home)] if program else ["-m", "cnn_tui.tui", *args]
        self.fd, inner = pty.openpty()
        self.name = os.ttyname(inner)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", *size[::-1], 0, 0))
        self.read_bytes = 0
        self.tail = b""
        self.began = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, *start],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            env=environment(home),
        )
        os.close(inner)

    def read(self, seconds: float) -> bytes:
        """Output as soon as there is some, at most ``seconds`` later."""
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
        """Number of bytes that arrive within ``seconds``."""
        before, end = self.read_bytes, time.perf_counter() + seconds
        while time.perf_counter() < end:
            self.read(end - time.perf_counter())
        return self.read_bytes - before

    def flow(self, on: bool) -> None:
        """Pass output through, or block it as a dead link does."""
        inner = os.open(self.name, os.O_RDWR | os.O_NOCTTY)
        termios.tcflow(inner, termios.TCOON if on else termios.TCOOFF)
        os.close(inner)

    def resident_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

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
