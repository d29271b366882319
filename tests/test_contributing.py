"""The examples of CONTRIBUTING.md work as they stand there, each on a copy of the checkout."""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from children import run

ROOT = Path(__file__).parents[1]
COPIED = ("engine", "tui", "presets", "tests", "docs", "benchmarks")
BLOCK = re.compile(r"^```(diff|python|toml|sh) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def examples() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Headings of the page with the blocks below them that have a file or are a test."""
    page = (ROOT / "CONTRIBUTING.md").read_text()
    for section in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        if blocks := BLOCK.findall(section):
            yield section.partition("\n")[0], blocks


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the checkout in which ``cnn_tui`` can be imported as it is."""
    (tmp_path / "cnn_tui").mkdir()
    for name in COPIED:
        # With what is compiled already, but not what another worker is about to rename.
        ignore = shutil.ignore_patterns("__snapshots__", "*.pyc.*")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignore)
    for name in ("engine", "tui", "presets"):
        (tmp_path / "cnn_tui" / name).symlink_to(f"../{name}")
    for name in ("pyproject.toml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def patch(file: Path, diff: str) -> None:
    """Replace the lines of a diff that are not new by those that are not old."""
    lines = diff.splitlines()
    old = "".join(f"{line[1:]}\n" for line in lines if line[:1] in " -")
    new = "".join(f"{line[1:]}\n" for line in lines if line[:1] in " +")
    text = file.read_text()
    assert text.count(old) == 1, f"{file.name} has {text.count(old)} times:\n{old}"
    file.write_text(text.replace(old, new))


EXAMPLES = dict(examples())


@pytest.mark.slow
@pytest.mark.parametrize("heading", EXAMPLES)
def test_an_example_works(heading: str, checkout: Path) -> None:
    tests = []
    for kind, name, text in EXAMPLES[heading]:
        if kind == "sh":
            tests += text.splitlines()
        elif kind == "diff":
            patch(checkout / name, text)
        else:
            (checkout / name).write_text(text)
    assert tests, f"{heading}: an example names its tests"
    for line in tests:
        words = shlex.split(line)
        command = ["-m", "pytest", "-q", *words[1:]] if words[0] == "pytest" else words[1:]
        environ = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(checkout), "HOME": str(checkout)}
        done = run([sys.executable, *command], check=False, cwd=checkout, env=environ)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert words[0] != "pytest" or " passed" in done.stdout


def test_the_examples_are_there() -> None:
    assert set(EXAMPLES) == {
        "Add a layer",
        "Add a command",
        "Add a screen",
        "Add a lesson",
        "Add a data format",
    }
