"""Histograms of each layer's weights, activations and gradients, from state to state of a run.

CS231n notes, Neural Networks Part 3, Activation/Gradient distributions per layer. All states of a
layer share their bins, so that they can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from cnn_tui.engine.insight.states import UNTRAINED, states_over_time
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.insight.traces import LayerTrace, traces
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.runs.watcher import NOBODY, Watcher

Quantity = Literal["weights", "activations", "gradients"]
IMAGES = 64
"""Images whose activations, and whose mean loss's gradients, are shown."""
BINS = 40
_SAMPLE = 1 << 14
"""Values that are kept of an array; a larger one is sampled."""
_TAIL = 0.001
"""Share of the values at each end that may lie beyond the outermost bins, which count them, too."""


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    """The values of one quantity of a layer in one state of the network."""

    state: str
    """The state in words: ``untrained``, or ``epoch 3, step 2,600``."""
    counts: tuple[int, ...]
    """Values in each bin, of a sample if there are many."""
    mean: float
    std: float
    smallest: float
    largest: float
    zeros: float
    """Share of the values that are exactly 0."""
    not_finite: int
    """Values that are NaN or infinite, which no other figure counts."""


class LayerHistograms(msgspec.Struct, frozen=True, kw_only=True):
    """A quantity of a layer, state after state, in common bins."""

    layer: str
    quantity: Quantity
    low: float
    """Lower edge of the first bin; the bins have equal widths."""
    high: float
    """Upper edge of the last bin."""
    states: tuple[Distribution, ...]


class Histograms(msgspec.Struct, frozen=True, kw_only=True):
    """All layers with weights, in the order of the network."""

    layers: tuple[LayerHistograms, ...]
    traces: tuple[LayerTrace, ...] = ()
    """How update:weight ratio and gradient norm went in training, if the run recorded it."""
    note: str = ""
    """Why there are only weights, as a sentence; else empty."""


@dataclass(frozen=True, eq=False)
class Sampled:
    """Some values of every layer in one state: little to hold, so that many states can be."""

    state: str
    values: Mapping[tuple[str, Quantity], NDArray[np.float32]]
    note: str = ""


def sample(subject: Subject, seed: int = 0) -> Sampled:
    """Values of all layers with weights: weights, and for some images activations and gradients.

    Activations and gradients of the mean loss are those of a step of training without dropout:
    batch norm uses the statistics of the images. Without data there are only weights.
    """
    parameters = subject.model.parameters
    layers = [
        name.removesuffix(".weight") for name, one in parameters.items() if one.role == "weight"
    ]
    values: dict[tuple[str, Quantity], Array] = {
        (name, "weights"): parameters[f"{name}.weight"].data for name in layers
    }
    note = subject.data if isinstance(subject.data, str) else ""
    if not note:
        examples = subject.images("train", IMAGES, seed)
        with subject.opened(examples.images, training=True) as inside:
            values |= {
                (name, "activations"): inside.output(subject.response(name)) for name in layers
            }
            gradients = inside.loss_gradients(examples.targets[: len(inside.images)])
        values |= {(name, "gradients"): gradients[f"{name}.weight"] for name in layers}
    return Sampled(subject.state, {key: _some(array) for key, array in values.items()}, note)


def histograms(
    subject: Subject,
    seed: int = 0,
    watcher: Watcher = NOBODY,
) -> Histograms:
    """The histograms of a run in the order of training: untrained, each kept state, the present.

    Raises:
        CancelledError: if ``watcher`` cancels.
    """
    folder = subject.folder
    steps = [str(state.step) for state in states_over_time(folder)] if folder else []
    samples, all_states = [], [UNTRAINED, *steps]
    for number, state in enumerate(all_states):
        watcher.check_in(number / (len(all_states) + 1))
        with closing(subject.at(state)) as earlier:
            samples.append(sample(earlier, seed))
    watcher.check_in(len(all_states) / (len(all_states) + 1))
    if subject.state not in [known.state for known in samples]:
        samples.append(sample(subject, seed))
    return in_common_bins(samples, traces(folder) if folder else ())


def in_common_bins(samples: Sequence[Sampled], traces: Sequence[LayerTrace] = ()) -> Histograms:
    """The histograms of states of one network, in the order in which they are given."""
    keys = samples[0].values if samples else {}
    return Histograms(
        layers=tuple(
            _layer(name, quantity, [(s.state, s.values[name, quantity]) for s in samples])
            for name, quantity in keys
            if all((name, quantity) in s.values for s in samples)
        ),
        traces=tuple(traces),
        note=next((s.note for s in samples if s.note), ""),
    )


def _layer(
    name: str, quantity: Quantity, states: Sequence[tuple[str, NDArray[np.float32]]]
) -> LayerHistograms:
    low, high = _range([values for _, values in states])
    return LayerHistograms(
        layer=name,
        quantity=quantity,
        low=low,
        high=high,
        states=tuple(_distribution(state, values, low, high) for state, values in states),
    )


def _distribution(state: str, values: NDArray[np.float32], low: float, high: float) -> Distribution:
    finite = values[np.isfinite(values)].astype(float)
    counts, _ = np.histogram(np.clip(finite, low, high), BINS, (low, high))
    known = len(finite) > 0
    return Distribution(
        state=state,
        counts=tuple(counts.tolist()),
        mean=float(finite.mean()) if known else 0.0,
        std=float(finite.std()) if known else 0.0,
        smallest=float(finite.min()) if known else 0.0,
        largest=float(finite.max()) if known else 0.0,
        zeros=float((finite == 0).mean()) if known else 0.0,
        not_finite=len(values) - len(finite),
    )


def _range(arrays: Iterable[NDArray[np.float32]]) -> tuple[float, float]:
    """Edges that hold nearly all values of all states; never empty."""
    ends = [
        np.quantile(finite.astype(float), (_TAIL, 1 - _TAIL))
        for finite in (array[np.isfinite(array)] for array in arrays)
        if len(finite)
    ]
    low, high = (min(e[0] for e in ends), max(e[1] for e in ends)) if ends else (0.0, 0.0)
    return (float(low), float(high)) if low < high else (float(low) - 0.5, float(high) + 0.5)


def _some(array: Array) -> NDArray[np.float32]:
    flat = np.ravel(array)
    if flat.size > _SAMPLE:
        # By chance, since every n-th value might be of the same column.
        flat = flat[np.random.default_rng(0).integers(0, flat.size, _SAMPLE)]
    return flat.astype(np.float32)
