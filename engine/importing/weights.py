"""Weights by themselves, read into a network: by our names, PyTorch's, or their order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn_tui.engine.build import build_uninitialized
from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.export.modules import modules, renamed
from cnn_tui.engine.importing.result import Imported, ImportedWeights
from cnn_tui.engine.importing.tensor_file import TensorSource, open_tensors
from cnn_tui.engine.importing.torchvision_names import NAMINGS, Naming
from cnn_tui.engine.runs.imported import Pixels
from cnn_tui.engine.shapes import Shape, format_shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.param_shapes import param_shapes
from cnn_tui.engine.specs.wording import listed, plain

Shapes = Mapping[str, Shape]

_COUNTER = "num_batches_tracked"
"""A counter in PyTorch's batch norms, on which no result depends here."""
_KINDS = ("weight", "bias", "running_mean", "running_var")
"""The arrays of a PyTorch module, in its order."""
_MOST_NAMED = 3
_ORDER = "their order alone"
_ENOUGH = 0.5
"""Share of the names that a file must have for its names to be taken as meant."""


def import_weights(path: Path, network: Network, pixels: Pixels | None = None) -> Imported:
    """Read weights from a file of tensors.

    Tried are the names of our export, those of this program, and those of torchvision's networks
    with as many layers; if none is known, the order of the file.

    Args:
        path: a ``.safetensors``, ``.pt`` or ``.pth`` file.
        network: a valid network.
        pixels: how pixels were normalised; by default as torchvision does where its names are
            found, else not at all.

    Raises:
        SpecError: if the file cannot be read, or does not hold the weights of this network; the
            message names what is missing, left over and of another shape.
    """
    report = check(network)
    if not report.valid:
        raise SpecError(f"The network cannot hold weights: {report.issues[0].message}")
    return weights_from(open_tensors(path), network, pixels)


def weights_from(source: TensorSource, network: Network, pixels: Pixels | None = None) -> Imported:
    """Return a valid network with its weights from the arrays of an open file, as above."""
    shapes = {name: shape for name, shape in source.shapes.items() if not name.endswith(_COUNTER)}
    if not shapes:
        raise SpecError(f"{source.where} holds no tensors.", "Choose a file of weights.")
    empty = build_uninitialized(network, seed=0, dtype=np.float32, threads=1)
    with closing(empty) as model:
        ours = {name: array.shape for name, array in model.arrays().items()}
    reading = _best_reading(network, source, shapes, ours)
    _require_all(reading, shapes, ours, f"{source.where} does not fit {network.name}")
    weights = {
        name: source.read(theirs).reshape(ours[name]) for name, theirs in reading.names.items()
    }
    doubt = "; compare a prediction" if reading.how == _ORDER else ""
    notes = [f"the tensors were found by {reading.how}{doubt}"]
    if pixels is None and reading.pixels and network.input[0] == len(reading.pixels.mean):
        pixels = reading.pixels
        notes.append(
            f"pixels are normalised as torchvision's: mean {_numbers(pixels.mean)}, "
            f"standard deviation {_numbers(pixels.std)}"
        )
    elif pixels is None:
        notes.append("pixels from 0 to 1 are taken as they are; --mean and --std say otherwise")
    used = set(reading.names.values())
    if left := [name for name in shapes if name not in used]:
        notes.append(f"left out: {_named(left)}")
    return Imported(network, tuple(notes), ImportedWeights(weights, pixels or Pixels()))


def _numbers(values: Iterable[float]) -> str:
    return ",".join(f"{value:g}" for value in values)


@dataclass(frozen=True)
class _Reading:
    """One way to find each of our arrays in the file."""

    how: str
    names: Mapping[str, str]
    """The name in the file of each of our arrays."""
    optional: tuple[str, ...] = ()
    """Prefixes of the names of tensors that may be left over."""
    pixels: Pixels | None = None
    prefix: str = ""
    """Prefix of all names, such as ``module.``; other tensors belong to something else."""

    def within(self, shapes: Shapes) -> _Reading:
        """The naming with the prefix under which most of the names are in the file."""
        found = Counter(
            other.removesuffix(name)
            for name in self.names.values()
            for other in shapes
            if other == name or other.endswith(f".{name}")
        )
        prefix = max(found, key=lambda prefix: (found[prefix], -len(prefix)), default="")
        names = {ours: f"{prefix}{name}" for ours, name in self.names.items()}
        optional = tuple(f"{prefix}{part}" for part in self.optional)
        return _Reading(self.how, names, optional, self.pixels, prefix)

    @property
    def plain_names(self) -> list[str]:
        """The names without the prefix."""
        return [name.removeprefix(self.prefix) for name in self.names.values()]

    def left_over(self, shapes: Shapes) -> list[str]:
        """Tensors beside those of the network that are none of its optional ones."""
        used = set(self.names.values())
        return [
            name
            for name in shapes
            if name not in used
            and name.startswith(self.prefix)
            and not (self.optional and name.startswith(self.optional))
        ]


