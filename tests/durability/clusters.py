"""Clusters of Dask as processes of their own, and what is done to their workers."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import distributed
from children import start


def dask(*words: str, cwd: Path) -> subprocess.Popen[Any]:
    command = [sys.executable, "-m", "dask", *words]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    # Data and caches of a machine of its own.
    env = {**os.environ, "XDG_CACHE_HOME": str(cwd / "cache")}
    return start(command, cwd=cwd, env=env, **quiet)


def begin_cluster(place: Path, workers: int) -> tuple[subprocess.Popen[Any], str]:
    file = place / "scheduler.json"
    here = ("--host", "127.0.0.1", "--no-dashboard")
    scheduler = dask("scheduler", "--port", "0", *here, "--scheduler-file", str(file), cwd=place)
    while not file.exists() or not file.read_text():
        time.sleep(0.05)
    address: str = json.loads(file.read_text())["address"]
    options = (
        "--nworkers",
        str(workers),
        "--nthreads",
        "1",
        "--no-dashboard",
        "--memory-limit",
        "0",
    )
    dask("worker", address, *options, "--host", "127.0.0.1", cwd=place)
    with distributed.Client(address, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=60)
    return scheduler, address


def limiting_files(most: int) -> Callable[[], None]:
    """Lets a worker write files of at most so many bytes; a closure, so that it is sent whole."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    return limit
