"""Filters taken out: their maps are zero, the scores are those of a smaller network."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest
from looking import random_data, subject_of
from samples import network
from sessions import Session

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.ablation import ablate, cost_of_each, keep_without
from cnn_tui.engine.insight.pruning import masked, pruned
from cnn_tui.engine.insight.readers import Reader, readers_of
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.insight.wiring import wired
from cnn_tui.engine.runs.watcher import CancelledError, Watcher
from cnn_tui.engine.specs.activations import GELU, PReLU
from cnn_tui.engine.specs.depthwise import DWConv
from cnn_tui.engine.specs.layers import (
    FC,
    LRN,
    AvgPool,
    BatchNorm,
    Conv,
    Dropout,
    GlobalAvgPool,
    Layer,
    LeakyReLU,
    MaxPool,
    Parallel,
    ReLU,
    Repeat,
    Residual,
    Sigmoid,
    Tanh,
)
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.norms import LayerScale
from cnn_tui.engine.specs.shaping import ChannelShuffle, Pad
from cnn_tui.engine.transforms.carry import load_weights

SHAPE = (2, 8, 8)
DATA = random_data(SHAPE)
CONV = Conv(out_channels=5, padding=1)
BLOCK = Residual(branch=(CONV, BatchNorm()), shortcut="projection")
FITTING: dict[str, tuple[Layer, ...]] = {
    "to a fully connected layer": (CONV, ReLU()),
    "through a pool to one": (CONV, ReLU(), MaxPool()),
    "through a pool before the ReLU": (CONV, MaxPool(), ReLU()),
    "through a mean over all": (CONV, ReLU(), GlobalAvgPool()),
    "to a convolution": (CONV, ReLU(), Conv(out_channels=3), ReLU()),
    "through a batch norm": (CONV, BatchNorm(), ReLU(), AvgPool(), Conv(out_channels=3)),
    "without an activation": (CONV, Conv(out_channels=3), ReLU()),
    "through dropout": (CONV, ReLU(), Dropout(), FC(out_features=6), ReLU()),
    "to a block that projects": (CONV, ReLU(), BLOCK, ReLU()),
    "inside of a block": (
        Residual(branch=(CONV, BatchNorm(), ReLU(), Conv(out_channels=2, padding=1))),
        ReLU(),
    ),
    "leaky": (CONV, LeakyReLU(), MaxPool()),
    "sigmoid": (CONV, Sigmoid(), Conv(out_channels=3)),
    "tanh": (CONV, BatchNorm(), Tanh()),
    "gelu": (CONV, GELU()),
    "slopes of its own": (CONV, PReLU(per_channel=True)),
    "one slope": (CONV, PReLU()),
    "a layer scale": (CONV, BatchNorm(), LayerScale(), ReLU()),
    "to layers that are repeated": (
        CONV,
        ReLU(),
        Repeat(layers=(Conv(out_channels=3), ReLU()), times=2),
    ),
    "to branches": (
        CONV,
        ReLU(),
        Parallel(branches=((Conv(out_channels=3, kernel_size=1),), (ReLU(), CONV))),
    ),
    "two activations": (CONV, ReLU(), Tanh(), Conv(out_channels=3)),
}
STUCK: dict[str, tuple[tuple[Layer, ...], str]] = {
    "a sum": (
        (CONV, ReLU(), Residual(branch=(Conv(out_channels=5, padding=1),))),
        "residual3 adds",
    ),
    "the end of a branch": (
        (Residual(branch=(Conv(out_channels=2, padding=1), ReLU())),),
        "residual1 adds",
    ),
    "the norm of neighbours": ((CONV, ReLU(), LRN()), "lrn3 computes each map from others"),
    "slopes for each map": (
        (CONV, ReLU(), PReLU(per_channel=True)),
        "prelu3 has weights for each",
    ),
    "filters for each map": ((CONV, ReLU(), DWConv()), "dwconv3 has filters for each of their"),
    "filters of a channel each": ((DWConv(name="conv1"), ReLU()), "each belongs to a channel that"),
    "another order": ((CONV, ReLU(), ChannelShuffle(groups=5)), "channel_shuffle3 puts their maps"),
    "a batch norm past an edge": ((CONV, Pad(padding=1), BatchNorm()), "bn3 has weights for each"),
    "a sigmoid past an edge": ((CONV, Pad(padding=1), Sigmoid()), "sigmoid3 turns their zeros"),
    "a copy": ((Repeat(layers=(CONV, ReLU()), times=2),), "copies of repeat1 must have equally"),
    "a batch norm after the ReLU": ((CONV, ReLU(), BatchNorm()), "bn3 after the activation"),
    "a sigmoid after the ReLU": ((CONV, ReLU(), Sigmoid()), "sigmoid3 turns their zeros"),
    "groups that read it": (
        (Conv(out_channels=4), ReLU(), Conv(out_channels=4, groups=2)),
        "conv3 reads them in groups",
    ),
    "groups of its own": ((Conv(out_channels=4, groups=2), ReLU()), "its groups must have equally"),
}


def described(*layers: Layer) -> Network:
    return network(SHAPE, *layers, classes=3)


def first_conv(subject: Subject) -> str:
    return subject.conv_layers()[0]


def randomized(subject: Subject) -> Subject:
    """Random values in every array, so that none can be left out unseen."""
    rng = np.random.default_rng(1)
    weights = {
        name: (rng.random(array.shape) + 0.5 if name.endswith("var") else 0)
        + 0.3 * rng.standard_normal(array.shape) * (not name.endswith("var"))
        for name, array in subject.weights().items()
    }
    return subject.with_weights(weights, "random")


@pytest.mark.parametrize("layers", FITTING.values(), ids=FITTING)
def test_a_smaller_network_gives_the_scores_of_the_masked_one(layers: tuple[Layer, ...]) -> None:
    subject = randomized(subject_of(described(*layers), DATA))
    images, name = subject.images().images, first_conv(subject)
    removed = {name: (0, subject.reports[name].output[0] - 1)}
    if removed[name][1] == 1:
        removed = {name: (1,)}
    whole = subject.model.forward(images)
    silenced = subject.with_weights(masked(subject.network, subject.weights(), removed), "masked")
    with closing(silenced), silenced.model.opened(images) as inside:
        maps = inside.output(wired(subject.network)[name].response)
        assert not maps[:, list(removed[name])].any() and maps.any()
        expected = inside.logits
    smaller, weights = pruned(subject.network, subject.weights(), removed)
    with closing(build(smaller)) as model:
        load_weights(model, weights)
        scores = model.forward(images)
        assert model.store.size < subject.model.store.size
    scale = max(1.0, float(np.abs(expected).max()))
    assert np.abs(scores - expected).max() <= 1e-5 * scale
    assert np.abs(scores - whole).max() > 1e-3


@pytest.mark.parametrize(("layers", "why"), STUCK.values(), ids=STUCK)
def test_filters_that_cannot_be_removed(layers: tuple[Layer, ...], why: str) -> None:
    subject = subject_of(described(*layers), DATA)
    with closing(subject), pytest.raises(InsightError, match=why):
        pruned(subject.network, subject.weights(), {first_conv(subject): (0,)})


def test_filters_that_give_the_scores_cannot_be_removed() -> None:
    ending = (Conv(out_channels=3, kernel_size=8),)
    with pytest.raises(InsightError, match="they give the scores"):
        readers_of(network(SHAPE, *ending), "conv1")


def test_the_readers_of_a_block_are_its_branch_and_its_projection() -> None:
    found = readers_of(described(CONV, ReLU(), BLOCK, ReLU()), "conv1")
    assert {*found} == {Reader("residual3.conv1", 1), Reader("residual3.shortcut.conv1", 1)}
    (reader,) = readers_of(described(CONV, ReLU(), MaxPool()), "conv1")
    assert reader == Reader("scores", 16)


def test_several_layers_at_once() -> None:
    subject = subject_of(described(CONV, ReLU(), Conv(out_channels=4), ReLU()), DATA)
    removed = {"conv1": (1, 3), "conv3": (0,)}
    smaller, weights = pruned(subject.network, subject.weights(), removed)
    expected = subject.with_weights(masked(subject.network, subject.weights(), removed), "masked")
    images = subject.images().images
    with closing(build(smaller)) as model:
        load_weights(model, weights)
        difference = model.forward(images) - expected.model.forward(images)
    assert np.abs(difference).max() < 1e-5


def test_accuracy_before_and_after_by_class() -> None:
    subject = subject_of(described(CONV, ReLU()), DATA)
    before = subject.weights()
    found = ablate(subject, {"conv1": (2, 0, 2)}, seed=4)
    examples = subject.images()

    def accuracies(weights: dict[str, np.ndarray]) -> list[float]:
        with closing(subject.with_weights(weights, "x")) as other:
            right = other.model.forward(examples.images).argmax(1) == examples.targets
        return [right.mean(), *(right[examples.targets == n].mean() for n in range(3))]

    zeroed = {name: array.copy() for name, array in before.items()}
    for name in ("conv1.weight", "conv1.bias"):
        zeroed[name][[0, 2]] = 0
    assert [found.before.accuracy, *found.before.by_class] == pytest.approx(accuracies(before))
    assert [found.after.accuracy, *found.after.by_class] == pytest.approx(accuracies(zeroed))
    assert found.removed == {"conv1": (0, 2)} and len(found.others) == 3
    assert found.cost == found.before.accuracy - found.after.accuracy
    for name, array in subject.weights().items():
        np.testing.assert_array_equal(array, before[name])
    assert msgspec.json.decode(msgspec.json.encode(found))["images"] == len(DATA.val)


def test_the_random_others_are_spared_ones_excluded() -> None:
    subject = subject_of(described(CONV, ReLU()), DATA)
    found = ablate(subject, {"conv1": (0,)}, spared={"conv1": (1, 2, 3)}, draws=2)
    alone = ablate(subject, {"conv1": (4,)}, draws=0)
    assert {other.accuracy for other in found.others} == {alone.after.accuracy}
    assert alone.others == () and alone.cost_of_others is None


def test_the_cost_of_each_filter_is_that_of_taking_it_out_alone() -> None:
    subject = subject_of(described(CONV, ReLU()), DATA)
    before, costs = cost_of_each(subject, "conv1")
    assert [cost.filter for cost in costs] == [0, 1, 2, 3, 4]
    alone = ablate(subject, {"conv1": (3,)}, draws=0)
    assert (before, costs[3].after) == (alone.before, alone.after)


@pytest.mark.parametrize(
    ("removed", "why"),
    [
        ({"conv1": (5,)}, "conv1 has no filter 5: it has 5"),
        ({"conv1": (-1,)}, "no filter -1"),
        ({"conv1": range(5)}, "All 5 filters of conv1"),
        ({"conv9": (0,)}, "conv9"),
        ({}, "No filters are chosen"),
        ({"conv1": ()}, "No filters are chosen"),
    ],
)
def test_filters_that_are_not_there(removed: dict[str, tuple[int, ...]], why: str) -> None:
    subject = subject_of(described(CONV, ReLU()), DATA)
    with closing(subject), pytest.raises(InsightError, match=why):
        ablate(subject, removed)


def test_cancelling_gives_the_weights_back() -> None:
    subject = subject_of(described(CONV, ReLU()), DATA)
    before = subject.weights()
    calls = iter([False, False, False, True])
    with pytest.raises(CancelledError):
        ablate(subject, {"conv1": (0,)}, watcher=Watcher(cancelled=lambda: next(calls)))
    for name, array in subject.weights().items():
        np.testing.assert_array_equal(array, before[name])


def test_what_is_kept_is_a_run_that_opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnn_tui.engine.insight.examples.load_dataset", lambda *a, **k: DATA)
    layers = (CONV, BatchNorm(), ReLU(), MaxPool())
    recipe = Recipe(epochs=1, batch_size=8)
    session = Session(tmp_path, network(SHAPE, *layers, classes=3, training=recipe), DATA)
    with closing(Subject.of_run(session.folder)) as subject:
        removed = {"conv1": (1, 4)}
        kept = keep_without(subject, removed)
        weights = masked(subject.network, subject.weights(), removed)
        with closing(subject.with_weights(weights, "masked")) as other:
            expected = other.model.forward(subject.images().images)
    with closing(Subject.of_run(kept)) as smaller:
        scores = smaller.model.forward(smaller.images().images)
        assert smaller.reports["conv1"].output == [3, 8, 8]
    assert np.abs(scores - expected).max() < 1e-5
    assert kept.notes().note.endswith("without filters: 2 of conv1.")
    made = subject_of(session.folder.network(), DATA)
    with closing(made), pytest.raises(InsightError, match="not a run that was kept"):
        keep_without(made, removed)
