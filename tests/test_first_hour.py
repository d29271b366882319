"""The walk of ``docs/a-first-hour.md``, replayed: each command runs, each share is the page's."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from children import run

SCRIPT = Path(__file__).parents[1] / "docs" / "first_hour.py"


@pytest.mark.slow
def test_the_page_still_tells_the_truth() -> None:
    done = run([sys.executable, str(SCRIPT), "--check"], check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_share_that_moved_is_found() -> None:
    sys.path.insert(0, str(SCRIPT.parent))
    try:
        from first_hour import differences
    finally:
        sys.path.pop(0)
    assert differences("x", "98.1% and 97%", "98.9% and 95%") == []
    assert differences("x", "98.1%", "94.9%") == ["x: 98.1% on the page, 94.9% now"]
    assert differences("x", "98.1%", "94.9%", points=12) == []
    assert differences("x", "97%┤ a chart\n98.1%", "98.1%") == []
    assert differences("x", "98.1%", "none") == ["x: 1 shares on the page, 0 now"]
