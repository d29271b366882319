"""docs/data-cases.md: what each form of a set gets, as the command line tells it."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "engine"))
from data_cases import CASES  # noqa: E402

pytest.importorskip("pyarrow", reason="pyarrow is not installed (extra parquet)")
pytestmark = pytest.mark.slow
PAGE = ROOT / "docs" / "data-cases.md"


def told(out: str, err: str) -> str:
    """What was read, in short, and every note or the error."""
    what = "refused"
    if out:
        found = json.loads(out)
        counts = " + ".join(f"{found[split]:,}" for split in ("train", "val", "test"))
        names = [count["name"] for count in found["classes"]]
        shape = "x".join(map(str, found["input"]))
        what = f"{counts} of {shape}; {', '.join(names)}"
    notes = re.findall(r"^cnn-tui: (?:note|error): (.*)$", err, re.MULTILINE)
    return ". ".join([what, *(f"“{note}”" for note in notes)])


def test_the_page_tells_what_each_case_gets(
    cli: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    lines = []
    for name, (what, make, options) in CASES.items():
        place = tmp_path / name
        place.mkdir()
        code, out, err = cli("data", "show", make(place), "--size", "8", "--json", *options.split())
        assert code in (0, 1) and "Traceback" not in err, err
        gets = told(out, err).replace(f"{place}/", "").replace(str(place), name)
        lines.append(f"| `{name}` | {what} | {gets.replace('|', '')} |")
    text = re.sub(
        r"(?<=<!-- cases -->\n).*(?=\n<!-- /cases -->)",
        lambda _: "\n".join(["| | what it is | what one gets |", "|---|---|---|", *lines]),
        PAGE.read_text("utf-8"),
        flags=re.DOTALL,
    )
    if os.environ.get("CNN_TUI_WRITE"):
        PAGE.write_text(text, "utf-8")
    assert PAGE.read_text("utf-8") == text, "CNN_TUI_WRITE=1 writes it"
