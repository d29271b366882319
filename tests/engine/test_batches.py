"""How an epoch is cut into batches, and batches of one image behind a batch norm."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from samples import network

from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.data.loader import epoch_batches
from cnn_tui.engine.errors import ShapeError
from cnn_tui.engine.specs.applying import apply_fix
from cnn_tui.engine.specs.batches import count_batches, cut, lone_image
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import (
    FC,
    BatchNorm,
    Conv,
    GlobalAvgPool,
    Layer,
    Parallel,
    ReLU,
    Repeat,
    Residual,
)
from cnn_tui.engine.specs.network import LastBatch, Network, Recipe
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import (
    Alert,
    BatchCompleted,
    EpochCompleted,
    RunEnded,
    RunEvent,
    RunStarted,
    SettingChanged,
)
from cnn_tui.engine.training.preflight import preflight
from cnn_tui.engine.training.trainer import Trainer

LASTS: list[LastBatch] = ["keep", "merge", "drop"]


@given(st.integers(1, 400), st.integers(1, 90), st.sampled_from(LASTS))
@example(12, 8, "merge")
def test_batches_follow_each_other_and_are_counted(n: int, size: int, last: LastBatch) -> None:
    parts = list(cut(n, size, last))
    assert len(parts) == count_batches(n, Recipe(batch_size=size, last_batch=last))
    ends = [0, *(part.stop for part in parts)]
    assert [part.start for part in parts] == ends[:-1]
    sizes = [part.stop - part.start for part in parts]
    assert all(one == size for one in sizes[:-1])
    if last == "drop":
        assert n - ends[-1] < size and (sizes[-1] == size or len(sizes) == 1)
    else:
        assert ends[-1] == n
    if last == "merge":
        assert sizes[-1] > size / 2 or len(sizes) == 1
    for done, part in enumerate(parts):
        assert list(cut(n, size, last, part.start)) == parts[done:], "resumed"


def test_what_is_half_a_batch_joins_the_one_before() -> None:
    merged = Recipe(batch_size=8, last_batch="merge")
    assert [count_batches(images, merged) for images in (11, 12, 13)] == [1, 1, 2]
    assert list(cut(12, 8, "merge")) == [slice(0, 12)]


def test_a_single_image_alone_in_a_batch_is_seen_from_where_the_epoch_goes_on() -> None:
    eight = Recipe(batch_size=8)
    assert [lone_image(images, eight) for images in (1, 8, 9, 16, 17)] == [1, 0, 1, 0, 1]
    assert lone_image(16, Recipe(batch_size=5), 0) and not lone_image(15, Recipe(batch_size=5), 0)
    assert lone_image(16, eight, 15) and not lone_image(16, eight, 16)


def test_an_epoch_without_its_last_batch_has_other_images_left_out_each_time() -> None:
    left_out = [
        set(range(10)) - set(np.concatenate(list(epoch_batches(10, 4, 0, epoch, last="drop"))))
        for epoch in range(4)
    ]
    assert {len(out) for out in left_out} == {2}
    assert len(set(map(frozenset, left_out))) > 1


BEHIND_FC = (FC(out_features=8), BatchNorm(), ReLU())
LONE: dict[str, tuple[Layer, ...]] = {
    "behind fc": BEHIND_FC,
    "on 1x1": (GlobalAvgPool(), BatchNorm()),
    "in a branch": (FC(out_features=8), Residual(branch=(FC(out_features=8), BatchNorm()))),
    "in the second branch": (
        FC(out_features=8),
        Parallel(branches=((ReLU(),), (BatchNorm(),)), merge="add"),
    ),
    "in a repeat": (Repeat(layers=(FC(out_features=8), BatchNorm()), times=2),),
    "in a projection": (
        Conv(out_channels=4, kernel_size=6),
        Residual(branch=(Conv(out_channels=8, kernel_size=1),), shortcut="projection"),
    ),
}
PLACES = {
    "in a branch": "layers[1].branch[1]",
    "in the second branch": "layers[1].branches[1][0]",
    "in a repeat": "layers[0].layers[1]",
}
"""A projection is not written down: its block stands for it, at ``layers[1]`` as all others."""
MANY = (Conv(out_channels=4), BatchNorm(), ReLU())
"""A batch norm with many values per image."""


def described(*layers: Layer, **recipe: Any) -> Network:
    net = network((1, 6, 6), *layers, classes=3)
    return msgspec.structs.replace(net, training=Recipe(epochs=2, lr=0.01, **recipe))


def noise(images: int) -> Dataset:
    rng = np.random.default_rng(0)

    def split(count: int) -> Split:
        pixels = rng.integers(0, 256, (count, 1, 6, 6), dtype=np.uint8)
        return Split(pixels, np.arange(count) % 3)

    return Dataset("noise", ("a", "b", "c"), split(images), split(9), split(9))


@pytest.mark.parametrize("case", LONE)
def test_batches_of_one_are_a_fault_with_fixes_that_work(case: str) -> None:
    net = described(*LONE[case], batch_size=1)
    (issue,) = check(net).issues
    assert issue.path == PLACES.get(case, "layers[1]")
    assert issue.code == "one-value" and "a single value" in issue.message
    assert issue.fixes
    for fix in issue.fixes:
        assert check(apply_fix(net, fix)).valid, fix.description
    assert apply_fix(net, issue.fixes[0]).training.batch_size > 1


def test_batches_of_one_are_fine_where_a_channel_has_many_values() -> None:
    assert check(described(*MANY, batch_size=1)).valid
    assert check(described(FC(out_features=8), ReLU(), batch_size=1)).valid
    column = Conv(out_channels=4, kernel_size=(1, 6))
    assert check(described(column, BatchNorm(), batch_size=1)).valid, "6x1 values"


def test_a_batch_size_of_nothing_is_only_told_as_what_it_is() -> None:
    issues = check(described(*BEHIND_FC, batch_size=0)).issues
    assert [issue.code for issue in issues] == ["bad-value"]


def run(net: Network, data: Dataset, control: Control | None = None) -> list[RunEvent]:
    events: list[RunEvent] = []
    Trainer(net, data, emit=events.append, control=control, threads=1).run()
    return events


@pytest.mark.parametrize("layers", LONE.values(), ids=LONE)
def test_a_last_batch_of_one_is_refused_with_what_to_do(layers: tuple[Layer, ...]) -> None:
    net = described(*layers, batch_size=8)
    with pytest.raises(ShapeError, match=r"one image.*17 images in batches of 8") as refused:
        list(preflight(net, noise(17)))
    assert 'last_batch = "merge" or "drop"' in refused.value.hint
    (ended,) = run(net, noise(17))
    assert isinstance(ended, RunEnded) and ended.reason == "failed"
    assert ended.message == str(refused.value)
    assert run(net, noise(18))[-1].reason == "completed"  # type: ignore[union-attr]


def test_a_last_batch_of_one_is_fine_for_other_networks() -> None:
    assert run(described(*MANY, batch_size=8), noise(17))[-1].reason == "completed"  # type: ignore[union-attr]


@pytest.mark.parametrize(("last", "sizes"), [("merge", [8, 9]), ("drop", [8, 8])])
def test_merging_and_dropping_mend_it(last: LastBatch, sizes: list[int]) -> None:
    events = run(described(*BEHIND_FC, batch_size=8, last_batch=last), noise(17))
    assert isinstance(events[0], RunStarted) and events[0].batches == 2
    batches = [event for event in events if isinstance(event, BatchCompleted)]
    assert [event.batch for event in batches] == [1, 2, 1, 2]
    right = [
        round(event.accuracy * size, 9) for event, size in zip(batches, sizes * 2, strict=True)
    ]
    assert all(value == int(value) for value in right), "the batches have these sizes"
    epochs = [event for event in events if isinstance(event, EpochCompleted)]
    assert [event.epoch for event in epochs] == [1, 2]
    assert events[-1].reason == "completed"  # type: ignore[union-attr]


@pytest.mark.parametrize("wanted", [1, 5])
def test_a_batch_size_that_would_leave_one_image_is_not_taken(wanted: int) -> None:
    """Sixteen images in batches of five leave one."""
    control = Control()
    control.set("batch_size", wanted)
    events = run(described(*BEHIND_FC, batch_size=8), noise(16), control)
    (alert,) = (
        event for event in events if isinstance(event, Alert) and event.code == "lone-image"
    )
    assert "stays 8" in alert.message and "layer 2 (batchnorm)" in alert.message
    assert not any(isinstance(event, SettingChanged) for event in events)
    assert events[-1].reason == "completed"  # type: ignore[union-attr]
    control = Control()
    control.set("batch_size", 4)
    assert any(
        isinstance(event, SettingChanged) and event.new == 4
        for event in run(described(*BEHIND_FC, batch_size=8), noise(16), control)
    )
