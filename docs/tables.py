"""Writes the tables of the docs that are made from the code: ``make docs``.

Each stands between two marks, such as ``<!-- keys -->`` and ``<!-- /keys -->``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from cnn_tui.engine.specs.layers import LAYER_TYPES
from cnn_tui.tui import actions

FOLDER = Path(__file__).parent

GROUPS = {
    "Build": (actions.LIST, actions.BUILD),
    "Train": (actions.TRAIN,),
    "Runs": (actions.RUNS,),
    "a run that is watched": (actions.WATCH,),
    "a comparison": (actions.COMPARE,),
    "first-layer weights": (actions.WEIGHTS,),
    "datasets": (actions.DATA,),
    "baselines": (actions.LADDER,),
    "everywhere": (actions.APP,),
}
"""Headings of the table of keys, and the scopes of their commands."""


def keys() -> Iterator[str]:
    """The rows of the table of keys."""
    yield "| where | key | does |"
    yield "|---|---|---|"
    for where, scopes in GROUPS.items():
        for command in actions.commands(*scopes):
            if command.help:
                yield f"| {where} | `{actions.key_words(command)}` | {command.help} |"


def layers() -> Iterator[str]:
    """Every layer with its settings, an example of quick entry and what it is good for."""
    yield "| type | settings | in quick entry | does |"
    yield "|---|---|---|---|"
    for name, kind in LAYER_TYPES.items():
        settings = (f"`{field}`" for field in kind.__struct_fields__ if field != "name")
        example = kind.info.example or kind.info.words[0]
        yield f"| `{name}` | {', '.join(settings)} | `{example}` | {kind.info.help} |"


def counterparts() -> Iterator[str]:
    """Every layer by its names in PyTorch and ONNX."""
    yield "| layer | PyTorch | ONNX |"
    yield "|---|---|---|"
    for name, kind in LAYER_TYPES.items():
        yield f"| `{name}` | `{kind.info.torch.written}` | `{kind.info.onnx.written}` |"


TABLES: dict[str, tuple[str, Callable[[], Iterator[str]]]] = {
    "keys": ("keys.md", keys),
    "layers": ("building.md", layers),
    "counterparts": ("export.md", counterparts),
}
"""By their mark: the page that a table stands on, and what makes its rows."""


def page_with(mark: str) -> tuple[Path, str]:
    """The page of a table, and its text with the table as the code has it now."""
    page, rows = TABLES[mark]
    path = FOLDER / page
    table = f"<!-- {mark} -->\n" + "\n".join(rows()) + f"\n<!-- /{mark} -->"
    marked = re.compile(f"<!-- {mark} -->.*?<!-- /{mark} -->", re.DOTALL)
    text, found = marked.subn(lambda _: table, path.read_text())
    if found != 1:
        raise ValueError(f"{page} has {found} tables between the marks {mark!r}, expected one.")
    return path, text


if __name__ == "__main__":
    for mark in TABLES:
        path, text = page_with(mark)
        path.write_text(text)
