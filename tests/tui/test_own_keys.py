"""Keys of one's own in the real app: bound, in the key bar and in the help; and a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from terminal import Terminal

pytestmark = pytest.mark.slow

CLI = """
import sys
from cnn_tui.tui.cli.main import main
sys.exit(main(["lenet5"]))
"""


def test_own_keys_work_and_are_shown(start: Callable[..., Terminal], tmp_path: Path) -> None:
    file = tmp_path / "cnn-tui" / "config.toml"
    file.parent.mkdir()
    file.write_text(
        '[keys]\n"app.quit" = "Q"\n"list.delete" = "Z"\n"list.move" = "f12"\n"app.hlep" = "h"\n'
        '"list.open" = "ctrl+k"\n'
    )
    terminal = start(CLI, XDG_CONFIG_HOME=str(tmp_path))
    # What is wrong is told, and the rest holds.
    terminal.shows("app.hlep")
    terminal.shows("Z delete")
    terminal.shows("^k opens another network")
    terminal.press("?")
    terminal.shows("F12/K")
    terminal.press("\x1b")
    terminal.shows("Z delete")
    terminal.press("xqQ")
    assert terminal.exit_code() == 0
