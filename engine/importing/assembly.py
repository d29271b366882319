"""Builds a list of imported layers, inferring the volume after each."""

from __future__ import annotations

from typing import Self

import msgspec

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.flow import FeatureMap
from cnn_tui.engine.specs.infer import infer
from cnn_tui.engine.specs.layers import FC, BatchNorm, GlobalAvgPool, Layer
from cnn_tui.engine.specs.network import MAX_LAYERS, MAX_NESTING
from cnn_tui.engine.specs.norms import GroupNorm, LayerScale
from cnn_tui.engine.specs.pooling import AdaptiveAvgPool
from cnn_tui.engine.specs.windows import Windowed

_BY_CHANNEL = BatchNorm | GroupNorm | LayerScale
INPUT_HINT = "Check the input size; set another one with --input C,H,W."


class Assembly:
    """The layers imported so far.

    ``flat`` is True after the other program flattens its volume; here only fc layers do so, without
    a layer of their own.
    """

    def __init__(self, shape: Shape, depth: int = 0) -> None:
        self.layers: list[Layer] = []
        self.flow, self.flat = FeatureMap(shape), False
        self._before = self.flow
        self._depth = depth

    @property
    def shape(self) -> Shape:
        """The shape after the last layer."""
        assert self.flow.shape is not None
        return self.flow.shape

    def branch(self, where: str) -> Self:
        """Return an assembly for a branch that begins with the present volume.

        Raises:
            SpecError: if blocks are nested too deeply.
        """
        if self._depth >= MAX_NESTING:
            raise SpecError(f"{where} is nested in more than {MAX_NESTING} blocks.")
        branch = type(self)(self.shape, self._depth + 1)
        branch.flow, branch.flat = self.flow, self.flat
        return branch

    def share(self, count: int, where: str) -> Assembly:
        """Return an assembly for a branch that begins with one of ``count`` equal shares.

        Raises:
            SpecError: if the channels cannot be shared out.
        """
        channels, *pixels = self.shape
        if channels % count:
            raise SpecError(f"{where} splits {channels} channels into {count} shares.", INPUT_HINT)
        share = Assembly((channels // count, *pixels), self._depth)
        share.flow = self.flow._replace(shape=share.flow.shape)
        share.flat = self.flat
        return share

    def add(self, layer: Layer, where: str, *, ceil: bool = False) -> None:
        """Append a layer; ``ceil`` means that the other program rounds the sizes of a pool up.

        Raises:
            SpecError: if the layer does not fit, or has no equivalent for a flat volume.
        """
        self._require_volume(layer, where)
        if len(self.layers) >= MAX_LAYERS:
            raise SpecError(f"{where} exceeds the limit of {MAX_LAYERS} layers.")
        if ceil:
            layer = msgspec.structs.replace(layer, rounding="ceil")
        step = infer(layer, self.flow, self._depth)
        if isinstance(layer, Windowed) and "fraction" in step.codes:
            layer = msgspec.structs.replace(layer, rounding="floor")
            step = infer(layer, self.flow, self._depth)
        if step.faults:
            fault = step.faults[0]
            # No size of the images makes a value valid.
            hint = fault.remedy if fault.code == "bad-value" else INPUT_HINT
            raise SpecError(f"{where}: {fault.text}.", hint)
        self.layers.append(layer)
        self._before, self.flow = self.flow, step.after
        self.flat |= isinstance(layer, FC)

    def flatten(self) -> None:
        """Mark the volume as flattened by the other program."""
        self.flat = True

    def average_to(self, size: tuple[int, int], where: str) -> None:
        """Append an average pool with an output of this height and width.

        Raises:
            SpecError: if the volume is flat already.
        """
        self._require_volume(GlobalAvgPool(), where)
        if size == (1, 1):
            self.add(GlobalAvgPool(), where)
        elif self.shape[1:] != size:
            output = size[0] if size[0] == size[1] else size
            if self._has_its_rows(size[0]):
                self.layers.pop()
                self.flow = self._before
            self.add(AdaptiveAvgPool(output_size=output), where)

    def _has_its_rows(self, rows: int) -> bool:
        """Whether the last layer is a pool to a size that leaves the columns as they are."""
        last, before = self.layers[-1:], self._before.shape
        return (
            before is not None
            and [type(layer) for layer in last] == [AdaptiveAvgPool]
            and (before[0], rows, before[2]) == self.shape
        )

    def _require_volume(self, layer: Layer, where: str) -> None:
        if not self.flat or len(self.shape) == 1:
            return
        normalizes = isinstance(layer, _BY_CHANNEL) and self.shape[1:] != (1, 1)
        if normalizes or layer.info.needs_volume:
            raise SpecError(
                f"{where} comes after a Flatten without a fully connected layer: no counterpart."
            )
