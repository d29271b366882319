"""Changes one operator, number or condition of the code at a time, and asks whether a test notices.

``python benchmarks/mutants.py shapes.py specs/windows.py``, or without names all of ``TESTS``. The
changes are made by Cosmic Ray in a copy of the package below ``build``, one after the other; a
session that was interrupted goes on. It prints each change that no test notices; docs/testing.md
explains those that are known.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORK, COPY = ROOT / "build" / "mutation", ROOT / "build" / "mutants"
COSMIC_RAY = Path(sys.executable).parent / "cosmic-ray"
TESTS = {
    "shapes.py": ("shapes", "rules"),
    "specs/moves.py": ("rules", "check", "explain"),
    "specs/learned.py": ("rules", "check", "explain"),
    "specs/windows.py": ("rules", "check", "explain", "doctor"),
    "specs/infer.py": ("rules", "check", "explain", "blocks", "doctor"),
    "specs/check.py": ("check", "blocks", "batches", "doctor"),
    "specs/sizes.py": ("rules", "codec"),
    "specs/freezing.py": ("fine_tune", "check"),
    "specs/batches.py": ("batches", "check"),
    "specs/blocks.py": ("blocks", "rules", "explain"),
    "specs/fixes.py": ("check", "doctor", "blocks", "batches"),
    "specs/branch_fixes.py": ("blocks", "doctor", "check"),
    "specs/structural_fixes.py": ("doctor", "blocks", "check"),
    "specs/score_fixes.py": ("check", "doctor"),
    "specs/scores.py": ("check", "doctor"),
    "specs/codec.py": ("codec",),
    "specs/pattern.py": ("pattern",),
    "ops/linear.py": ("light_kernels", "model", "gradients"),
    "ops/scale.py": ("light_kernels", "gradients", "layers_naive"),
    "ops/gelu.py": ("activation_forms", "light_kernels", "gradients"),
    "ops/loss.py": ("losses",),
}
"""For each file of the engine the tests that are asked, the quickest first."""
LEFT_OUT = (
    "core/ReplaceBinaryOperator_.*_(Pow|LShift|RShift|BitAnd|BitOr|BitXor|Div)",
    "core/ReplaceBinaryOperator_BitOr_.*",
    "core/ReplaceComparisonOperator_(.*_)?Is(Not)?(_.*)?",
)
"""Changes that nobody makes by mistake. A ``|`` is nearly always part of a type."""


def main(files: list[str]) -> None:
    shutil.rmtree(COPY, ignore_errors=True)
    install = "-m pip install -q --disable-pip-version-check --no-deps --no-build-isolation"
    subprocess.run([sys.executable, *install.split(), "--target", COPY, ROOT], check=True)
    WORK.mkdir(exist_ok=True)
    for file in files or TESTS:
        session = ask(file)
        told = [json.loads(line) for line in cosmic_ray("dump", session).splitlines()]
        tried = [(work, result) for work, result in told if result["worker_outcome"] != "skipped"]
        left = [work for work, result in tried if result["test_outcome"] == "survived"]
        print(f"{file}: {len(tried):,} changes, {len(left)} unnoticed")
        print(*lines(left), sep="\n", flush=True)


def ask(file: str) -> Path:
    """Try every change of a file; the session, which holds what came of each.

    Those that no test noticed are tried again, as the tests may be others.
    """
    source = COPY / "cnn_tui" / "engine" / file
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:8]
    name = WORK / f"{file.replace('/', '-').removesuffix('.py')}-{digest}"
    config, session = name.with_suffix(".toml"), name.with_suffix(".sqlite")
    tests = " ".join(f"tests/engine/test_{test}.py" for test in TESTS[file])
    config.write_text(
        f"""[cosmic-ray]
module-path = ["{source.relative_to(ROOT)}"]
timeout = 120.0
excluded-modules = []
test-command = "{sys.executable} -m pytest -qx -m 'not slow' -p no:cacheprovider {tests}"
[cosmic-ray.distributor]
name = "local"
[cosmic-ray.filters.operators-filter]
exclude-operators = {json.dumps(LEFT_OUT)}
"""
    )
    # Tests that fail without a change would take every change for noticed.
    cosmic_ray("baseline", config)
    if session.exists():
        with closing(sqlite3.connect(session)) as database, database:
            database.execute("delete from work_results where test_outcome = 'SURVIVED'")
    else:
        cosmic_ray("init", config, session)
        subprocess.run([COSMIC_RAY.with_name("cr-filter-operators"), session, config], check=True)
    cosmic_ray("exec", config, session)
    return session


def cosmic_ray(*words: str | Path) -> str:
    # Found before the checkout, of which the environment has an editable install.
    environ = {**os.environ, "PYTHONPATH": str(COPY), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [COSMIC_RAY, *words], cwd=ROOT, env=environ, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def lines(left: list[dict]) -> Iterator[str]:
    """Each place with changes that no test noticed: its line of code, and the changes."""
    places: dict[tuple[str, int, int], list[str]] = {}
    for work in left:
        (change,) = work["mutations"]
        place = change["module_path"], *change["start_pos"]
        what = change["operator_name"].removeprefix("core/").removeprefix("Replace")
        places.setdefault(place, []).append(what)
    for (path, row, column), changes in sorted(places.items()):
        code = (ROOT / path).read_text().splitlines()[row - 1]
        yield f"  {row}: {code.strip()}"
        yield f"      at {code[column : column + 20]!r}: {', '.join(sorted(set(changes)))}"


if __name__ == "__main__":
    main(sys.argv[1:])
