"""Filter banks in the layouts that matrix products need."""

from __future__ import annotations

import math

import numpy as np

from cnn_tui.engine.ops.memory import Array, aligned_empty
from cnn_tui.engine.ops.winograd import POINTS, tap_transform


class ConvWeights:
    """A filter bank ``weight (KH, KW, C, F)`` and its copies in other layouts.

    A copy is made when a kernel first asks for its layout; :meth:`refresh` updates all copies.
    """

    def __init__(self, weight: Array) -> None:
        self.weight = weight
        self._copies: list[tuple[Array, Array]] = []
        self._products: list[tuple[Array, Array]] = []
        self._forms: dict[str, list[Array]] = {}

    def refresh(self) -> None:
        """Update every copy after the weight has changed."""
        for target, source in self._copies:
            np.copyto(target, source)
        taps = self.weight.reshape(len(self.weight), -1) if self._products else self.weight
        for target, transform in self._products:
            np.matmul(transform, taps, out=target)

    @property
    def form_bytes(self) -> int:
        """Bytes of all copies."""
        return sum(form.nbytes for forms in self._forms.values() for form in forms)

    def blocks(self, count: int) -> list[Array]:
        """Matrices ``(F, rows)`` for ``count`` views of patches: one, or one per kernel column."""
        kernel_h, kernel_w, channels, filters = self.weight.shape
        if count == 1:
            return [self.weight.reshape(-1, filters).T]
        by_column = self.weight.transpose(1, 0, 2, 3)
        shape = (kernel_w, kernel_h * channels, filters)
        return [block.T for block in self._form("columns", by_column, shape)]

    def flipped_blocks(self, count: int) -> list[Array]:
        """Matrices ``(C, rows)``, rotated by 180 degrees, for the gradient of the input."""
        kernel_h, kernel_w, channels, filters = self.weight.shape
        flipped = self.weight[::-1, ::-1]
        if count == 1:
            shape = (1, channels, kernel_h * kernel_w * filters)
            return self._form("flipped", flipped.transpose(2, 0, 1, 3), shape)
        shape = (kernel_w, channels, kernel_h * filters)
        return self._form("flipped columns", flipped.transpose(1, 2, 0, 3), shape)

    def phase(self, first: tuple[int, int], stride: tuple[int, int]) -> Array:
        """Every ``stride``-th tap from ``first`` on, the last one first: ``(C, taps*F)``."""
        (down, across), (high, wide) = first, stride
        taps = self.weight[down::high, across::wide][::-1, ::-1].transpose(2, 0, 1, 3)
        shape = (1, len(taps), math.prod(taps.shape[1:]))
        (form,) = self._form(f"phase {first}", taps, shape)
        return form

    def points(self) -> list[Array]:
        """The transformed taps of each kernel column for Winograd's filtering, ``(6, F, C)``."""
        return [
            form.transpose(0, 2, 1)
            for form in self._transformed("points", tap_transform(len(self.weight)))
        ]

    def flipped_points(self) -> list[Array]:
        """Transformed taps, rotated by 180 degrees, ``(6, C, F)``, for the input's gradient."""
        return self._transformed("flipped points", tap_transform(len(self.weight))[:, ::-1])[::-1]

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
