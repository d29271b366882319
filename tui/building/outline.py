"""The rows of the list of layers: a network and its report as an indented tree."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from itertools import chain, repeat
from typing import Literal, NamedTuple

from cnn_tui.engine.shapes import Shape, format_shape
from cnn_tui.engine.specs.inside import BLOCKS, list_letter, lists_in, number, place_of
from cnn_tui.engine.specs.layers import Layer, Parallel, Repeat, Residual, layer_type
from cnn_tui.engine.specs.network import SVM, Network
from cnn_tui.engine.specs.places import received_by
from cnn_tui.engine.specs.report import LayerReport, Report
from cnn_tui.engine.specs.table import settings
from cnn_tui.engine.specs.windows import wanted_output
from cnn_tui.tui.building.edits import Path
from cnn_tui.tui.building.kinds import role_of
from cnn_tui.tui.building.merging import added, merge_words, misfits
from cnn_tui.tui.words import clean, count, recipe_words


class Row(NamedTuple):
    """A row of the list.

    ``path`` is that of the layer, of the block of a shortcut, or of the list that a branch is.
    """

    kind: Literal["input", "layer", "branch", "shortcut", "loss", "training"]
    title: str
    settings: str = ""
    output: str = ""
    number: str = ""
    path: Path = ()
    guide: str = ""
    """The lines of the tree before the title, a character for each block around the row."""
    folded: bool | None = None
    """Whether the contents of a block are hidden; None for a row without contents."""
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
        """The name of the row, constant while it stays at its position: ``4c.`` for a branch."""
        match self.kind:
            case "shortcut":
                return f"{number(self.path)} shortcut"
            case "branch":
                return number(self.path)
        return self.number if self.kind == "layer" else self.kind

    @property
    def block(self) -> Path:
        """The path of the block whose branch or shortcut the row is; otherwise its own."""
        return self.path[:-1] if self.kind == "branch" else self.path


def outline(network: Network, report: Report, folded: Container[object] = ()) -> tuple[Row, ...]:
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
        *_Outline(network, report, folded).rows(network.layers, report.layers, (), ""),
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

    def __init__(self, network: Network, report: Report, folded: Container[object]) -> None:
        self._network, self._report, self._folded = network, report, folded
        places = [place_of(issue.path) for issue in report.issues]
        self._troubled = {*places}
        self._around = {place[:end] for place in places for end in range(1, len(place), 2)}
        """The blocks that contain a layer with an issue."""

    def rows(
        self, layers: Sequence[Layer], reports: Sequence[LayerReport], above: Path, guide: str
    ) -> Iterator[Row]:
        """Yield each layer, then its contents.

        Inside a block with an invalid setting there are no reports.
        """
        each: Iterator[LayerReport | None] = chain(reports, repeat(None))
        for position, (layer, report) in enumerate(zip(layers, each, strict=False)):
            path = (*above, position)
            yield self._layer(path, layer, report, guide)
            if isinstance(layer, BLOCKS) and layer not in self._folded:
                yield from self._contents(path, layer, report, guide)

    def _contents(
        self, path: Path, layer: Layer, report: LayerReport | None, guide: str
    ) -> Iterator[Row]:
        lists = lists_in(layer)
        named = layer if isinstance(layer, Residual) and isinstance(layer.shortcut, str) else None
        odd = self._misfits(path, layer)
        for at, inner in enumerate(lists):
            known = report.inner[at] if report and at < len(report.inner) else ()
            is_last = at == len(lists) - 1 and named is None
            is_headed = isinstance(layer, Parallel) or at > 0 or not inner
            if is_headed:
                heading = self._branch((*path, at), layer, known, at in odd)
                yield heading._replace(guide=guide + ("└" if is_last else "├"))
            below = " " if is_last and is_headed else "│"
            yield from self.rows(inner, known, (*path, at), guide + below)
        if named is not None:
            yield self._shortcut(path, named, report, f"{guide}└")

    def _layer(self, path: Path, layer: Layer, report: LayerReport | None, guide: str) -> Row:
        is_hidden = layer in self._folded
        has_issue = path in self._troubled or (is_hidden and path in self._around)
        output = report.output if report else None
        shown = output or (self._wanted(path, layer) if has_issue else ())
        return Row(
            kind="layer",
            title=layer_type(layer),
            settings=self._settings(path, layer, report),
            output=format_shape(shown),
            number=number(path),
            path=path,
            guide=guide,
            folded=is_hidden if lists_in(layer) else None,
            params=report.params if report else 0,
            macs=report.macs if report else 0,
            receptive_field=report.receptive_field if report else None,
            broken=output is None,
            has_issue=has_issue,
            look=role_of(layer_type(layer)),
        )

    def _settings(self, path: Path, layer: Layer, report: LayerReport | None) -> str:
        match layer:
            case Parallel() if report:
                return merge_words(layer, self._ends(path, layer))
            case Repeat():
                return f"{layer.times} times {count(len(layer.layers), 'layer')}"
        return report.settings if report else settings(layer)

    def _ends(self, path: Path, block: Parallel) -> list[Shape | None]:
        ends = ((*path, at, len(inner)) for at, inner in enumerate(block.branches))
        return [self._received(end) for end in ends]

    def _misfits(self, path: Path, layer: Layer) -> frozenset[int]:
        """The branches to be marked, if there is an issue with their merge."""
        if isinstance(layer, Parallel) and path in self._troubled:
            return misfits(layer, self._ends(path, layer))
        return frozenset()

    def _received(self, path: Path) -> Shape | None:
        return received_by(self._network, self._report, path)

    def _wanted(self, path: Path, layer: Layer) -> tuple[str, ...]:
        return wanted_output(layer, self._received(path))

    def _branch(
        self, path: Path, block: Layer, reports: Sequence[LayerReport], differs: bool
    ) -> Row:
        """The heading of a list of layers inside a block."""
        inner = lists_in(block)[path[-1]]
        shape = self._received((*path, len(inner)))
        is_shortcut = isinstance(block, Residual) and path[-1] > 0
        is_missing = not inner and not (isinstance(block, Parallel) or is_shortcut)
        return Row(
            kind="branch",
            title="+" if is_shortcut else list_letter(path[-1]),
            settings=_branch_words(inner, is_missing=is_missing),
            output="" if is_missing else format_shape(shape or ()),
            path=path,
            params=sum(row.params for row in reports),
            macs=sum(row.macs for row in reports),
            receptive_field=reports[-1].receptive_field if reports else None,
            broken=shape is None or is_missing,
            has_issue=differs,
            look=role_of(layer_type(block)),
        )

    def _shortcut(self, path: Path, block: Residual, report: LayerReport | None, guide: str) -> Row:
        """The other operand of the sum, below the branch that it is added to."""
        sides = added(self._network, self._report, path)
        stride = f" s{block.stride}" if block.stride > 1 else ""
        differs = sides.shortcut is not None and sides.branch not in (None, sides.shortcut)
        return Row(
            kind="shortcut",
            title="+",
            settings=f"{block.shortcut} shortcut{stride}",
            output=format_shape(sides.shortcut or ()),
            path=path,
            guide=guide,
            params=sum(layer.params for layer in report.shortcut) if report else 0,
            macs=sum(layer.macs for layer in report.shortcut) if report else 0,
            broken=sides.shortcut is None or differs,
            has_issue=differs,
            look=role_of(layer_type(block)),
        )


def _branch_words(inner: Sequence[Layer], *, is_missing: bool) -> str:
    if inner:
        return count(len(inner), "layer")
    return "empty" if is_missing else "identity"
