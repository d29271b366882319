"""Measures what the README promises and writes docs/quality.md: ``make report``.

Without names the figures that take less than a minute each are measured, with names those;
``--page`` only writes the page. What was measured before stays, with its date, machine and commit.
"""

from __future__ import annotations

import argparse
import datetime
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from cnn_tui.engine.runs.environment import environment
from cnn_tui.engine.storage import Storage, replace_file

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "docs" / "promises.toml"
FIGURES = ROOT / "docs" / "figures.json"
PAGE = ROOT / "docs" / "quality.md"
SECTIONS = ("Two minutes", "What no other tool does")
LIMIT = 600
"""Seconds for a figure."""


class Promise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An item of the README, the tests that fail if it is broken, and its figures."""

    says: str
    tests: tuple[str, ...]
    figures: tuple[str, ...] = ()
    see: str = ""
    """The page of the docs with a table that a test compares."""


class Figure(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"meaning": "is"}):
    """A number, and the command that prints it."""

    meaning: str
    command: str
    finds: str
    shows: str = "{0}"
    wanted: str = ""
    slow: bool = False
    idle: bool = False
    """Whether it says nothing while others use the machine, as where threads wait in loops."""


class Measured(msgspec.Struct, frozen=True):
    """A figure as it was found."""

    value: str
    date: str
    commit: str
    machine: str


class Promises(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """docs/promises.toml."""

    promise: tuple[Promise, ...]
    figure: dict[str, Figure]


def promised() -> list[str]:
    """The items of the README that promise something, each on one line."""
    text = (ROOT / "README.md").read_text()
    items = list[str]()
    for section in SECTIONS:
        body = re.split(r"^## ", text.partition(f"\n## {section}\n")[2], flags=re.MULTILINE)[0]
        found = re.findall(r"^(?:-|\d+\.) (.*(?:\n {2,}.*)*)", body, re.MULTILINE)
        items += [" ".join(item.split()) for item in found]
    return items


def read_promises() -> Promises:
    return msgspec.toml.decode(TABLE.read_bytes(), type=Promises)


def read_figures() -> dict[str, Measured]:
    return msgspec.json.decode(FIGURES.read_bytes(), type=dict[str, Measured])


def measure(figure: Figure) -> Measured:
    """Run the command of a figure.

    Raises:
        ValueError: if it fails or does not print the figure, or the machine is too busy for it.
    """
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if figure.idle and load > cores + 1:
        raise ValueError(f"not measured at a load of {load:.1f} on {cores} cores")
    with tempfile.TemporaryDirectory() as home:
        environ = {**os.environ, "XDG_DATA_HOME": home}
        done = subprocess.run(
            [sys.executable, *figure.command.split()],
            cwd=ROOT,
            env=environ,
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
    found = re.search(figure.finds, done.stdout, re.DOTALL)
    if done.returncode or found is None:
        raise ValueError(f"{figure.command} printed: {done.stdout[-500:]}{done.stderr[-500:]}")
    return Measured(
        value=figure.shows.format(*found.groups()),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        commit=_commit(),
        machine=_machine(),
    )


def _commit() -> str:
    """The commit, with a plus if the code was changed since."""
    changed = _git("status", "--porcelain", "engine", "tui", "presets", "benchmarks")
    return _git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _machine() -> str:
    here = environment(1, "", "")
    load = os.getloadavg()[0]
    return f"{here.cores} cores of {here.cpu}, NumPy {here.numpy}, load {load:.1f}"


def page() -> str:
    """docs/quality.md as the table of promises and the figures have it now."""
    table, measured = read_promises(), read_figures()
    rows = "\n".join(line for promise in table.promise for line in _rows(promise, table, measured))
    text = f"<!-- promises -->\n{rows}\n<!-- /promises -->"
    marked = re.compile("<!-- promises -->.*<!-- /promises -->", re.DOTALL)
    return marked.sub(lambda _: text, PAGE.read_text())


def _rows(promise: Promise, table: Promises, measured: dict[str, Measured]) -> Iterator[str]:
    """A promise with its figures and its tests."""
    yield f"### {promise.says.replace('**', '').rstrip('.')}\n"
    for name in promise.figures:
        figure, found = table.figure[name], measured.get(name)
        value = f"**{found.value}**" if found else "not measured yet"
        wanted = f", wanted {figure.wanted}" if figure.wanted else ""
        yield f"- {figure.meaning}: {value}{wanted}"
        when = f"; {found.date} at {found.commit}, {found.machine}" if found else ""
        yield f"  (`{figure.command}`{when})"
    if promise.see:
        yield f"- figures in [a table]({promise.see}) that a test compares"
    for test in promise.tests:
        yield f"- `{test}`"
    yield ""


def main(names: Sequence[str], only_page: bool) -> int:
    figures = read_promises().figure
    if unknown := set(names) - set(figures):
        print(f"There is no figure {min(unknown)}; there are {', '.join(figures)}.")
        return 2
    failed = 0
    wanted = names or [name for name, figure in figures.items() if not figure.slow]
    for name in () if only_page else wanted:
        try:
            found = measure(figures[name])
        except (ValueError, subprocess.TimeoutExpired) as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed = 1
            continue
        print(f"{name}: {found.value}", flush=True)
        known = msgspec.json.format(msgspec.json.encode(read_figures() | {name: found}))
        replace_file(Storage(), FIGURES, [known, b"\n"])
    replace_file(Storage(), PAGE, [page().encode()])
    return failed


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="FIGURE")
    parser.add_argument("--page", action="store_true", help="measure nothing")
    options = parser.parse_args()
    sys.exit(main(options.names, options.page))
