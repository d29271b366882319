"""The docs as a site, made by Sphinx: ``make docs`` writes it to ``build/site``.

The sources are the Markdown files that are read in the repository as well; the README is the front
page. Nothing is loaded from elsewhere, so the site works without a network.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from docutils import nodes
from numpy.typing import DTypeLike
from sphinx.addnodes import desc_annotation, pending_xref
from sphinx.application import Sphinx
from sphinx.util.inspect import signature, stringify_signature
from sphinx.util.typing import stringify_annotation

ROOT = Path(__file__).parents[2]
FRONT = "README"

GROUPS = {
    "Use it": (
        "docs/a-first-hour",
        "docs/lessons",
        "docs/building",
        "docs/training",
        "docs/inspect",
        "docs/runs",
        "docs/data",
        "docs/sweeps",
        "docs/engines",
        "docs/export",
        "docs/record",
    ),
    "Look it up": (
        "docs/keys",
        "docs/command-line",
        "docs/settings",
        "docs/json",
        "docs/insight",
        "docs/data-cases",
        "docs/onnx-files",
        "docs/faults",
        "docs/formats",
        "docs/platforms",
        "docs/data-credits",
    ),
    "From Python": (
        "docs/notebook",
        "docs/reference/engine",
        "docs/reference/networks",
        "docs/reference/training",
        "docs/reference/insight",
        "docs/reference/recording",
        "docs/reference/errors",
    ),
    "How it works": (
        "docs/design",
        "docs/performance",
        "docs/scaling",
        "docs/quality",
        "docs/testing",
        "CONTRIBUTING",
        "CHANGELOG",
    ),
}
"""Headings of the sidebar and their pages; others stand under "More"."""

project = "cnn-tui"
html_title = "cnn-tui"
html_theme = "furo"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_theme_options = {"navigation_with_keys": True}
root_doc = FRONT
include_patterns = ["*.md", "docs/*.md", "docs/reference/*.rst"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

myst_heading_anchors = 3

# A reference from a docstring has to lead somewhere. But types in signatures may be NumPy's, and a
# module that is named may have no page.
nitpicky = True
nitpick_ignore_regex = [("py:class", ".*"), ("py:mod", ".*")]

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_mock_imports = ["keras", "lightning", "torch", "transformers"]
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80


# The innermost limits first: what brackets and parentheses they hold is in quotes, as a pattern.
_LIMITED = re.compile(
    r"(?:~?typing\.)?Annotated\[((?:[^\[\]]|\[(?:[^\[\]]|\[[^\[\]]*\])*\])+?), "
    r"~?msgspec\.Meta\((?:'[^']*'|[^'()])*\)\]"
)
_USUAL_RECIPE = re.compile(r"\bRecipe\(\w+=(?:[^()]|\([^()]*\))*\)")
_ANY_ARGUMENTS = re.compile(r"\(\*args: [~.\w]*Any, \*\*kwargs: [~.\w]*Any\)")
_ARRAY = re.compile(r"(~?numpy\.|\b)ndarray\[tuple\[~?(?:typing\.)?Any, \.\.\.\], .*?\]\]")
_UNIONS = tuple(
    (re.compile(rf"~?[\w.]*\b{first} \| [^\[\]()]*\b{last}\b"), name)
    for first, last, name in (
        ("Conv", "Repeat", "~cnn_tui.engine.specs.layers.Layer"),
        ("RunStarted", "RunEnded", "~cnn_tui.engine.training.events.RunEvent"),
    )
)
_DTYPE = stringify_annotation(DTypeLike, "smart")


def _plain_types(text: str) -> str:
    """Write types as their names, without limits, shapes of arrays and all kinds of layers."""
    while (without := _LIMITED.sub(r"\1", text)) != text:
        text = without
    text = _ARRAY.sub(r"\1ndarray", text)
    for union, name in _UNIONS:
        text = union.sub(name, text)
    text = _USUAL_RECIPE.sub("Recipe()", text)
    return text.replace(_DTYPE, "~numpy.typing.DTypeLike")


def _pages() -> set[str]:
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/reference/*.rst")]
    return {path.relative_to(ROOT).with_suffix("").as_posix() for path in found}


def _add_contents(app: Sphinx, page: str, source: list[str]) -> None:
    """Give the front page the table of contents, which the README in the repository has not."""
    if page != FRONT:
        return
    there = _pages() - {FRONT}
    named = {name for names in GROUPS.values() for name in names}
    groups = GROUPS | {"More": tuple(sorted(there - named))}
    for caption, names in groups.items():
        if listed := [name for name in names if name in there]:
            source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n"
            source[0] += "\n".join(f"/{name}" for name in listed) + "\n```\n"


def _add_index(app: Sphinx, error: Exception | None) -> None:
    """Make the front page what a browser opens first."""
    if error is None:
        shutil.copy(Path(app.outdir) / f"{FRONT}.html", Path(app.outdir) / "index.html")


def _no_type_before_a_colon(
    app: Sphinx, what: str, name: str, value: object, options: object, lines: list[str]
) -> None:
    """Keep napoleon from taking what stands before a colon in the first line for a type.

    An empty comment is the first line in its place. What Python says of a field, its number, goes.
    """
    if lines and lines[0].startswith("Alias for field number"):
        lines.clear()
    elif what in ("attribute", "data", "property"):
        lines[:0] = ["..", ""]


def _shorten(
    app: Sphinx,
    what: str,
    name: str,
    value: object,
    options: object,
    arguments: str | None,
    result: str | None,
) -> tuple[str, str | None] | None:
    """Write types as their names; a class below one that is mocked has its own arguments."""
    if what == "class" and _ANY_ARGUMENTS.fullmatch(arguments or ""):
        own = signature(value.__init__, bound_method=True)  # type: ignore[misc]
        arguments = stringify_signature(
            own, show_return_annotation=False, unqualified_typehints=True
        )
    if not arguments:
        return None
    arguments = re.sub(r"<class '([\w.]+)'>", r"\1", _plain_types(arguments))
    arguments = re.sub(r"<function [\w.]*(?:<lambda>)?>", "...", arguments)
    return arguments, result and _plain_types(result)


def _shorten_attributes(app: Sphinx, page: nodes.document) -> None:
    """Write the types of attributes, which have no signature, as their names."""
    for annotation in page.findall(desc_annotation):
        # A reference holds its text twice, with its module and without.
        text = "".join(
            part["reftarget"] if isinstance(part, pending_xref) else part.astext()
            for part in annotation.children
        )
        if (plain := _plain_types(text)) != text:
            plain = re.sub(
                r"~?\b(?:cnn_tui|collections|numpy|typing)\.[\w.]*?(\w+)\b(?!\.)", r"\1", plain
            )
            annotation.children = [nodes.Text(plain)]


def setup(app: Sphinx) -> None:
    app.connect("source-read", _add_contents)
    # Before napoleon, which has the usual priority of 500.
    app.connect("autodoc-process-docstring", _no_type_before_a_colon, priority=400)
    app.connect("autodoc-process-signature", _shorten)
    app.connect("doctree-read", _shorten_attributes)
    app.connect("build-finished", _add_index)
