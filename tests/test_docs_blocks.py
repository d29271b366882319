"""Every block of commands in the docs runs as it stands there, page by page, in one new folder."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from children import run

DOCS = Path(__file__).parents[1] / "docs"
_FENCE = re.compile(r"^```(\w*)([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PACKAGES = {"images": "PIL", "onnx": "onnx", "torch": "torch"}
"""Marks of blocks that need a package which the installation may lack, by its name in Python."""
ELSEWHERE = {
    ("command-line.md", "network"): 1,
    ("data.md", "network"): 4,
    ("engines.md", "remote"): 1,
    ("export.md", "network"): 2,
    ("runs.md", "remote"): 1,
    ("runs.md", "terminal"): 1,
    ("sweeps.md", "remote"): 2,
}
"""The blocks that a page marks as needing a network, a terminal, or tmux, systemd or a cluster."""


class Block(NamedTuple):
    page: str
    language: str
    mark: str
    text: str

    @property
    def runs(self) -> bool:
        """Whether it can be run here."""
        package = _PACKAGES.get(self.mark)
        return not self.mark or bool(package and importlib.util.find_spec(package))


def blocks() -> Iterator[Block]:
    for page in sorted(DOCS.glob("*.md")):
        for language, mark, text in _FENCE.findall(page.read_text()):
            yield Block(page.name, language, mark.strip(), text)


COMMANDS = [block for block in blocks() if block.language == "sh"]
PAGES = sorted({block.page for block in COMMANDS} - {"a-first-hour.md"})
"""The first hour is run, and its figures compared, by test_first_hour.py."""


def test_only_these_are_left_out() -> None:
    marked = [(block.page, block.mark) for block in COMMANDS if block.mark not in ("", *_PACKAGES)]
    assert {key: marked.count(key) for key in marked} == ELSEWHERE


def test_commands_stand_in_blocks_that_say_so() -> None:
    for block in blocks():
        assert block.language == "sh" or "cnn-tui " not in block.text, block.page


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs_as_written(page: str, tmp_path: Path) -> None:
    script = "".join(block.text for block in COMMANDS if block.page == page and block.runs)
    folder = tmp_path / "new"
    folder.mkdir()
    environ = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin",
        "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "LANG": "C.UTF-8",
    }
    with (tmp_path / "empty").open("w+") as nothing:
        done = run(
            ["bash", "-euxo", "pipefail", "-c", script],
            check=False,
            cwd=folder,
            env=environ,
            stdin=nothing,
        )
    assert done.returncode == 0, done.stdout[-1000:] + done.stderr[-3000:]
