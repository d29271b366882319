"""The machine and versions that computed a run: only the same ones promise the same bits."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import msgspec
import numpy as np
import threadpoolctl  # type: ignore[import-untyped]

from cnn_tui.engine.decoding import Count, UnreadableError, Word, decode
from cnn_tui.engine.files import read_end
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.stamp import package_version
from cnn_tui.engine.torchrun import launcher

_MOST = 1 << 16
"""Bytes that are read from the end; longer than any line."""


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """A line of ``environment.jsonl``: a process that worked on the run."""

    cnn_tui: Word
    python: Word
    numpy: Word
    blas: Word
    system: Word
    host: Word
    cpu: Word
    cores: Count
    threads: Count
    engine: Word = ""
    launcher: Word = ""
    """The torchrun that started the process, if one did."""
    pid: Count
    started: Word


def environment(threads: int, engine: str, started: str) -> Environment:
    """The environment of this process, for an engine with ``threads`` threads."""
    return Environment(
        cnn_tui=package_version(),
        python=platform.python_version(),
        numpy=np.__version__,
        blas=_blas(),
        system=platform.platform(),
        host=platform.node(),
        cpu=_cpu(),
        cores=os.cpu_count() or 1,
        threads=threads,
        engine=engine,
        launcher=launcher(),
        pid=os.getpid(),
        started=started,
    )


def last_environment(folder: RunFolder) -> Environment | None:
    """The environment of the last process that worked on the run; None if unreadable."""
    try:
        lines = read_end(folder.environment_file, _MOST).splitlines()
        return decode(lines[-1], Environment)
    except (OSError, IndexError, UnreadableError):
        return None


def is_of_this_launcher(folder: RunFolder) -> bool:
    """Whether the torchrun that started this process also started the last one of the run."""
    environment = last_environment(folder)
    return environment is not None and environment.launcher == launcher() != ""


def _blas() -> str:
    for library in threadpoolctl.threadpool_info():
        if library["user_api"] == "blas":
            names = (library["internal_api"], library.get("version"), library.get("architecture"))
            return " ".join(name for name in names if name)
    return "unknown"


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.machine())
