"""Loads a network by name: a preset of the package, or a file of the user."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
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
    "resnet32",
    "resnet44",
    "resnet56",
    "resnet110",
    "densenet40",
    "nin",
    "mobilenet-cifar",
    "alexnet",
    "alexnet-lrn",
    "zfnet",
    "vgg11",
    "vgg13",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "wide_resnet50_2",
    "resnext50_32x4d",
    "densenet121",
    "googlenet",
    "squeezenet1_0",
    "squeezenet1_1",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "shufflenet_v2_x1_0",
    "mnasnet1_0",
    "efficientnet_b0",
    "convnext_tiny",
)

FOREIGN = (
    ".onnx",
    ".py",
    ".txt",
    ".safetensors",
    ".pt",
    ".pth",
    ".pkl",
    ".bin",
    ".ckpt",
)
"""Extensions of files that can only be imported."""


def preset_names() -> tuple[str, ...]:
    """Return the names of the presets, from a linear classifier to ImageNet networks."""
    return _NAMES


@cache
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
    """Load the preset or file ``arch``.

    Raises:
        SpecError: if there is neither, or the file does not describe a network.
    """
    file = file_of(arch)
    return load_preset(arch) if file is None else load_network(file)


def file_of(arch: str) -> Path | None:
    """Return the file that ``arch`` means, with or without its ``.toml``; None for a preset.

    A preset wins over a file of the same name.

    Raises:
        SpecError: if there is neither; the message lists similar names of presets and files.
    """
    if arch in _NAMES:
        return None
    path, whole = Path(arch), Path(f"{arch}.toml")
    try:
        if arch.lower().endswith(FOREIGN) and path.exists():
            raise _to_import(arch, arch)
        if not path.is_file() and whole.is_file():
            return whole
        if arch and path.exists():
            return path
        near = _files_near(path)
    except (OSError, ValueError):  # too long for a file name, or with a null character
        raise _unknown(arch) from None
    if foreign := next((name for name in near if name.endswith(FOREIGN)), None):
        raise _to_import(arch, foreign)
    raise _unknown(arch, near)


def _to_import(arch: str, file: str) -> SpecError:
    what = "is not an architecture file" if arch == file else "is neither a preset nor a file"
    return SpecError(
        f"{plain(arch)} {what}.", f"Convert {plain(file)} first: cnn-tui import {plain(file)}"
    )


def _files_near(path: Path) -> list[str]:
    """Files beside ``path`` with a similar name, and one that can be imported under its name."""
    stems = {file.stem: file for file in path.parent.glob("*.toml")}
    same = (path.parent / f"{path.name}{suffix}" for suffix in FOREIGN)
    found = [file for file in same if file.is_file()]
    found = found or [stems[stem] for stem in nearest(path.name.removesuffix(".toml"), stems, 3)]
    return list(map(str, found))


def _unknown(name: str, files: Sequence[str] = ()) -> SpecError:
    near = [*map(plain, files), *nearest(name, _NAMES, 3)][:3]
    if os.sep in name or name.endswith(".toml"):
        hint = f"Did you mean {listed(map(plain, files))}?" if files else "Check the path."
        return SpecError(f"There is no file {plain(name)}.", hint)
    hint = f"Did you mean {listed(near)}?" if near else "cnn-tui presets lists those there are."
    return SpecError(f"There is no preset and no file named {show(name)}.", hint)
