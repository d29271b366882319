"""The result of an import, its errors, and the names of imported layers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from cnn_tui.engine.errors import RunError, SpecError
from cnn_tui.engine.importing.assembly import Assembly
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.imported import Pixels, keep_imported
from cnn_tui.engine.specs.check import check, check_with_data
from cnn_tui.engine.specs.inside import lists_in, with_lists
from cnn_tui.engine.specs.layers import Layer
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.table import Namer
from cnn_tui.engine.specs.values import value_problems
from cnn_tui.engine.specs.wording import listed, plain

Size = tuple[int, int, int]
"""Channels, height and width of the images."""

SOFTMAX = ("Softmax", "LogSoftmax")
SOFTMAX_NOTE = "its softmax is left out: it is part of the loss here"
_DATA = {(1, 8, 8): "digits", (1, 28, 28): "mnist", (3, 32, 32): "cifar10"}
_OWN_PICTURES = "folder"
_MOST_NAMED = 5
_LARGEST_SIDE = 512


class OpenSizeError(SpecError):
    """The file does not declare an image size; ``smallest`` is the smallest that fits."""

    def __init__(self, where: str, hint: str, smallest: Size | None = None) -> None:
        super().__init__(f"{where} does not declare the size of its images.", hint)
        self.smallest = smallest


@dataclass(frozen=True, eq=False)
class ImportedWeights:
    """The weights of an imported network, and what they were trained on if the file says it."""

    arrays: Mapping[str, Array]
    """Parameters and buffers by the model's names, in PyTorch's shapes."""
    pixels: Pixels
    classes: tuple[str, ...] = ()
    nodes: int = 0
    """Operators in the source."""
    ends: str = ""
    """The softmax at the end of the source, which is left out here."""
    channels_last: bool = False
    """Whether the source wants images as height, width and channels."""


@dataclass(frozen=True)
class Imported:
    """An imported network."""

    network: Network
    notes: tuple[str, ...] = ()
    """Differences from the original."""
    held: ImportedWeights | None = None
    """The weights, if the source has them."""

    def keep(self, runs_dir: Path, source: str, pixels: Pixels | None = None) -> RunFolder:
        """Keep the weights as a new run under ``runs_dir``.

        Args:
            runs_dir: the folder of all runs.
            source: the name of the file, for the note of the run.
            pixels: how pixels were normalised, if the file does not say it.

        Raises:
            RunError: as :func:`keep_imported`, or if a weight is no finite number.
        """
        held = self.held
        assert held is not None, "the source has weights"
        wild = [name for name, array in held.arrays.items() if not np.isfinite(array).all()]
        if wild:
            others = f" (and {len(wild) - 1} more)" if len(wild) > 1 else ""
            raise RunError(
                f"{plain(source)}: {wild[0]} holds NaN or infinity{others}.",
                "Choose a state from before the training diverged.",
            )
        return keep_imported(
            runs_dir,
            self.network,
            held.arrays,
            classes=held.classes,
            pixels=pixels or held.pixels,
            note=f"imported from {source}",
        )


def finished(assembly: Assembly, size: Size, notes: Sequence[str]) -> Imported:
    """Return the network of these layers, with its first issue as a note.

    Raises:
        SpecError: if the image size is invalid.
    """
    for problem in value_problems(Network(input=size)):
        raise SpecError(f"{problem.path}: {problem.text}.", problem.remedy)
    layers = without_idle_names(assembly.layers)
    network = Network(input=size, data=_DATA.get(size, _OWN_PICTURES), layers=layers)
    if any(issue.code == "classes" for issue in check_with_data(network).issues):
        network = msgspec.structs.replace(network, data=_OWN_PICTURES)
    issues = [issue.message for issue in check(network).issues[:1]]
    return Imported(network, (*notes, *issues))


SUPPORTED = (
    "Supported are convolutions, pools, fully connected layers, activations, norms, dropout and "
    "blocks of these: i in Build lists them all."
)


def refuse_unknown(where: str, unknown: Iterable[str]) -> None:
    """Refuse layers without a counterpart.

    Raises:
        SpecError: if there are any; the message lists them.
    """
    names = list(dict.fromkeys(unknown))
    if not names:
        return
    rest = [f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
    raise SpecError(
        f"{where} has layers without a counterpart: "
        f"{listed([*names[:_MOST_NAMED], *rest], 'and')}.",
        SUPPORTED,
    )


def no_size(where: str, channels: int, assemble: Callable[[Size], object]) -> OpenSizeError:
    """Return the error for a file without an image size, with the smallest size that fits.

    ``assemble`` raises a ``SpecError`` for a size that does not fit.
    """
    for side in range(1, _LARGEST_SIDE + 1):
        try:
            assemble((channels, side, side))
        except SpecError:
            continue
        hint = f"Add --input C,H,W; the smallest square that fits is {channels},{side},{side}."
        return OpenSizeError(where, hint, (channels, side, side))
    return OpenSizeError(where, "Add --input C,H,W.")


_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


def usable_name(name: str) -> str:
    """Return the name if it is valid and not a mere number, else the empty name."""
    return name if _NAME.fullmatch(name) and not name.isdigit() else ""


def without_idle_names(layers: Iterable[Layer]) -> tuple[Layer, ...]:
    """Clear names that equal the default name, or that another layer has already."""
    return _cleared(layers, set())


def _cleared(layers: Iterable[Layer], taken: set[str]) -> tuple[Layer, ...]:
    cleared = []
    for index, layer in enumerate(layers, 1):
        anyway = Namer(()).name(msgspec.structs.replace(layer, name=""), index, "", copied=False)
        if layer.name == anyway or layer.name in taken:
            layer = msgspec.structs.replace(layer, name="")
        taken |= {layer.name} - {""}
        cleared.append(with_lists(layer, [_cleared(inner, taken) for inner in lists_in(layer)]))
    return tuple(cleared)
