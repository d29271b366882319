"""Every block of Python in these pages runs as it stands there, page by page."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest
from children import run

DOCS = Path(__file__).parents[1] / "docs"
_FENCE = re.compile(r"^```python([^\n`]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["notebook.md", "record.md"])
def test_a_page_runs_as_written(page: str, tmp_path: Path) -> None:
    blocks = [
        text
        for mark, text in _FENCE.findall((DOCS / page).read_text())
        # A mark is the package that a block needs.
        if not mark.strip() or importlib.util.find_spec(mark.strip())
    ]
    assert len(blocks) >= 2
    environ = {**os.environ, "XDG_DATA_HOME": str(tmp_path), "HOME": str(tmp_path)}
    done = run([sys.executable, "-W", "error", "-c", "\n".join(blocks)], cwd=tmp_path, env=environ)
    assert done.stderr == ""
    assert list((tmp_path / "cnn-tui" / "runs").iterdir())
