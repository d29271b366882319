"""docs/quality.md: every promise of the README has a test that is there, and its figures."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]


def load_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_quality", ROOT / "docs" / "quality.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where msgspec looks for the types of its fields
    spec.loader.exec_module(module)
    return module


quality = load_script()
TABLE = quality.read_promises()


def test_every_item_of_the_readme_is_a_row_and_every_row_an_item() -> None:
    items = quality.promised()
    assert len(items) >= 15
    for item in items:
        assert sum(item.startswith(row.says) for row in TABLE.promise) == 1, item
    assert len(items) == len(TABLE.promise)


@pytest.mark.parametrize("name", sorted({test for row in TABLE.promise for test in row.tests}))
def test_a_test_that_is_named_is_there(name: str) -> None:
    file, _, function = name.partition("::")
    tree = ast.parse((ROOT / file).read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    names = {node.name for node in tree.body if isinstance(node, kinds)}
    assert function in names if function else any(name.startswith("test_") for name in names)


def test_figures_are_those_that_promises_name_and_their_commands_are_there() -> None:
    assert {name for row in TABLE.promise for name in row.figures} == set(TABLE.figure)
    assert set(quality.read_figures()) <= set(TABLE.figure)
    for figure in TABLE.figure.values():
        script = figure.command.split()[0]
        assert script == "-m" or (ROOT / script).exists()
        assert re.compile(figure.finds).groups == len(set(re.findall(r"\{\d\}", figure.shows)))


def test_the_page_is_that_of_the_table_and_the_figures() -> None:
    assert quality.PAGE.read_text() == quality.page(), "python docs/quality.py --page writes it"


def test_a_figure_that_is_not_printed_is_an_error_with_the_output() -> None:
    figure = quality.Figure(meaning="", command="-c print(41)", finds="42")
    with pytest.raises(ValueError, match=r"print\(41\) printed: 41"):
        quality.measure(figure)
