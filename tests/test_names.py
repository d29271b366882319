"""A class name means one thing in the code base."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_a_class_name_means_one_thing() -> None:
    # Those inside of a class, such as the messages of a widget, bear its name as well.
    places = defaultdict(list)
    for file in (file for package in ("engine", "tui") for file in (ROOT / package).rglob("*.py")):
        if file.name == "own.py":  # modules of PyTorch bear the names of the layers they compute
            continue
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef):
                places[node.name].append(str(file.relative_to(ROOT)))
    assert {name: files for name, files in places.items() if len(files) > 1} == {}
