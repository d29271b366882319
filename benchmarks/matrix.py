"""The wheel and the sdist of dist/ on every Python that is here: ``make matrix``.

Each is installed outside the checkout into an empty environment, from the wheel with the oldest and
with the newest dependencies that its metadata allows, from the sdist with the newest; dependencies
only as wheels, so that no compiler is needed. Then ``smoke.py`` runs the commands and the app.

Pythons are those given, else ``python3.11`` and later on PATH and those of pyenv. ``--tests`` runs
the quick tests with the oldest dependencies on the first of them, ``--wheels`` asks whether all
dependencies have wheels for other systems; each does nothing else.
"""

from __future__ import annotations

import argparse
import email
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
SMOKE = ROOT / "benchmarks" / "smoke.py"
UV = Path(sys.executable).with_name("uv")
NEWEST, OLDEST = "highest", "lowest-direct"
"""uv's names. What the dependencies in turn depend on is the newest: their bounds are not ours."""
SHOWN = ("numpy", "textual")
EXTRAS = ("cluster", "onnx", "parquet")
"""Those that the tests try with their oldest versions; PyTorch would take gigabytes."""


SYSTEMS = (
    "x86_64-pc-windows-msvc",
    "aarch64-pc-windows-msvc",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "aarch64-unknown-linux-gnu",
    "x86_64-unknown-linux-musl",
    "aarch64-unknown-linux-musl",
)
VERSIONS = ("3.11", "3.12", "3.13", "3.14")


class Case(NamedTuple):
    """One row of the table."""

    python: Path
    source: Path
    resolution: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("pythons", nargs="*", type=Path)
    parser.add_argument("--tests", action="store_true", help="the tests instead")
    parser.add_argument("--wheels", action="store_true", help="only look for wheels")
    args = parser.parse_args()
    if args.wheels:
        return print_wheels()
    pythons = args.pythons or list(found())
    if args.tests:
        sys.exit(not tested(pythons[0]))
    failed = 0
    print("| Python | installed from | dependencies | NumPy, Textual | size | first paint | |")
    print("|---|---|---|---|---|---|---|")
    for case in cases(pythons):
        with tempfile.TemporaryDirectory() as folder:
            good, row = tried(case, Path(folder))
        print(row, flush=True)
        failed += not good
    sys.exit(failed > 0)


def found() -> Iterator[Path]:
    """Every Python from 3.11 on, once for each version."""
    names = [f"python3.{minor}" for minor in range(11, 20)]
    paths = [Path(path) for name in names if (path := shutil.which(name))]
    paths += Path.home().glob(".pyenv/versions/*/bin/python")
    seen = dict[tuple[int, ...], Path]()
    for path in paths:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        version = tuple(map(int, re.findall(r"\d+", done.stdout)[:3]))
        if done.returncode == 0 and version >= (3, 11):
            seen.setdefault(version, path)
    for version in sorted(seen):
        yield seen[version]


def cases(pythons: Sequence[Path]) -> Iterator[Case]:
    (wheel,), (sdist,) = (list((ROOT / "dist").glob(end)) for end in ("*.whl", "*.tar.gz"))
    for python in pythons:
        yield Case(python, wheel, OLDEST)
        yield Case(python, wheel, NEWEST)
        yield Case(python, sdist, NEWEST)


def tried(case: Case, folder: Path) -> tuple[bool, str]:
    """Whether it works, and its row of the table."""
    place = folder / "env"
    try:
        uv("venv", "--quiet", "--python", str(case.python), str(place))
        install(case, place)
        script = str(place / "bin" / "cnn-tui")
        seconds = json.loads(out([sys.executable, str(SMOKE), script]))
        paint, told = f"{seconds['first paint']:.2f} s", "works"
    except subprocess.CalledProcessError as error:
        paint, told = "", "FAILS"
        print(f"{error.stdout}{error.stderr}", file=sys.stderr)
    kind = "sdist" if case.source.suffix == ".gz" else "wheel"
    oldest = "oldest" if case.resolution == OLDEST else "newest"
    versions = installed(place)
    shown = ", ".join(versions.get(name, "") for name in SHOWN)
    version = out([str(case.python), "--version"]).split()[1]
    size = f"{size_of(place) / 1e6:.0f} MB"
    return (
        told == "works",
        f"| {version} | {kind} | {oldest} | {shown} | {size} | {paint} | {told} |",
    )


def install(case: Case, place: Path) -> None:
    options = ["--only-binary", ":all:"]
    if case.source.suffix == ".gz":
        options += ["--no-binary", "cnn-tui"]
    asked = requirements(case.source) if case.resolution == OLDEST else []
    target = ["--python", str(place / "bin" / "python"), "--resolution", case.resolution]
    uv("pip", "install", "--quiet", *target, *options, str(case.source), *asked)


def requirements(wheel: Path) -> list[str]:
    """What a wheel asks for, without its extras."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    lines = metadata.get_all("Requires-Dist", [])
    return [line for line in lines if "extra ==" not in line]


def tested(python: Path) -> bool:
    """Whether the quick tests pass with the oldest dependencies, and the newest for tests."""
    with tempfile.TemporaryDirectory() as folder:
        place, pins = Path(folder) / "env", Path(folder) / "oldest.txt"
        interpreter = place / "bin" / "python"
        uv("venv", "--quiet", "--python", str(python), str(place))
        extras = [word for extra in EXTRAS for word in ("--extra", extra)]
        project = ["pip", "compile", "--quiet", "--no-header", "pyproject.toml", *extras]
        oldest = ["--resolution", OLDEST, "--only-binary", ":all:", "--python", str(interpreter)]
        uv(*project, *oldest, "--output-file", str(pins))
        target = [
            "--python",
            str(interpreter),
            "--constraint",
            str(pins),
            "--editable",
            f".[test,{','.join(EXTRAS)}]",
        ]
        uv("pip", "install", "--quiet", *target)
        command = [str(interpreter), "-m", "pytest", "-q", "-m", "not slow", "-n", "2"]
        return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def print_wheels() -> None:
    """The versions of NumPy with which all dependencies have wheels, oldest and newest."""
    print("| system |", *(f"{version} |" for version in VERSIONS))
    print("|---|" + "---|" * len(VERSIONS))
    for system in SYSTEMS:
        print(f"| {system} |", *(f"{numpy_for(system, version)} |" for version in VERSIONS))


def numpy_for(system: str, version: str) -> str:
    asked = ["--python-platform", system, "--python-version", version, "--only-binary", ":all:"]
    found = list[str]()
    for resolution in (OLDEST, NEWEST):
        how = ["pip", "compile", "--quiet", "--resolution", resolution]
        pins = out([str(UV), *how, *asked, "pyproject.toml"])
        found += re.findall(r"^numpy==(.*)$", pins, re.MULTILINE)
    return " to ".join(found)


def installed(place: Path) -> dict[str, str]:
    """Name and version of everything in an environment."""
    listed = json.loads(out([str(UV), "pip", "list", "--python", str(place), "--format", "json"]))
    return {entry["name"]: entry["version"] for entry in listed}


def size_of(place: Path) -> int:
    """Bytes of an environment without the bytecode that its programs write."""
    files = (path for path in place.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files if path.suffix != ".pyc")


def uv(*words: str) -> None:
    out([str(UV), *words])


def out(command: Sequence[str]) -> str:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        command, cwd=ROOT, env=environ, check=True, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    main()
