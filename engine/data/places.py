"""Where data of the user's lives: what was downloaded, and what can be made again."""

from __future__ import annotations

from pathlib import Path

import platformdirs

_APP = "cnn-tui"


def data_home() -> Path:
    """The folder that keeps what took a download or a training (``XDG_DATA_HOME`` moves it)."""
    return platformdirs.user_data_path(_APP, appauthor=False)


def dataset_dir(name: str) -> Path:
    """The folder of a downloaded dataset, there or not."""
    return data_home() / "datasets" / name


def cache_home() -> Path:
    """The folder of what can be made again and may be deleted (``XDG_CACHE_HOME`` moves it)."""
    return platformdirs.user_cache_path(_APP, appauthor=False)
