"""Changes one operator, number or condition of the code at a time, and asks whether a test notices.

``python benchmarks/mutants.py [--jobs 2] shapes.py specs/windows.py ops``; without names, all that
``TESTS`` names. Cosmic Ray says what can be changed, and how. Each change is tried in a fork of
this process. The tests that enter the changed function come first, up to the first that fails.

What came of each change is kept below ``build``: a call that was interrupted goes on, and a later
one tries again what no test noticed, and prints what is left. docs/testing.md explains it.
"""

from __future__ import annotations

import argparse
import ast
import gc
import hashlib
import json
import os
import re
import resource
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from _mutant_runs import ENGINE, KEPT, Changed, Reach, Watching, prepare, reach
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import MutationVisitor
from cosmic_ray.plugins import get_operator, operator_names

TESTS = {
    "shapes.py": ("shapes", "rules"),
    "specs/activations.py": ("layer_settings",),
    "specs/applying.py": ("check", "check_places", "taking_back", "blocks", "transforms"),
    "specs/batches.py": ("batches",),
    "specs/blocks.py": ("block_rules", "offered_fixes"),
    "specs/branch_fixes.py": ("offered_fixes",),
    "specs/cases.py": ("offered_fixes", "tried_fixes", "taking_back"),
    "specs/check.py": (
        "check",
        "check_places",
        "layer_table",
        "offered_fixes",
        "taking_back",
        "data_fit",
        "batches",
        "made_in_code",
    ),
    "specs/codec.py": ("file_layout", "file_limits", "codec"),
    "specs/depthwise.py": ("layer_settings",),
    "specs/doctor.py": (
        "tried_fixes",
        "offered_fixes",
        "taking_back",
        "data_fit",
        "check",
        "check_places",
    ),
    "specs/expansion.py": ("pattern",),
    "specs/family.py": ("family",),
    "specs/files.py": ("named_files",),
    "specs/fitting.py": ("fitting",),
    "specs/fixes.py": ("offered_fixes",),
    "specs/flow.py": ("inside", "rules", "explain", "check", "check_places", "offered_fixes"),
    "specs/freezing.py": ("fine_tune", "check", "check_places"),
    "specs/html.py": ("html",),
    "specs/infer.py": ("inside", "rules", "explain"),
    "specs/info.py": ("layer_settings",),
    "specs/inside.py": ("inside",),
    "specs/issues.py": ("check", "check_places", "offered_fixes", "taking_back", "data_fit"),
    "specs/known_data.py": ("fitting",),
    "specs/layers.py": ("layer_settings",),
    "specs/norm_rules.py": ("rules",),
    "specs/shaping_rules.py": ("rules",),
    "specs/network.py": ("limits", "rules"),
    "specs/norms.py": ("limits",),
    "specs/param_shapes.py": ("placed",),
    "specs/paths.py": ("paths",),
    "specs/pattern.py": ("pattern",),
    "specs/placed.py": ("placed",),
    "specs/places.py": ("places", "placed", "rules"),
    "specs/pooling.py": ("limits", "table"),
    "specs/presets.py": ("presets",),
    "specs/quick": (
        "quick_blocks",
        "quick_calls",
        "quick_words",
        "quick_other",
        "quick_complete",
        "quick",
    ),
    "specs/report.py": ("limits", "table"),
    "specs/rewrite.py": ("rewrite", "limits"),
    "specs/score_fixes.py": ("score_fixes", "data_fit"),
    "specs/scores.py": ("data_fit",),
    "specs/shaping.py": ("limits", "table"),
    "specs/sizes.py": ("limits", "rules", "layer_settings"),
    "specs/structural_fixes.py": ("offered_fixes",),
    "specs/table.py": ("table",),
    "specs/taking_back.py": ("taking_back",),
    "specs/tokens.py": ("tokens", "pattern"),
    "specs/transforms.py": ("rewrite", "limits"),
    "specs/values.py": ("values",),
    "specs/windows.py": ("rules", "explain", "shapes", "check", "check_places"),
    "specs/wording.py": ("wording",),
    "specs": (
        "rules",
        "fine_tune",
        "presets",
        "batches",
        "blocks",
        "check",
        "check_places",
        "layer_table",
    ),
    "ops/activations.py": ("light_kernels", "every_layer"),
    "ops/banded.py": ("ops_conv",),
    "ops/bands.py": ("ops_geometry", "ops_conv"),
    "ops/conv.py": ("ops_conv",),
    "ops/elementwise.py": ("light_kernels", "ops_blocks", "layers_naive"),
    "ops/filters.py": ("winograd", "ops_conv"),
    "ops/gathered.py": ("ops_geometry", "ops_conv"),
    "ops/global_pool.py": ("global_pool", "light_kernels"),
    "ops/group_norm.py": ("group_norm",),
    "ops/kernel.py": ("light_kernels", "ops_geometry", "ops_conv"),
    "ops/linear.py": ("model", "ops_blocks"),
    "ops/loss.py": ("losses",),
    "ops/memory.py": ("ops_arena", "light_kernels", "workspaces", "ops_conv"),
    "ops/norm.py": ("light_kernels", "every_layer"),
    "ops/patches.py": ("ops_geometry", "ops_conv"),
    "ops/planes.py": ("light_kernels", "ops_geometry"),
    "ops/pool.py": ("pool_forms", "light_kernels", "ops_geometry"),
    "ops/products.py": ("ops_conv",),
    "ops/rows.py": ("ops_arena", "light_kernels", "ops_geometry", "ops_blocks"),
    "ops/strided.py": ("ops_geometry", "ops_conv"),
    "ops/winograd.py": ("winograd", "ops_conv"),
    "ops": ("light_kernels", "activation_forms", "ops_blocks", "every_layer"),
}
"""For a file, or all others of a folder, the files of tests that are asked."""
LEFT_OUT = re.compile(
    r"core/ReplaceBinaryOperator_.*_(Pow|LShift|RShift|BitAnd|BitOr|BitXor|Div)"
    r"|core/ReplaceBinaryOperator_BitOr_.*"
    r"|core/ReplaceComparisonOperator_(.*_)?Is(Not)?(_.*)?"
)
"""Changes that nobody makes by mistake. A ``|`` is nearly always part of a type."""
SECONDS, BYTES = 600, 4 << 30
"""A change that waits for longer, or takes more memory, counts as noticed, as does one that takes
much more processor time than the tests do without it."""


