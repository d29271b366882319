"""How tests are asked of changed code: in forks of a process that has imported all else."""

from __future__ import annotations

import faulthandler
import hashlib
import importlib
import io
import json
import os
import shutil
import sys
import threading
import warnings
from collections import defaultdict
from contextlib import suppress
from importlib.abc import ExecutionLoader
from importlib.machinery import ModuleSpec
from importlib.metadata import entry_points
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import pytest
from hypothesis import Phase, settings

ROOT = Path(__file__).resolve().parents[1]
KEPT, COPY = ROOT / "build" / "mutation", ROOT / "build" / "mutants"
ENGINE, TESTED = COPY / "cnn_tui" / "engine", COPY / "tests" / "engine"
OPTIONS = (
    *("-qm", "not slow", "-p", "no:cacheprovider", "-p", "no:guard", "--timeout", "0"),
    # The plugins are imported before.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


class Reach(NamedTuple):
    """What the tests of one file do without a change."""

    seconds: dict[str, float]
    entered: dict[str, list[str]]
    """For each function of the engine, as file and line, the tests that enter it."""
    others: list[str]
    """The modules of other packages that they import."""


class Watching:
    """A plugin of pytest: the order of the tests, how long each takes, which functions it enters.

    The process ends with the first test that fails, its name in ``pipe``.
    """

    def __init__(self, pipe: int) -> None:
        self.order: list[str] = []
        self.pipe, self.test = pipe, ""
        self.is_tracing = False
        self.seconds: dict[str, float] = defaultdict(float)
        self.entered: dict[str, set[str]] = defaultdict(set)

    def ask(self, file: str | Path) -> None:
        sys.stdout = sys.stderr = io.StringIO()
        if pytest.main([*OPTIONS, str(file)], [self]):
            os._exit(1)

    def pytest_sessionstart(self) -> None:
        # That a test fails is enough.
        settings.register_profile("found", settings(), phases=[Phase.explicit, Phase.generate])
        settings.load_profile("found")
        faulthandler.disable()  # Changed strides may lead anywhere.

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        found = {item.nodeid: item for item in items}
        items[:] = [found[test] for test in self.order or found]

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.test = nodeid
        if self.is_tracing:  # Again: a test of Hypothesis ends it.
            sys.settrace(self.trace)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] += report.duration
        if report.failed:
            os.write(self.pipe, report.nodeid.encode())
            os._exit(1)

    def trace(self, frame: FrameType, *_: object) -> None:
        path, _, name = frame.f_code.co_filename.rpartition(f"{ENGINE}/")
        if not path and name:
            self.entered[f"{name}:{frame.f_code.co_firstlineno}"].add(self.test)


class Changed(ExecutionLoader):
    """Imports one file of the package with other code."""

    def __init__(self, file: Path, code: str) -> None:
        self.file, self.code = file, code
        self.name = ".".join(file.relative_to(COPY).with_suffix("").parts)

    def get_filename(self, fullname: str) -> str:
        return str(self.file)

    def get_source(self, fullname: str) -> str:
        return self.code

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        return importlib.util.spec_from_loader(name, self) if name == self.name else None


def prepare() -> None:
    """Copy what is tried and its tests: who mends what is found meanwhile changes neither."""
    KEPT.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(COPY, ignore_errors=True)
    for name in ("engine", "presets", "tui"):
        shutil.copytree(ROOT / name, COPY / "cnn_tui" / name)
    for name in ("tests", "benchmarks"):
        shutil.copytree(ROOT / name, COPY / name)
    shutil.copy(ROOT / "pyproject.toml", COPY)
    os.chdir(COPY)
    sys.path.insert(0, str(COPY))
    sys.pycache_prefix, sys.dont_write_bytecode = str(KEPT / "pycache"), False
    warnings.simplefilter("ignore")  # In this process; pytest has its own filters.
    for point in entry_points(group="pytest11"):
        point.load()


def reach(test: str) -> Reach:
    """Ask the tests of a file without a change: watched, then in reverse order."""
    file = TESTED / f"test_{test}.py"
    texts = [file, *sorted(TESTED.glob("[!t]*.*")), *sorted(ENGINE.rglob("*.py"))]
    digest = hashlib.sha256(b"".join(text.read_bytes() for text in texts)).hexdigest()[:8]
    kept = KEPT / f"reach-{test}-{digest}.json"
    for again in (False, True) if not kept.exists() else ():
        if not (child := os.fork()):
            watching = Watching(sys.stderr.fileno())
            if again:
                watching.order = list(json.loads(kept.read_text())[0])[::-1]
                watching.ask(file)
                os._exit(0)
            watching.is_tracing = True
            threading.settrace(watching.trace)
            sys.settrace(watching.trace)
            watching.ask(file)
            watching.is_tracing = False
            sys.settrace(None)
            others = [name for name, at in sys.modules.items() if "site-packages" in str(at)]
            found = watching.seconds, watching.entered, others
            kept.write_text(json.dumps(found, default=sorted))
            os._exit(0)
        if os.waitpid(child, 0)[1]:
            kept.unlink(missing_ok=True)
            sys.exit(f" of {file} fails without a change, which would pass for noticing it")
    found = Reach(*json.loads(kept.read_text()))
    for name in found.others:
        with suppress(Exception):
            importlib.import_module(name)
    return found
