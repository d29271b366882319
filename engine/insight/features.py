"""The outputs of layers for many images as rows of features, in bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from cnn_tui.engine.insight.passes import passes
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.runs.watcher import NOBODY, Watcher
from cnn_tui.engine.shapes import Shape

MOST_FEATURES = 5_000
"""Values of a layer's output that are features; larger maps are averaged over windows to fit."""
MOST_BYTES = 512 << 20
"""Bytes of features that are held at a time; further layers take another pass over the images."""

Features = dict[str, tuple[Array, Array]]
"""Rows ``(N, D)`` of two sets of images, by layer."""


def window_for(shape: Shape) -> int:
    """Side of the windows over which maps ``(C, H, W)`` are averaged; 1 leaves them as they are."""
    if len(shape) == 1:
        return 1
    channels, height, width = shape
    side = 1
    while side < max(height, width) and channels * _cells(height, side, width) > MOST_FEATURES:
        side += 1
    return side


def _cells(height: int, side: int, width: int) -> int:
    return math.ceil(height / side) * math.ceil(width / side)


def width_of(shape: Shape) -> int:
    """Number of features of a layer with this output."""
    if len(shape) == 1:
        return shape[0]
    return shape[0] * _cells(shape[1], window_for(shape), shape[2])


def rows_of(output: Array) -> Array:
    """Features ``(N, D)`` of outputs ``(N, C, H, W)`` or ``(N, D)``."""
    side = window_for(output.shape[1:])
    if side > 1:
        for axis in (2, 3):
            edges = np.arange(0, output.shape[axis], side)
            sums = np.add.reduceat(output, edges, axis=axis)
            sizes = np.diff([*edges, output.shape[axis]])
            output = sums / np.expand_dims(sizes, tuple({0, 1, 2, 3} - {axis})).astype(sums.dtype)
    return np.ascontiguousarray(output).reshape(len(output), -1)


def features_of(
    subject: Subject,
    layers: Sequence[str],
    first: Array,
    second: Array,
    watcher: Watcher = NOBODY,
) -> Iterator[Features]:
    """Yield the features of some layers at a time, as many as fit, for two sets of images."""
    count = len(first) + len(second)
    groups = _fitting(subject, layers, count)
    middle = len(first) / count
    for group, part in zip(groups, watcher.parts(len(groups)), strict=True):
        one = _collect(subject, group, first, part.part(0, middle))
        other = _collect(subject, group, second, part.part(middle, 1))
        yield {name: (one.pop(name), other.pop(name)) for name in group}


def _fitting(subject: Subject, layers: Sequence[str], images: int) -> list[list[str]]:
    groups: list[list[str]] = []
    room = 0
    for name in layers:
        size = width_of(tuple(subject.reports[name].output or ())) * images * 4
        if not groups or size > room:
            groups.append([])
            room = MOST_BYTES
        groups[-1].append(name)
        room -= size
    return groups


def _collect(
    subject: Subject, layers: Sequence[str], images: Array, watcher: Watcher
) -> dict[str, Array]:
    found: dict[str, Array] = {}
    for part, inside in passes(subject, images, watcher):
        for name in layers:
            rows = rows_of(inside.output(name))
            whole = found.setdefault(name, np.empty((len(images), rows.shape[1]), rows.dtype))
            whole[part] = rows
    return found
