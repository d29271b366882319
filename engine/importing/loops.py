"""The variables of a loop, of which imports follow those over literals."""

from __future__ import annotations

import ast


def loop_names(target: ast.expr, item: object) -> dict[str, object]:
    """The variables for one item: ``i``, or ``i`` and ``o`` of ``i, o`` for a pair."""
    targets = target.elts if isinstance(target, ast.Tuple) else [target]
    parts = item if isinstance(item, list | tuple) and len(targets) > 1 else [item]
    found: dict[str, object] = {}
    for one, part in zip(targets, parts, strict=False):
        found |= loop_names(one, part) if isinstance(one, ast.Tuple) else {ast.unparse(one): part}
    return found
