"""A filter bank in every form that matrix products want it."""

from __future__ import annotations

import numpy as np

from cnn_tui.engine.ops.memory import Array, aligned_empty
from cnn_tui.engine.ops.winograd import POINTS, tap_transform


class ConvWeights:
    """A filter bank ``weight (KH, KW, C, F)`` in the forms that products need.

    The forms that were asked for are brought up to date by :meth:`refresh`.
    """

    def __init__(self, weight: Array) -> None:
        self.weight = weight
        self._copies: list[tuple[Array, Array]] = []
        self._products: list[tuple[Array, Array]] = []
        self._forms: dict[str, list[Array]] = {}

    def refresh(self) -> None:
        """Copy the weight into its other forms, after it has changed."""
        for target, source in self._copies:
            np.copyto(target, source)
        taps = self.weight.reshape(len(self.weight), -1) if self._products else self.weight
        for target, transform in self._products:
            np.matmul(transform, taps, out=target)

    @property
    def form_bytes(self) -> int:
        """How much the forms take."""
        return sum(form.nbytes for forms in self._forms.values() for form in forms)

    def blocks(self, count: int) -> list[Array]:
        """Matrices ``(F, rows)`` to multiply the views of patches with: one, or one a column."""
        kernel_h, kernel_w, channels, filters = self.weight.shape
        if count == 1:
            return [self.weight.reshape(-1, filters).T]
        by_column = self.weight.transpose(1, 0, 2, 3)
        shape = (kernel_w, kernel_h * channels, filters)
        return [block.T for block in self._form("columns", by_column, shape)]

    def flipped_blocks(self, count: int) -> list[Array]:
        """The same, turned by 180 degrees and ``(C, rows)``: for the gradient of the input."""
        kernel_h, kernel_w, channels, filters = self.weight.shape
        turned = self.weight[::-1, ::-1]
        if count == 1:
            shape = (1, channels, kernel_h * kernel_w * filters)
            return self._form("turned", turned.transpose(2, 0, 1, 3), shape)
        shape = (kernel_w, channels, kernel_h * filters)
        return self._form("turned columns", turned.transpose(1, 2, 0, 3), shape)

    def points(self) -> list[Array]:
        """For each column of the kernel its taps in Winograd's form, ``(6, F, C)``."""
        return [
            form.transpose(0, 2, 1)
            for form in self._transformed("points", tap_transform(len(self.weight)))
        ]

    def turned_points(self) -> list[Array]:
        """The same, turned by 180 degrees, ``(6, C, F)``: for the gradient of the input."""
        return self._transformed("turned points", tap_transform(len(self.weight))[:, ::-1])[::-1]

    def _transformed(self, name: str, transform: Array) -> list[Array]:
        if name not in self._forms:
            _, kernel_w, channels, filters = self.weight.shape
            shape, dtype = (POINTS, kernel_w, channels, filters), self.weight.dtype
            form = aligned_empty(shape, dtype)
            self._products.append(
                (form.reshape(POINTS, -1), np.ascontiguousarray(transform, dtype))
            )
            self._forms[name] = list(form.transpose(1, 0, 2, 3))
        return self._forms[name]

    def _form(self, name: str, source: Array, shape: tuple[int, ...]) -> list[Array]:
        if name not in self._forms:
            form = aligned_empty(source.shape, source.dtype)
            self._copies.append((form, source))
            self._forms[name] = list(form.reshape(shape))
        return self._forms[name]
