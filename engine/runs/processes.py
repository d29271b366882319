"""Which process is meant: numbers are used again, on every machine and after every boot."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from cnn_tui.engine.decoding import Word


class Identity(msgspec.Struct, frozen=True):
    """A unique process: its number may be reused, but not with the same start time and boot."""

    pid: Annotated[int, msgspec.Meta(ge=1, lt=2**31)]
    host: Word
    boot: Word
    started: Word


@cache
def this_process() -> Identity:
    """The identity of this process."""
    return Identity(os.getpid(), platform.node(), _boot(), _start_of(os.getpid()))


def lives(identity: Identity) -> bool | None:
    """Whether the process runs; None if it belongs to another machine, where this is unknown."""
    if identity.host != platform.node():
        return None
    return identity.boot == _boot() and identity.started == _start_of(identity.pid) != ""


if sys.platform == "win32":
    import psutil

    def _boot() -> str:
        # The times of processes there are of the calendar, and unique without it.
        return ""

    def _start_of(pid: int) -> str:
        try:
            return str(psutil.Process(pid).create_time())
        except psutil.Error:
            return ""

else:

    @cache
    def _boot() -> str:
        """An identifier of this boot of the machine."""
        file = Path("/proc/sys/kernel/random/boot_id")
        if file.exists():
            return file.read_text().strip()
        return _ask("sysctl", "-n", "kern.boottime")

    def _start_of(pid: int) -> str:
        """Start time of a process; empty if it does not exist or has ended."""
        if not Path("/proc/self/stat").exists():
            return _ask("ps", "-o", "lstart=", "-p", str(pid))
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return ""
        # The name in parentheses may contain spaces and parentheses itself.
        fields = stat.rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]

    def _ask(*command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout.strip()
