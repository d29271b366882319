"""The docs as a site, made by Sphinx: ``make docs`` writes it to ``build/site``.

The sources are the Markdown files that are read in the repository as well; the README is the front
page. Nothing is loaded from elsewhere, so the site works without a network.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from numpy.typing import DTypeLike
from sphinx.application import Sphinx
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


_LIMITED = re.compile(
    r"~?typing\.Annotated\[([^,\[\]]+), ~?msgspec\.Meta\([^()]*(?:\([^()]*\))?[^()]*\)\]"
)


_DTYPE = stringify_annotation(DTypeLike, "smart")


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

    An empty comment is the first line in its place.
    """
    if what in ("attribute", "data", "property"):
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
    """Leave the limits of values out of signatures, and what NumPy's aliases stand for."""
    if not arguments:
        return None
    arguments = _LIMITED.sub(r"\1", arguments).replace(_DTYPE, "~numpy.typing.DTypeLike")
    return re.sub(r"<class '([\w.]+)'>", r"\1", arguments), result


def setup(app: Sphinx) -> None:
    app.connect("source-read", _add_contents)
    # Before napoleon, which has the usual priority of 500.
    app.connect("autodoc-process-docstring", _no_type_before_a_colon, priority=400)
    app.connect("autodoc-process-signature", _shorten)
    app.connect("build-finished", _add_index)
