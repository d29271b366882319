"""Writes the tables of the docs that are made from the code: ``make docs``.

Each stands between two marks, such as ``<!-- keys -->`` and ``<!-- /keys -->``.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from cnn_tui.engine.lessons.course import shipped_course
from cnn_tui.engine.lessons.operators import OPERATORS
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import LAYER_TYPES
from cnn_tui.engine.specs.presets import load_preset, preset_names
from cnn_tui.tui import actions, build_actions, lesson_actions, sweep_actions
from cnn_tui.tui.command import key_words
from cnn_tui.tui.inspect.table import VIEWS
from cnn_tui.tui.settings import SETTINGS

FOLDER = Path(__file__).parent

GROUPS = {
    "Build": (build_actions.LIST, build_actions.BUILD),
    "Train": (actions.TRAIN,),
    "Runs": (actions.RUNS,),
    "Inspect": (actions.INSPECT,),
    "Sweeps": (sweep_actions.SWEEPS,),
    "one sweep": (sweep_actions.SWEEP,),
    "Learn": (lesson_actions.LEARN,),
    "a lesson under way": (lesson_actions.LESSON,),
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
                yield f"| {where} | `{key_words(command)}` | {command.help} |"


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


def floors() -> Iterator[str]:
    """The folders of the code, each with arrows to those that it imports; for Mermaid.

    An arrow is left out where a way over other folders leads to the same place.
    """
    edges = {
        (_floor(file), _floor(Path(*module.split(".")[1:])))
        for package in ("engine", "tui")
        for file in (FOLDER.parent / package).rglob("*.py")
        for module in _imported(file)
    }
    graph = {
        floor: {below for above, below in edges if above == floor != below} for floor, _ in edges
    }
    yield "```mermaid"
    yield "flowchart TD"
    for floor in sorted(graph):
        for below in sorted(graph[floor]):
            if not any(below in _reached(graph, other) for other in graph[floor] - {below}):
                yield f"    {_box(floor)} --> {_box(below)}"
    yield "```"


def _box(floor: str) -> str:
    return f"{floor.replace('/', '_')}[{floor}]"


def _floor(path: Path) -> str:
    """The folder of a file, or the file where it stands directly in engine or tui."""
    parts = path.relative_to(FOLDER.parent).parts if path.is_absolute() else path.parts
    return "/".join(part.removesuffix(".py") for part in parts[:2])


def _imported(file: Path) -> Iterator[str]:
    """What a file imports from cnn-tui, for type checkers and inside of functions as well."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cnn_tui."):
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _reached(graph: dict[str, set[str]], floor: str) -> set[str]:
    """Everything below a floor."""
    seen, waiting = set[str](), [floor]
    while waiting:
        new = graph.get(waiting.pop(), set()) - seen
        seen |= new
        waiting += new
    return seen


def views() -> Iterator[str]:
    """Every view of Inspect with what to look for and its source."""
    yield "| view | shows | look for | source |"
    yield "|---|---|---|---|"
    for view in VIEWS:
        yield f"| `{view.name}` | {view.shows} | {view.look_for} | {view.source} |"


def lessons() -> Iterator[str]:
    """The lessons of the package, by chapter."""
    yield "| chapter | lesson | about | minutes |"
    yield "|---|---|---|--:|"
    for one in shipped_course():
        name = f"`{one.name}`{' (fast track)' if one.fast else ''}"
        yield f"| {one.chapter} | {name} | {one.title} | {one.minutes} |"


def operators() -> Iterator[str]:
    """The operators of conditions."""
    yield "| operator | takes | holds if the value |"
    yield "|---|---|---|"
    for name, row in OPERATORS.items():
        yield f"| `{name}` | {row.wants} | {row.means} |"


def settings() -> Iterator[str]:
    """The settings of ``config.toml``."""
    yield "| setting | accepts | without | variable | is |"
    yield "|---|---|---|---|---|"
    for row in SETTINGS:
        yield f"| `{row.name}` | {row.accepts} | {row.usual} | `{row.variable}` | {row.help} |"


def presets() -> Iterator[str]:
    """The built-in networks with their sizes and where they come from."""
    yield "| preset | input | parameters | multiply-adds | source |"
    yield "|---|---|--:|--:|---|"
    for name in preset_names():
        network = load_preset(name)
        report = check(network)
        size = format_shape(network.input)
        counts = f"{report.total_params:,} | {report.total_macs:,}"
        yield f"| `{name}` | {size} | {counts} | {_source(network.description)} |"


def _source(description: str) -> str:
    """The first author, the year and the number of the paper, or what else is in the brackets."""
    *_, last = re.findall(r"\(([^()]*)\)\.?$", description) or [""]
    paper = re.match(r"(?:after )?([\w-]+(?: and [\w-]+)?)(,)?.*? (\d{4})\b", last)
    if paper is None:
        return last
    _, arxiv, number = last.partition(", arXiv ")
    return f"{paper[1]}{' et al.' if paper[2] else ''} {paper[3]}{arxiv}{number}"


TABLES: dict[str, tuple[str, Callable[[], Iterator[str]]]] = {
    "keys": ("keys.md", keys),
    "layers": ("building.md", layers),
    "counterparts": ("export.md", counterparts),
    "views": ("inspect.md", views),
    "floors": ("design.md", floors),
    "presets": ("building.md", presets),
    "settings": ("settings.md", settings),
    "lessons": ("lessons.md", lessons),
    "operators": ("lessons.md", operators),
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
