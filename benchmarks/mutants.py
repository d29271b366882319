"""Changes one operator, number or condition of the code at a time, and asks whether a test notices.

``python benchmarks/mutants.py [--jobs 2] shapes.py specs/windows.py ops``; without names, all that
``TESTS`` names. Cosmic Ray says what can be changed, and how. Each change is tried in a fork of
this process, which has imported what the tests need besides this package. The tests that enter the
changed function come first, up to the first that fails.

What came of each change is kept below ``build``: a call that was interrupted goes on, and a later
one tries again what no test noticed, and prints what is left. docs/testing.md explains it.
"""

from __future__ import annotations

import argparse
import ast
import gc
import hashlib
import importlib
import io
import json
import os
import re
import resource
import shutil
import signal
import sys
import threading
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from importlib.abc import ExecutionLoader
from importlib.machinery import ModuleSpec
from importlib.metadata import entry_points
from pathlib import Path
from types import FrameType
from typing import NamedTuple

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import MutationVisitor
from cosmic_ray.plugins import get_operator, operator_names
from hypothesis import Phase, settings

ROOT = Path(__file__).resolve().parents[1]
KEPT, COPY = ROOT / "build" / "mutation", ROOT / "build" / "mutants"
ENGINE, TESTED = COPY / "cnn_tui" / "engine", COPY / "tests" / "engine"
TESTS = {
    "shapes.py": ("shapes", "rules"),
    "specs/applying.py": ("check", "blocks", "transforms"),
    "specs/batches.py": ("batches",),
    "specs/branch_fixes.py": ("offered_fixes",),
    "specs/check.py": ("check", "offered_fixes", "taking_back", "data_fit", "batches"),
    "specs/codec.py": ("presets", "codec", "blocks"),
    "specs/doctor.py": ("offered_fixes", "data_fit", "check", "blocks", "doctor"),
    "specs/expansion.py": ("pattern",),
    "specs/fixes.py": ("offered_fixes",),
    "specs/network.py": ("limits", "rules"),
    "specs/norms.py": ("limits",),
    "specs/param_shapes.py": ("placed",),
    "specs/paths.py": ("paths",),
    "specs/pattern.py": ("pattern",),
    "specs/placed.py": ("placed",),
    "specs/places.py": ("places", "placed", "rules"),
    "specs/pooling.py": ("limits", "table"),
    "specs/presets.py": ("presets",),
    "specs/quick": ("quick_blocks", "quick_calls", "quick_words", "quick"),
    "specs/report.py": ("limits", "table"),
    "specs/rewrite.py": ("rewrite", "limits"),
    "specs/score_fixes.py": ("score_fixes", "data_fit"),
    "specs/scores.py": ("data_fit",),
    "specs/shaping.py": ("limits", "table"),
    "specs/sizes.py": ("limits", "rules"),
    "specs/structural_fixes.py": ("offered_fixes",),
    "specs/table.py": ("table",),
    "specs/taking_back.py": ("taking_back",),
    "specs/tokens.py": ("tokens", "pattern"),
    "specs/transforms.py": ("rewrite", "limits"),
    "specs/values.py": ("values",),
    "specs/windows.py": ("rules", "explain", "shapes", "check"),
    "specs/wording.py": ("wording",),
    "specs": ("rules", "fine_tune", "presets", "batches", "blocks", "check"),
    "ops": (
        *("ops_arena", "ops_geometry", "light_kernels", "ops_blocks", "ops_conv", "losses"),
        *("activation_forms", "winograd", "opened", "model", "workspaces", "every_layer"),
        *("conv_paths", "layers_naive", "gradients"),
    ),
}
"""For a file, or all others of a folder, the files of tests that are asked."""
LEFT_OUT = re.compile(
    r"core/ReplaceBinaryOperator_.*_(Pow|LShift|RShift|BitAnd|BitOr|BitXor|Div)"
    r"|core/ReplaceBinaryOperator_BitOr_.*"
    r"|core/ReplaceComparisonOperator_(.*_)?Is(Not)?(_.*)?"
)
"""Changes that nobody makes by mistake. A ``|`` is nearly always part of a type."""
OPTIONS = (
    *("-qm", "not slow", "-p", "no:cacheprovider", "-p", "no:guard", "--timeout", "0"),
    # The plugins are imported before.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)
SECONDS, BYTES = 600, 4 << 30
"""A change that waits for longer, or takes more memory, counts as noticed, as does one that takes
much more processor time than the tests do without it."""


class Change(NamedTuple):
    operator: str
    occurrence: int
    row: int
    column: int


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

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        found = {item.nodeid: item for item in items}
        items[:] = [found[test] for test in self.order or found]

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.test = nodeid

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


def main(names: list[str], jobs: int) -> None:
    KEPT.mkdir(parents=True, exist_ok=True)
    # Who mends what is found meanwhile changes neither code nor tests.
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
    for name in names or ("shapes.py", "specs", "ops"):
        for file in sorted((ENGINE / name).rglob("[!_]*.py")) or [ENGINE / name]:
            within = file.relative_to(ENGINE)
            row = next(filter(TESTS.get, map(Path.as_posix, (within, *within.parents))))
            reached = [reach(test) for test in TESTS[row]]
            gc.freeze()  # A collection in a fork would copy all of it.
            Trial(file, reached).run(jobs)


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
            threading.settrace(watching.trace)
            sys.settrace(watching.trace)
            watching.ask(file)
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


def is_noise(operator: str, line: str, column: int) -> bool:
    """Whether texts are compared by their order, or a ``zip`` allows for unequal lengths."""
    is_order = "Comparison" in operator and not operator.endswith(("Eq_NotEq", "NotEq_Eq"))
    is_text = re.match("[!=]= [\"']", line[column:])
    return bool(is_order and is_text) or line[:column].endswith("strict=")


class Trial:
    """A file of the engine, the changes that can be made in it, and the tests to ask of each."""

    def __init__(self, file: Path, reached: list[Reach]) -> None:
        self.file, self.reached = file, reached
        self.within = file.relative_to(ENGINE).as_posix()
        self.source = file.read_text()
        self.tree = get_ast(self.source)
        self.functions = [
            (min(part.lineno for part in (node, *node.decorator_list)), node.end_lineno or 0)
            for node in ast.walk(ast.parse(self.source))
            if isinstance(node, ast.FunctionDef)
        ]
        self.noticed: Counter[str] = Counter()
        """How many changes each test was the first to notice."""

    def changes(self) -> Iterator[Change]:
        nodes, code = list(ast_nodes(self.tree)), self.source.splitlines()
        for name in operator_names():
            operator = get_operator(name)
            if operator.arguments() or LEFT_OUT.match(name):
                continue
            places = (place for node in nodes for place in operator().mutation_positions(node))
            for occurrence, ((row, column), _) in enumerate(places):
                if not is_noise(name, code[row - 1], column):
                    yield Change(name, occurrence, row, column)

    def run(self, jobs: int) -> None:
        """Try each change that no earlier call saw noticed, and print those that are not."""
        digest = hashlib.sha256(self.source.encode()).hexdigest()[:8]
        kept = KEPT / f"{self.within.replace('/', '-').removesuffix('.py')}-{digest}.jsonl"
        kept.touch()
        before = {Change(*json.loads(line)) for line in kept.read_text().splitlines()}
        changes = list(self.changes())
        todo = (change for change in changes if change not in before)
        left = 0
        running: dict[int, tuple[Change, int]] = {}
        while True:
            while len(running) < jobs and (change := next(todo, None)):
                child, pipe = self.start(change)
                running[child] = change, pipe
            if not running:
                break
            child, status = os.wait()
            change, pipe = running.pop(child)
            self.noticed[os.read(pipe, 10_000).decode()] += 1
            os.close(pipe)
            if status:
                with kept.open("a") as lines:
                    print(json.dumps(change), file=lines)
            else:
                left += 1
                line, what = self.source.splitlines()[change.row - 1], change.operator[5:]
                print(f"{change.row:>5}  {line[change.column :][:60]:60}  {what}", flush=True)
        print(f"{self.within}: {len(changes):,} changes, {left} unnoticed", flush=True)

    def start(self, change: Change) -> tuple[int, int]:
        """A process that ends with 0 where no test fails, and a pipe for the one that does."""
        here, there = os.pipe()
        if child := os.fork():
            os.close(there)
            return child, here
        tests = self.order(change)
        seconds = sum(sum(part.seconds.values()) for part in tests)
        resource.setrlimit(resource.RLIMIT_CPU, (5 + 3 * int(seconds), -1))
        resource.setrlimit(resource.RLIMIT_AS, (BYTES, -1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.alarm(SECONDS)
        MutationVisitor(change.occurrence, get_operator(change.operator)()).walk(self.tree)
        if (code := self.tree.get_code()) == self.source:
            os._exit(1)  # Of some digits in the text of a format nothing comes.
        sys.meta_path.insert(0, Changed(self.file, code))
        # One file after the other: to import them all takes longer than most of them.
        for part in tests:
            watching = Watching(there)
            watching.order = list(part.seconds)
            watching.ask(watching.order[0].partition("::")[0])
        os._exit(0)

    def order(self, change: Change) -> list[Reach]:
        """The files of tests of which one enters the function; in each, those that do first."""
        around = [first for first, last in self.functions if first <= change.row <= last]
        # What is in no function is executed when the file is imported.
        place = f"{self.within}:{max(around, default=1)}"

        def price(part: Reach) -> float:
            times = sum(self.noticed[test] for test in part.seconds)
            return sum(part.seconds.values()) / (1 + times)

        def ordered(part: Reach) -> dict[str, float]:
            first = sorted(part.entered[place], key=lambda test: part.seconds.get(test, 0))
            tests = dict.fromkeys([*first, *part.seconds])
            return {test: part.seconds[test] for test in tests if test in part.seconds}

        asked = sorted((part for part in self.reached if place in part.entered), key=price)
        return [part._replace(seconds=ordered(part)) for part in asked]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="files or folders of the engine")
    parser.add_argument("--jobs", type=int, default=1, help="how many changes at a time")
    main(**vars(parser.parse_args()))
