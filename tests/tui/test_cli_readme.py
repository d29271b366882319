"""README and docs say what the code does: keys, commands, exit codes, the example."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.codec import loads_network
from cnn_tui.tui.cli.group import COMMANDS, cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
COMMAND_LINE = (ROOT / "docs" / "command-line.md").read_text()


def tables() -> ModuleType:
    """The script that writes the tables."""
    spec = importlib.util.spec_from_file_location("tables", ROOT / "docs" / "tables.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("mark", tables().TABLES)
def test_table_is_that_of_the_code(mark: str) -> None:
    path, text = tables().page_with(mark)
    assert path.read_text() == text, "make docs writes it"


def test_readme_is_a_front_page() -> None:
    assert len(README.splitlines()) < 120


def test_example_is_a_valid_network() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    assert check(loads_network(example, "README.md"), classes=10).valid


def test_every_command_is_named() -> None:
    for name in COMMANDS:
        assert f"| `cnn-tui {name}" in COMMAND_LINE


def options(command: click.Command, path: str) -> Iterator[tuple[str, click.Option]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from options(inner, f"{path} {name}")
    yield from ((path, option) for option in command.params if isinstance(option, click.Option))


def test_every_option_says_what_it_does_here_and_in_the_docs() -> None:
    docs = "\n".join(page.read_text() for page in PAGES)
    lacking = []
    for path, option in options(cli, "cnn-tui"):
        names = [name for name in (*option.opts, *option.secondary_opts) if name.startswith("--")]
        if not option.help or not any(name in docs for name in names):
            lacking.append((path, *names, option.help))
    assert not lacking


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target, heading in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", page.read_text()):
        if "://" in target:
            continue
        path = page.parent / target if target else page
        assert path.exists(), target
        if heading:
            assert heading in anchors(path), f"{target}#{heading}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_are_there(page: Path) -> None:
    for name in re.findall(
        r"`((?:engine|tui|tests|docs|benchmarks)/[\w/]+(?:\.\w+)?)`", page.read_text()
    ):
        assert (ROOT / name).exists(), name


def anchors(page: Path) -> list[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]
