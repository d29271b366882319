"""Which process this is, and whether one that said so still lives."""

from __future__ import annotations

import os
import platform
import subprocess
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec

from cnn_tui.engine.decoding import Word


class Identity(msgspec.Struct, frozen=True):
    """A process as no other can be: its number comes back, its start on that boot does not."""

    pid: Annotated[int, msgspec.Meta(ge=1, lt=2**31)]
    host: Word
    boot: Word
    started: Word


@cache
def this_process() -> Identity:
    """The process that asks."""
    return Identity(os.getpid(), platform.node(), _boot(), _started(os.getpid()))


def lives(identity: Identity) -> bool | None:
    """Whether the process runs; None if it ran on another machine, where nobody can tell."""
    if identity.host != platform.node():
        return None
    return identity.boot == _boot() and identity.started == _started(identity.pid) != ""


@cache
def _boot() -> str:
    """Differs after every start of the machine."""
    file = Path("/proc/sys/kernel/random/boot_id")
    if file.exists():
        return file.read_text().strip()
    return _ask("sysctl", "-n", "kern.boottime")


def _started(pid: int) -> str:
    """When the process began, empty if there is none or it has ended."""
    if not Path("/proc/self/stat").exists():
        return _ask("ps", "-o", "lstart=", "-p", str(pid))
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    # The name in parentheses may hold anything, spaces and parentheses included.
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]


def _ask(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip()
