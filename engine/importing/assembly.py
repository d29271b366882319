"""Puts imported layers one behind another, with the volume between them always known."""

from __future__ import annotations

import msgspec

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.shapes import Shape, format_shape
from cnn_tui.engine.specs.flow import FeatureMap
from cnn_tui.engine.specs.infer import infer
from cnn_tui.engine.specs.layers import FC, AvgPool, BatchNorm, Conv, GlobalAvgPool, Layer
from cnn_tui.engine.specs.network import MAX_LAYERS, MAX_NESTING
from cnn_tui.engine.specs.windows import Windowed

INPUT_HINT = "Check the size of the input; --input C,H,W gives another."


class Assembly:
    """A list of layers that grows.

    ``flat`` says whether the other program has made the volume flat, which here happens by itself
    before an fc layer and nowhere else.
    """

    def __init__(self, shape: Shape, depth: int = 0) -> None:
        self.layers: list[Layer] = []
        self.flow, self.flat = FeatureMap(shape), False
        self._depth = depth

    @property
    def shape(self) -> Shape:
        """The volume behind the last layer."""
        assert self.flow.shape is not None
        return self.flow.shape

    def branch(self, where: str) -> Assembly:
        """What begins with the present volume and stands beside the list.

        Raises:
            SpecError: if it would stand too deep.
        """
        if self._depth >= MAX_NESTING:
            raise SpecError(f"{where} stands in more than {MAX_NESTING} residual blocks.")
        other = Assembly(self.shape, self._depth + 1)
        other.flow, other.flat = self.flow, self.flat
        return other

    def add(self, layer: Layer, where: str, *, ceil: bool = False) -> None:
        """Put a layer behind the others; ``ceil`` where the other program rounds sizes up.

        Raises:
            SpecError: if it does not fit, or means something else behind a flat volume.
        """
        self._require_volume(layer, where)
        if len(self.layers) >= MAX_LAYERS:
            raise SpecError(f"{where}: there are more than {MAX_LAYERS} layers.")
        step = infer(layer, self.flow, self._depth)
        if isinstance(layer, Windowed) and "fraction" in step.codes:
            if ceil:
                raise SpecError(f"{where} rounds sizes up (ceil_mode), which has no counterpart.")
            layer = msgspec.structs.replace(layer, rounding="floor")
            step = infer(layer, self.flow, self._depth)
        if step.faults:
            raise SpecError(f"{where}: {step.faults[0].text}.", INPUT_HINT)
        self.layers.append(layer)
        self.flow = step.after
        self.flat |= isinstance(layer, FC)

    def flatten(self) -> None:
        """From here on the other program knows no height and width."""
        self.flat = True

    def average_to(self, size: tuple[int, int], where: str) -> None:
        """An average pool that gives volumes of this height and width.

        Raises:
            SpecError: if its windows would not be all alike.
        """
        self._require_volume(GlobalAvgPool(), where)
        now = self.shape[1:]
        if size == (1, 1):
            self.add(GlobalAvgPool(), where)
        elif any(one % wanted for one, wanted in zip(now, size, strict=True)):
            sizes = f"{format_shape(now)} to {format_shape(size)}"
            raise SpecError(f"{where} averages {sizes} by windows that differ: no counterpart.")
        elif now != size:
            kernel = tuple(one // wanted for one, wanted in zip(now, size, strict=True))
            self.add(AvgPool(kernel_size=kernel), where)

    def add_bias(self, size: int, where: str) -> None:
        """Give the last layer, which had none, a bias.

        Raises:
            SpecError: if it cannot have one.
        """
        last = self.layers[-1] if self.layers else None
        if not isinstance(last, FC | Conv) or last.bias or size != self.shape[0]:
            raise SpecError(f"{where} adds a constant that is no bias: no counterpart.")
        self.layers[-1] = msgspec.structs.replace(last, bias=True)

    def _require_volume(self, layer: Layer, where: str) -> None:
        if not self.flat or len(self.shape) == 1:
            return
        normalizes = isinstance(layer, BatchNorm) and self.shape[1:] != (1, 1)
        if normalizes or layer.info.needs_volume:
            raise SpecError(
                f"{where} stands behind a Flatten that no fully connected layer follows: "
                "no counterpart."
            )
