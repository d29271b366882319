"""Loads a network by name: a preset of the package, or a file of the user."""

from __future__ import annotations

import os
from pathlib import Path

from cnn_tui import presets
from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.codec import load_network, loads_network
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.wording import listed, nearest, plain, show

_NAMES = (
    "softmax-linear",
    "svm-linear",
    "two-layer",
    "three-layer",
    "digits-convnet",
    "lenet5",
    "convnetjs-cifar",
    "cifar-convnet",
    "all-conv",
    "resnet20",
    "alexnet",
    "alexnet-lrn",
    "vgg16",
    "resnet18",
    "resnet50",
)

FOREIGN = (".onnx", ".py", ".pt", ".pth", ".pkl", ".bin", ".ckpt")
"""Extensions of files that can only be imported."""


def preset_names() -> tuple[str, ...]:
    """Return the names of the presets, from a linear classifier to ImageNet networks."""
    return _NAMES


def load_preset(name: str) -> Network:
    """Load a preset by name.

    Raises:
        SpecError: if there is none; the message lists similar names.
    """
    if name not in _NAMES:
        raise _unknown(name)
    file = Path(presets.__file__).with_name(f"{name}.toml")
    return loads_network(file.read_text("utf-8"), f"preset {name}")


def resolve(arch: str) -> Network:
    """Load the preset or file ``arch``; a preset wins over a file of the same name.

    Raises:
        SpecError: if there is neither, or the file does not describe a network.
    """
    if arch in _NAMES:
        return load_preset(arch)
    if arch.lower().endswith(FOREIGN) and Path(arch).exists():
        hint = f"Convert it first: cnn-tui import {plain(arch)}"
        raise SpecError(f"{plain(arch)} is not an architecture file.", hint)
    if _is_path(arch):
        return load_network(Path(arch))
    raise _unknown(arch)


def _is_path(arch: str) -> bool:
    separators = {os.sep, os.altsep or os.sep}
    try:
        named = any(separator in arch for separator in separators) or arch.lower().endswith(".toml")
        return named or (arch != "" and Path(arch).exists())
    except OSError:  # too long for a file name
        return False


def _unknown(name: str) -> SpecError:
    near = nearest(name, _NAMES, 3)
    hint = f"Did you mean {listed(near)}?" if near else f"There are {listed(_NAMES, 'and')}."
    return SpecError(f"There is no preset and no file named {show(name)}.", hint)
