"""The NumPy engine of cnn-tui: describe, check, build and train ConvNets, without a screen.

Imports point rightwards only: ``insight -> training -> build -> model -> layers -> ops``;
:mod:`specs`, :mod:`shapes` and :mod:`errors` are leaves. Nothing here knows the terminal. Begin
with :mod:`specs.layers`, which describes every layer, then :mod:`build`, which makes a
:mod:`model` of a description, and :mod:`training.trainer`, which trains it.

The names below can be imported from here; each loads its module when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnn_tui.engine.insight.subject import Subject as Subject
    from cnn_tui.engine.model import Model as Model
    from cnn_tui.engine.notebook.looking import inspect as inspect
    from cnn_tui.engine.notebook.training import load as load
    from cnn_tui.engine.notebook.training import open_trained as open_trained
    from cnn_tui.engine.notebook.training import train as train
    from cnn_tui.engine.opened import Opened as Opened
    from cnn_tui.engine.recording.begin import record as record
    from cnn_tui.engine.runs.folder import open_run as open_run
    from cnn_tui.engine.runs.names import runs_home as runs_home
    from cnn_tui.engine.specs.network import Network as Network

_PUBLIC = {
    "Model": "model",
    "Network": "specs.network",
    "Opened": "opened",
    "Subject": "insight.subject",
    "inspect": "notebook.looking",
    "load": "notebook.training",
    "open_run": "runs.folder",
    "open_trained": "notebook.training",
    "record": "recording.begin",
    "runs_home": "runs.names",
    "train": "notebook.training",
}
__all__ = tuple(_PUBLIC)


def __getattr__(name: str) -> object:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