def _best_reading(network: Network, source: TensorSource, shapes: Shapes, ours: Shapes) -> _Reading:
    """The reading that finds the most names; that by order only if hardly any name is known."""
    readings = [reading.within(shapes) for reading in _readings(network, ours)]
    found = [sum(name in shapes for name in reading.names.values()) for reading in readings]
    best = readings[found.index(max(found))]
    if max(found) >= _ENOUGH * len(ours):
        return best
    ordered = _by_order(shapes, ours, in_order=source.in_order)
    if ordered is None:
        names = list(shapes)
        raise SpecError(
            f"{source.where} does not fit {network.name}: its {len(names):,} tensors are called "
            f"{_named(names)}; of the {len(ours):,} expected, such as {_named(best.plain_names)}, "
            f"{max(found):,} are there.",
            _advice(shapes),
        )
    return ordered


def _readings(network: Network, ours: Shapes) -> Iterator[_Reading]:
    exported = renamed(modules(network), {name: name for name in ours})
    yield _Reading("the names of an exported module", {own: name for name, own in exported.items()})
    yield _Reading("the names of this program", {name: name for name in ours})
    layers = [layer.name for layer in param_shapes(network, check(network))]
    # The namesake first: several networks have the same names.
    for preset in sorted(NAMINGS, key=lambda name: name != network.name):
        naming = NAMINGS[preset]
        if len(naming.modules) == len(layers):
            yield _torchvision(preset, naming, layers, ours)


def _torchvision(
    preset: str, naming: Naming, layers: Iterable[str], ours: Iterable[str]
) -> _Reading:
    places = dict(zip(layers, naming.modules, strict=True))
    names = {}
    for name in ours:
        layer, _, kind = name.rpartition(".")
        place = places[layer]
        names[name] = place if place.endswith("layer_scale") else f"{place}.{kind}"
    pixels = Pixels(naming.mean, naming.std)
    return _Reading(f"the names of torchvision's {preset}", names, naming.optional, pixels)


def _by_order(shapes: Shapes, ours: Shapes, *, in_order: bool) -> _Reading | None:
    """Each array the next of its kind; None if the order is unknown or there are others."""
    theirs = list(shapes) if in_order else _numbered(shapes)
    names: dict[str, str] = {}
    for kind in _KINDS:
        mine, others = (
            [name for name in every if name.rpartition(".")[2] == kind] for every in (ours, theirs)
        )
        if len(mine) != len(others):
            return None
        names |= zip(mine, others, strict=True)
    return _Reading(_ORDER, names) if len(names) == len(shapes) else None


def _numbered(shapes: Shapes) -> list[str]:
    """Names by the numbers in them; none if modules differ by anything but numbers."""
    modules = {name.rpartition(".")[0] for name in shapes}
    numbers = {name: [part for part in name.split(".") if part.isdigit()] for name in modules}
    words = {tuple(part for part in name.split(".") if not part.isdigit()) for name in modules}
    if len(words) > 1 or len({len(parts) for parts in numbers.values()}) > 1:
        return []
    return sorted(shapes, key=lambda name: [*map(int, numbers[name.rpartition(".")[0]])])


def _require_all(reading: _Reading, shapes: Shapes, ours: Shapes, what: str) -> None:
    """Refuse a file that lacks tensors, has others, or has them in another shape."""
    pairs = [(ours[own], name) for own, name in reading.names.items()]
    faults = {
        "missing": [name for _, name in pairs if name not in shapes],
        "left over": reading.left_over(shapes),
        "of another shape": [
            f"{name} ({format_shape(shapes[name])}, expected {format_shape(shape)})"
            for shape, name in pairs
            if name in shapes and not _is_same(shape, shapes[name])
        ],
    }
    if parts := [f"{word}: {_named(names)}" for word, names in faults.items() if names]:
        raise SpecError(f"{what} by {reading.how}; {'; '.join(parts)}.", _advice(shapes))


def _advice(shapes: Shapes) -> str:
    """Names the largest networks of torchvision all of whose modules are in the file."""
    sizes: dict[str, int] = {}
    for preset, naming in NAMINGS.items():
        names = {module: f"{module}.weight" for module in naming.modules if "scale" not in module}
        if all(name in shapes for name in _Reading("", names).within(shapes).names.values()):
            sizes[preset] = len(names)
    known = [preset for preset, size in sizes.items() if size == max(sizes.values())]
    if known:
        return f"The names are those of torchvision's {listed(known)}: try --into {known[0]}."
    return "Choose the network of these weights with --into."


def _is_same(first: Shape, second: Shape) -> bool:
    """Whether shapes are equal but for sizes of 1 at the end: a 1x1 filter is a row."""
    return _trimmed(first) == _trimmed(second)


def _trimmed(shape: Shape) -> Shape:
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return tuple(shape)


def _named(names: Iterable[str]) -> str:
    every = [plain(name) for name in names]
    rest = [f"{len(every) - _MOST_NAMED:,} more"] if len(every) > _MOST_NAMED else []
    return listed([*every[:_MOST_NAMED], *rest], "and")
