"""Histograms of weights, activations and gradients over the states of a run."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest
from samples import assert_rounded
from sessions import Session, noise_set, small_network

from cnn_tui.engine.build import build
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.insight import histograms as module
from cnn_tui.engine.insight.examples import Eye
from cnn_tui.engine.insight.histograms import (
    BINS,
    LayerHistograms,
    Quantity,
    histograms,
    in_common_bins,
    sample,
)
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.runs.recorder import Policy
from cnn_tui.engine.runs.watcher import CancelledError, Watcher
from cnn_tui.engine.training.events import LayersMeasured

DATA = noise_set()


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path, small_network(), DATA, policy=Policy(steps=2), settle=True)


@pytest.fixture
def subject(session: Session, monkeypatch: pytest.MonkeyPatch) -> Subject:
    monkeypatch.setattr("cnn_tui.engine.insight.examples.load_dataset", lambda *a, **k: DATA)
    return Subject.of_run(session.folder, "last")


def of(found: module.Histograms, layer: str, quantity: str) -> LayerHistograms:
    return next(h for h in found.layers if (h.layer, h.quantity) == (layer, quantity))


def test_a_run_is_shown_from_untrained_to_its_last_state(subject: Subject) -> None:
    shares: list[float] = []
    found = histograms(subject, watcher=Watcher(shares.append))
    states = [d.state for d in found.layers[0].states]
    assert states[0] == "untrained" and states[-1] == subject.state == "epoch 3, step 9"
    assert len(states) == len(set(states)) > 2
    assert {(h.layer, h.quantity) for h in found.layers} == {
        (layer, quantity) for layer in ("conv1", "fc6") for quantity in get_args(Quantity)
    }
    assert shares == sorted(shares) and shares[0] == 0 and shares[-1] < 1
    msgspec.json.encode(found)


def test_every_value_is_in_a_bin(subject: Subject) -> None:
    for layer in histograms(subject).layers:
        for state in layer.states:
            assert len(state.counts) == BINS
            assert layer.low < layer.high
            assert sum(state.counts) == sum(layer.states[0].counts)
            assert state.smallest <= state.mean <= state.largest


def test_counts_are_those_of_the_weights(subject: Subject) -> None:
    conv = of(histograms(subject), "conv1", "weights")
    weight = subject.weights()["conv1.weight"]
    expected, _ = np.histogram(np.clip(weight, conv.low, conv.high), BINS, (conv.low, conv.high))
    last = conv.states[-1]
    assert last.counts == tuple(expected.tolist())
    assert last.std == pytest.approx(weight.std(), rel=1e-5)
    assert (last.smallest, last.largest) == (weight.min(), weight.max())


def test_activations_are_those_after_the_activation(subject: Subject) -> None:
    conv = of(histograms(subject), "conv1", "activations")
    assert conv.states[-1].smallest == 0 and 0 < conv.states[-1].zeros < 1


def test_gradients_are_those_of_a_step_without_dropout(subject: Subject) -> None:
    examples = subject.images("train", module.IMAGES)
    values = sample(subject).values["conv1", "gradients"]
    with closing(subject.with_weights(subject.weights(), "again")) as again:
        again.model.mode.dropout = 0.0
        again.model.train_batch(examples.images, examples.targets)
        expected = again.model.parameters["conv1.weight"].grad
    assert_rounded(values, expected.ravel())


def test_the_traces_are_what_the_run_measured(session: Session, subject: Subject) -> None:
    measured = session.only(LayersMeasured)
    conv = next(trace for trace in histograms(subject).traces if trace.layer == "conv1")
    assert conv.steps == tuple(event.step for event in measured)
    assert conv.update_ratios == tuple(
        next(layer.update_ratio for layer in event.layers if layer.layer == "conv1")
        for event in measured
    )


def test_a_diverged_network_has_histograms(subject: Subject) -> None:
    weights = subject.weights()
    weights["conv1.weight"][0] = np.nan
    weights["fc6.weight"][:] = np.inf
    with closing(subject.with_weights(weights, "diverged")) as diverged:
        found = in_common_bins([sample(subject), sample(diverged)])
    conv = of(found, "conv1", "weights").states[1]
    assert conv.not_finite == weights["conv1.weight"][0].size
    assert sum(conv.counts) == weights["conv1.weight"][1:].size
    assert sum(of(found, "fc6", "weights").states[1].counts) == 0
    msgspec.json.encode(found)


def test_without_data_there_are_weights_and_a_sentence(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Subject.of_run(session.folder, data="nowhere")) as blind:
        found = histograms(blind)
    assert {h.quantity for h in found.layers} == {"weights"}
    assert found.note.startswith("There is no dataset called 'nowhere'.")


def test_equal_values_still_have_bins() -> None:
    with closing(constant()) as subject:
        conv = of(in_common_bins([sample(subject)]), "conv1", "weights")
    assert conv.high - conv.low == pytest.approx(1)
    assert sum(conv.states[0].counts) == conv.states[0].counts[BINS // 2]


def constant() -> Subject:
    described = small_network()
    model = build(described)
    model.parameters["conv1.weight"].data[...] = 0.25
    ones = np.ones((1, 1, 1), np.float32)
    eye = Eye(Normalizer(0 * ones, ones), 16.0)
    return Subject(described, model, "planted", "by hand", DATA.classes, eye, DATA)


def test_it_can_be_cancelled(subject: Subject) -> None:
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(CancelledError):
        histograms(subject, watcher=Watcher(cancelled=cancelled))
    assert len(asked) == 3
