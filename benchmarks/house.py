"""The size of the code: ``python benchmarks/house.py [ROOT...]`` for one or more checkouts.

A private helper is a function whose name begins with an underscore; it is used once if its name
occurs once besides its definition in all of engine and tui.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef
ROOT = Path(__file__).parents[1]


def main(roots: Sequence[Path]) -> None:
    print(
        "| | files | lines | file: median, longest | functions | function: median, longest | once |"
    )
    print("|---|---|---|---|---|---|---|")
    for root in roots:
        for packages in (("engine",), ("tui",), ("engine", "tui")):
            print(row(root, packages))


def row(root: Path, packages: Sequence[str]) -> str:
    """The figures of some packages as a row of a table in Markdown."""
    texts = [file.read_text() for name in packages for file in sorted((root / name).rglob("*.py"))]
    lines = [len(text.splitlines()) for text in texts]
    found = [function for text in texts for function in functions(text)]
    lengths = [(node.end_lineno or 0) - node.lineno + 1 for node in found]
    uses = Counter(re.findall(r"\w+", "".join(all_text(root))))
    private = {node.name for node in found if re.match(r"_[^_]", node.name)}
    once = sum(uses[name] == 2 for name in private)
    return (
        f"| {root.name} {'+'.join(packages)} | {len(texts)} | {sum(lines):,} | {median(lines):g}, "
        f"{max(lines)} | {len(found):,} | {median(lengths):g}, {max(lengths)} | {once} |"
    )


def functions(text: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions of a file, those inside of others included."""
    return (node for node in ast.walk(ast.parse(text)) if isinstance(node, FUNCTIONS))


def all_text(root: Path) -> Iterator[str]:
    """The text of every file in which a helper may be used."""
    return (file.read_text() for name in ("engine", "tui") for file in (root / name).rglob("*.py"))


if __name__ == "__main__":
    main([Path(word).resolve() for word in sys.argv[1:]] or [ROOT])