class Change(NamedTuple):
    operator: str
    occurrence: int
    row: int
    column: int


def main(names: list[str], jobs: int) -> None:
    prepare()
    for name in names or ("shapes.py", "specs", "ops"):
        for file in sorted((ENGINE / name).rglob("[!_]*.py")) or [ENGINE / name]:
            within = file.relative_to(ENGINE)
            row = next(filter(TESTS.get, map(Path.as_posix, (within, *within.parents))))
            reached = [reach(test) for test in TESTS[row]]
            gc.freeze()  # A collection in a fork would copy all of it.
            Trial(file, reached).run(jobs)


def is_noise(operator: str, line: str, column: int) -> bool:
    """Whether texts are compared by order, a ``zip`` may be uneven, or a measured bound differs.

    An exception with the name of its module is nothing that Cosmic Ray can replace.
    """
    is_bound = re.match("[A-Z_]+ = 1 <<", line)
    is_order = "Comparison" in operator and not operator.endswith(("Eq_NotEq", "NotEq_Eq"))
    is_text = re.match(r"[!=]= ([\"']|case\.fault\.code)", line[column:])
    is_dotted = "Exception" in operator and line.startswith(".", column)
    is_zip = line[:column].endswith("strict=")
    return bool((is_order and is_text) or is_bound or is_dotted or is_zip)


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
            # What specs find is kept: who enters it first may not be the one who looks at it.
            others = () if around and self.within.startswith("ops/") else part.seconds
            tests = dict.fromkeys([*first, *others])
            return {test: part.seconds[test] for test in tests if test in part.seconds}

        asked = sorted((part for part in self.reached if place in part.entered), key=price)
        return [part._replace(seconds=ordered(part)) for part in asked]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="files or folders of the engine")
    parser.add_argument("--jobs", type=int, default=1, help="how many changes at a time")
    main(**vars(parser.parse_args()))
