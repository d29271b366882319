"""Finds the network of Keras in Python source, by its name or as the last one."""

from __future__ import annotations

import ast

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.keras_layers import KerasModel
from cnn_tui.engine.importing.keras_program import KerasProgram
from cnn_tui.engine.importing.torch_source import TorchSource
from cnn_tui.engine.specs.quick.calls import is_keras
from cnn_tui.engine.specs.wording import plain


def is_keras_source(source: TorchSource) -> bool:
    """Whether a file makes layers of Keras."""
    calls = (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))
    return any(is_keras(source.meaning(call.func)) for call in calls)


def keras_network(source: TorchSource, name: str) -> tuple[KerasModel, tuple[str, ...]]:
    """Return the network of this name, or the last one if the name is empty; and remarks.

    Raises:
        SpecError: if there is none, or it cannot be read.
    """
    program = KerasProgram(source)
    try:
        model = program.model(name)
    except RecursionError:
        raise SpecError(f"{source.where} is nested too deeply.") from None
    if model is None:
        what = f"no network named {plain(name)}" if name else "no network"
        hint = "Write it as keras.Sequential([...]) or keras.Model(inputs, outputs)."
        raise SpecError(f"{source.where} has {what}.", hint)
    return model, tuple(dict.fromkeys(program.remarks))
