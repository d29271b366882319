"""Datasets by name."""

from __future__ import annotations

from pathlib import Path

from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.digits import load_digits
from cnn_tui.engine.data.mnist import load_mnist
from cnn_tui.engine.errors import DataError
from cnn_tui.engine.specs.wording import listed, nearest, show

_BUILT_IN = {"digits": load_digits}
_FROM_FOLDER = {"mnist": load_mnist}


def dataset_names() -> tuple[str, ...]:
    """Every name that :func:`load_dataset` knows, the built-in one first."""
    return (*_BUILT_IN, *_FROM_FOLDER)


def load_dataset(name: str, data_dir: Path | None = None) -> Dataset:
    """The dataset ``name``, from ``data_dir`` if it is not built in.

    Raises:
        DataError: Unknown name, a folder missing or not wanted, damaged files.
    """
    if name in _BUILT_IN:
        _refuse_folder(name, data_dir)
        return _BUILT_IN[name]()
    if name in _FROM_FOLDER:
        return _FROM_FOLDER[name](_require_folder(name, data_dir))
    near = nearest(name, dataset_names())
    hint = f"Did you mean {near[0]}?" if near else f"Known: {listed(dataset_names(), 'and')}."
    raise DataError(f"There is no dataset called {show(name)}.", hint)


def _refuse_folder(name: str, data_dir: Path | None) -> None:
    if data_dir is not None:
        raise DataError(
            f"The dataset {name} is built in and reads no folder, received {data_dir}.",
            f"Leave --data-dir out, or name another dataset: {listed(_FROM_FOLDER)}.",
        )


def _require_folder(name: str, data_dir: Path | None) -> Path:
    if data_dir is None:
        raise DataError(
            f"The dataset {name} is not built in: its files are read from a folder.",
            f"Give it with --data-dir DIR, or train on --data {listed(_BUILT_IN)}.",
        )
    return data_dir
