"""The maps in the packages of the engine name modules that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cnn_tui.engine

ENGINE = Path(cnn_tui.engine.__path__[0])
PACKAGES = sorted(path.parent for path in ENGINE.rglob("__init__.py"))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_a_map_names_modules_that_are_there_and_where_to_begin(package: Path) -> None:
    text = " ".join((package / "__init__.py").read_text().split())
    assert re.search("[Bb]egin with :mod:`[a-z_.]+`", text)
    for name in re.findall(":mod:`([a-z_.]+)`", text):
        places = [base / name.replace(".", "/") for base in (package, ENGINE)]
        assert any(one.is_dir() or one.with_suffix(".py").is_file() for one in places), name
