"""Many images through an opened network: all of them, in order, in bounded memory."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from looking import random_data, subject_of
from samples import network

from cnn_tui.engine.insight import passes as module
from cnn_tui.engine.insight.passes import affordable, passes
from cnn_tui.engine.insight.patches import PatchMoments, random_patches
from cnn_tui.engine.specs.layers import Conv, ReLU

SHAPE = (2, 8, 8)
DATA = random_data(SHAPE)


@pytest.mark.parametrize("chunk", [1, 7, 40, 100])
def test_every_image_passes_once(chunk: int) -> None:
    with closing(subject_of(network(SHAPE, Conv(out_channels=3), ReLU(), classes=3), DATA)) as s:
        images = s.images().images
        parts = [
            (part, inside.output("relu2").copy()) for part, inside in passes(s, images, chunk=chunk)
        ]
        with s.model.opened(images) as inside:
            whole = inside.output("relu2")
    assert [part.start for part, _ in parts] == [*range(0, 40, chunk)]
    np.testing.assert_allclose(np.concatenate([maps for _, maps in parts]), whole, atol=1e-5)


def test_fewer_at_a_time_where_memory_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(subject_of(network(SHAPE, Conv(out_channels=3), ReLU(), classes=3), DATA)) as s:
        images = s.images().images
        with s.model.opened(images[:8]) as inside:
            monkeypatch.setattr(module, "MOST_BYTES", inside.bytes)
        sizes = [part.stop - part.start for part, _ in passes(s, images)]
        monkeypatch.setattr(module, "MOST_BYTES", 1)
        alone = [part.stop - part.start for part, _ in passes(s, images)]
    assert sum(sizes) == 40 and 1 < max(sizes) < 40
    assert alone == [1] * 40


def test_no_more_images_than_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(subject_of(network(SHAPE, Conv(out_channels=3), ReLU(), classes=3), DATA)) as s:
        assert affordable(s, 20) == 20
        assert affordable(s, None) == (512 << 20) // (128 * 5)
        monkeypatch.setattr(module, "MOST_IMAGES", 128 * 5 * 10)
        assert affordable(s, None) == affordable(s, 20) == 10


@pytest.mark.parametrize(
    "layer",
    [
        Conv(out_channels=4, kernel_size=3, padding=1, stride=2, rounding="floor"),
        Conv(out_channels=4, kernel_size=(3, 2), dilation=2),
        Conv(out_channels=4, kernel_size=3, groups=2, rounding="floor", stride=3),
    ],
)
def test_patches_are_what_the_filters_see(layer: Conv) -> None:
    described = network(SHAPE, layer, classes=3)
    with closing(subject_of(described, DATA)) as subject:
        images, weight = subject.images().images[:1], subject.weights()["conv1.weight"]
        with subject.model.opened(images) as inside:
            values = inside.output("conv1")[0].reshape(4, -1)
    patches = random_patches(layer, images, 500, np.random.default_rng(0))
    depth = 2 // layer.groups
    for number, one in enumerate(weight):
        start = depth * (number // (4 // layer.groups))
        seen = np.einsum("pchw,chw->p", patches[:, start : start + depth], one)
        # 500 patches at random meet each of the few places.
        gaps = np.abs(np.subtract.outer(seen, values[number]))
        # Sums of 18 float32 products of size 1 in another order.
        assert gaps.min(axis=0).max() < 1e-4 and gaps.min(axis=1).max() < 1e-4


def test_moments_of_patches() -> None:
    rng = np.random.default_rng(1)
    images = rng.standard_normal((50, *SHAPE)).astype(np.float32)
    moments = PatchMoments(Conv(out_channels=4, kernel_size=1, groups=2), 2)
    for start in (0, 25):
        moments.add(images[start : start + 25], 4000, rng)
    (first,), (second,) = moments.covariances()
    # Of 3,200 values drawn 8,000 times, a variance scatters by about 3%.
    for found, channel in ((first, 0), (second, 1)):
        assert found[0] == pytest.approx(images[:, channel].var(), rel=0.1)
