"""The rows of the list of layers: a network and its report, flattened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from cnn_tui.engine.shapes import Shape, Window, format_shape, output_size
from cnn_tui.engine.specs.inside import list_letter, lists_in, number, place_of
from cnn_tui.engine.specs.layers import Layer, Parallel, Residual, layer_type
from cnn_tui.engine.specs.network import SVM, Network
from cnn_tui.engine.specs.places import layer_at, received_by
from cnn_tui.engine.specs.report import LayerReport, Report
from cnn_tui.engine.specs.windows import wanted_output
from cnn_tui.tui.building.edits import Path
from cnn_tui.tui.building.kinds import role_of
from cnn_tui.tui.words import clean, recipe_words


@dataclass(frozen=True)
class Row:
    """A row of the list.

    ``path`` is that of the layer, of the block of a shortcut, or of the layers of a branch.
    """

    kind: Literal["input", "layer", "branch", "shortcut", "loss", "training"]
    title: str
    settings: str = ""
    output: str = ""
    number: str = ""
    path: Path = ()
    params: int = 0
    macs: int = 0
    receptive_field: int | None = None
    broken: bool = False
    """Whether the output is unknown: this layer, or one before it, does not fit."""
    has_issue: bool = False
    look: str = ""
    """The role of the colour of its kind of layer."""

    @property
    def key(self) -> str:
        """The name of the row, constant while it stays at its position."""
        if self.kind == "shortcut":
            return f"{number(self.path)} shortcut"
        if self.kind == "branch":
            return f"{number(self.path)} branch"
        return self.number if self.kind == "layer" else self.kind


def outline(network: Network, report: Report) -> tuple[Row, ...]:
    """Return the rows: input, layers with the contents of blocks, loss, recipe."""
    return (
        Row(
            "input",
            "input",
            clean(network.data),
            format_shape(network.input),
            "0",
            has_issue=any(issue.code == "input" for issue in report.issues),
        ),
        *_Outline(network, report).rows(network.layers, report.layers, ()),
        Row("loss", "loss", loss_words(network)),
        Row("training", "recipe", recipe_words(network.training)),
    )


def loss_words(network: Network) -> str:
    """Return the loss in a few words."""
    loss = network.loss
    if isinstance(loss, SVM):
        return f"{'squared ' if loss.squared else ''}svm, margin {loss.delta:g}"
    smoothing = loss.label_smoothing
    return "softmax" + (f", smoothing {smoothing:g}" if smoothing else "")


class _Outline:
    """Flattens a network with its report."""

    def __init__(self, network: Network, report: Report) -> None:
        self._network, self._report = network, report
        self._troubled = {place_of(issue.path) for issue in report.issues}

    def rows(
        self, layers: Sequence[Layer], reports: Sequence[LayerReport], above: Path
    ) -> Iterator[Row]:
        """Yield each layer, then its contents."""
        for position, (layer, report) in enumerate(zip(layers, reports, strict=True)):
            path = (*above, position)
            yield self._layer(path, layer, report)
            for at, (inner, rows) in enumerate(zip(lists_in(layer), report.inner, strict=False)):
                if isinstance(layer, Parallel) or at:
                    yield self._branch((*path, at), layer, inner, rows)
                yield from self.rows(inner, rows, (*path, at))
            if isinstance(layer, Residual) and isinstance(layer.shortcut, str):
                yield self._shortcut(path, layer, report)

    def _layer(self, path: Path, layer: Layer, report: LayerReport) -> Row:
        has_issue = path in self._troubled
        output = report.output or (self._wanted(path, layer) if has_issue else ())
        return Row(
            kind="layer",
            title=_indent(path) + layer_type(layer),
            settings=report.settings,
            output=format_shape(output),
            number=number(path),
            path=path,
            params=report.params,
            macs=report.macs,
            receptive_field=report.receptive_field,
            broken=report.output is None,
            has_issue=has_issue,
            look=role_of(layer_type(layer)),
        )

    def _wanted(self, path: Path, layer: Layer) -> tuple[str, ...]:
        return wanted_output(layer, received_by(self._network, self._report, path))

    def _branch(
        self, path: Path, block: Layer, inner: Sequence[Layer], rows: Sequence[LayerReport]
    ) -> Row:
        """The heading of a list of layers inside a block."""
        shape = received_by(self._network, self._report, (*path, len(inner)))
        letter = list_letter(path[-1])
        return Row(
            kind="branch",
            title=f"{_indent(path)}{letter}",
            settings=("shortcut" if isinstance(block, Residual) else f"branch {letter}")
            + ("" if inner else ": passes its input on"),
            output=format_shape(shape or ()),
            path=path,
            params=sum(row.params for row in rows),
            macs=sum(row.macs for row in rows),
            broken=shape is None,
            look=role_of(layer_type(block)),
        )

    def _shortcut(self, path: Path, block: Residual, report: LayerReport) -> Row:
        """The other operand of the sum, below the branch that it is added to."""
        sides = added(self._network, self._report, path)
        stride = f" s{block.stride}" if block.stride > 1 else ""
        differs = sides.shortcut is not None and sides.branch not in (None, sides.shortcut)
        return Row(
            kind="shortcut",
            title=_indent(path) + " +",
            settings=f"{block.shortcut} shortcut{stride}",
            output=format_shape(sides.shortcut or ()),
            path=path,
            params=sum(layer.params for layer in report.shortcut),
            macs=sum(layer.macs for layer in report.shortcut),
            broken=sides.shortcut is None or differs,
            has_issue=differs,
            look=role_of(layer_type(block)),
        )


def _indent(path: Path) -> str:
    return " " * (len(path) // 2)


class Sides(NamedTuple):
    """The shapes that are added; None for one that is not known."""

    branch: Shape | None
    shortcut: Shape | None


def added(network: Network, report: Report, path: Path) -> Sides:
    """Return both operands of the block at ``path``."""
    block = layer_at(network, path)
    assert isinstance(block, Residual), "only a block has sides"
    branch = received_by(network, report, (*path, 0, len(block.branch))) if block.branch else None
    return Sides(branch, _shortcut(block, received_by(network, report, path), branch))


def addition_words(network: Network, report: Report, path: Path) -> tuple[str, ...]:
    """Describe the sum in a few lines."""
    branch, shortcut = added(network, report, path)
    lines = (
        f"branch    {format_shape(branch or '?')}",
        f"shortcut  {format_shape(shortcut or '?')}",
    )
    if branch is None or shortcut is None:
        return (*lines, "one operand is unknown")
    if branch != shortcut:
        return (*lines, "shapes differ")
    return (*lines, "equal shapes: added")


def _shortcut(block: Residual, received: Shape | None, branch: Shape | None) -> Shape | None:
    """Return the output shape of the shortcut (He et al. 2016, section 3.3)."""
    if received is None or block.shortcut == "identity":
        return received
    if len(received) != 3 or branch is None:
        return None
    pixels = tuple(output_size(size, Window(1, block.stride)) for size in received[1:])
    channels = branch[0] if block.shortcut == "projection" else max(branch[0], received[0])
    return (channels, *pixels)
