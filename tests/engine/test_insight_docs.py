"""The example of docs/insight.md works as it stands there, and the names it imports are few."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from children import run

import cnn_tui.engine

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "insight.md").read_text()


def test_the_example_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    train = [sys.executable, "-m", "cnn_tui.tui", "train", "digits-convnet", "--epochs", "1"]
    run(train)
    (example,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert sum(map(bool, example.splitlines())) <= 15
    layers, guesses, _ = run([sys.executable, "-W", "error", "-c", example]).stdout.splitlines()
    assert "'conv1', 'relu2', 'conv3', 'relu4'" in layers and layers.endswith("MB")
    assert guesses.startswith("['")


@pytest.mark.parametrize("name", cnn_tui.engine.__all__)
def test_a_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(cnn_tui.engine, name).__doc__
    pages = PAGE + (DOCS / "notebook.md").read_text() + (DOCS / "record.md").read_text()
    assert re.search(rf"\b{name}\b", pages)


def test_a_name_that_is_not_public() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        cnn_tui.engine.nonsense  # noqa: B018
