"""Layers and networks of Keras while a program is followed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from cnn_tui.engine.importing.result import Size
from cnn_tui.engine.importing.signatures import ImportedModule
from cnn_tui.engine.specs.layers import Layer, Merge

LEFT_OUT = {
    "Rescaling": "the recipe normalises pixels",
    "Normalization": "the recipe normalises pixels",
    **dict.fromkeys(
        ("RandomFlip", "RandomTranslation", "RandomCrop", "RandomRotation", "RandomZoom"),
        "augmentation belongs to the recipe",
    ),
}
"""Layers that the recipe stands for, with why."""
FREE = frozenset(
    """
    kernel_initializer bias_initializer kernel_regularizer bias_regularizer activity_regularizer
    kernel_constraint bias_constraint beta_initializer gamma_initializer
    """.split()  # noqa: SIM905
)
"""Arguments that need not be literals, since they change no result."""


@dataclass(eq=False)
class Maker:
    """A layer object, which may be applied to a value."""

    parts: tuple[ImportedModule, ...]
    merge: Merge | None = None
    size: Size | None = None
    """The image size that it declares."""
    used: bool = False


@dataclass(eq=False)
class KerasModel:
    """A network: a chain of modules, and the image size if it is declared."""

    parts: list[ImportedModule] = field(default_factory=list)
    size: Size | None = None


def parts_of(
    layers: tuple[Layer, ...], where: str, name: str, kind: str
) -> Iterator[ImportedModule]:
    """Yield the modules of a layer of Keras of this kind; flat values are marked as such."""
    if kind == "Flatten":
        yield ImportedModule("Flatten", where)
    elif layers:
        yield ImportedModule("Layers", where, name=name, layers=layers)
        if kind.startswith("Global"):  # there the result is flat
            yield ImportedModule("Flatten", where)
