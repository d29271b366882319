"""The text of the modules that PyTorch does not have, as an exported file defines them.

It is read, not imported: PyTorch need not be installed.
"""

from __future__ import annotations

import ast
from pathlib import Path

_FILE = Path(__file__).parent.parent / "torch_engine" / "own.py"


def _texts() -> dict[str, str]:
    text = _FILE.read_text(encoding="utf-8")
    classes = [node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)]
    return {node.name: f"{ast.get_source_segment(text, node)}\n\n\n" for node in classes}


OWN = _texts()
"""The source of each class, by its name."""
