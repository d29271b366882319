"""A baseline that is a network: trained like any other, with its prediction timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing

from cnn_tui.engine.baselines.recipes import Baseline
from cnn_tui.engine.baselines.record import BaselineResult
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.engines import make_engine
from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs.recorder import Recorder
from cnn_tui.engine.runs.train import train_recorded
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.evaluate import evaluate
from cnn_tui.engine.training.events import EpochCompleted, RunEnded, RunEvent, RunStarted

_TIMED_IMAGES = 2000


def train_baseline(
    baseline: Baseline,
    network: Network,
    dataset: Dataset,
    recorder: Recorder,
    *,
    emit: Callable[[RunEvent], None],
    control: Control,
    threads: int,
) -> BaselineResult | None:
    """Train the network to its end and test it; None if the control stopped it.

    Raises:
        CnnTuiError: The training failed.
    """
    watch = _BaselineWatch(emit)
    train_recorded(network, dataset, recorder, control, watch.observe, threads=threads)
    if watch.ended is None or watch.ended.reason == "failed":
        reason = watch.ended.message if watch.ended else "it ended without a result."
        raise CnnTuiError(f"The training of {baseline} failed: {reason}")
    if watch.ended.test_accuracy is None:
        return None
    return BaselineResult(
        baseline=baseline,
        data=dataset.name,
        test_accuracy=watch.ended.test_accuracy,
        train_seconds=watch.seconds,
        predict_ms_per_image=prediction_ms(network, dataset, threads),
        params=watch.params,
        train_images=len(dataset.train),
        test_images=len(dataset.test),
        epochs=network.training.epochs,
        seed=network.training.seed,
        threads=threads,
        run=recorder.run,
    )


def prediction_ms(network: Network, dataset: Dataset, threads: int) -> float:
    """Milliseconds per test image in batches of the recipe's size, including normalisation.

    It is measured with initial weights, as the values of weights do not matter.
    """
    test = dataset.test
    images = test if len(test) <= _TIMED_IMAGES else test.first(_TIMED_IMAGES)
    batch_size = min(network.training.batch_size, len(images))
    normalizer = Normalizer.of(dataset.train, network.training)
    with closing(make_engine(network, threads=threads)) as model:
        evaluate(model, images.first(batch_size), normalizer, batch_size)  # lays out the memory
        began = time.perf_counter()
        evaluate(model, images, normalizer, batch_size)
        return 1000 * (time.perf_counter() - began) / len(images)


class _BaselineWatch:
    """Forwards events and keeps what the result needs from them."""

    def __init__(self, emit: Callable[[RunEvent], None]) -> None:
        self._emit = emit
        self.ended: RunEnded | None = None
        self.seconds = 0.0
        """Seconds up to the end of the last complete epoch."""
        self.params = 0

    def observe(self, event: RunEvent) -> None:
        match event:
            case RunStarted():
                self.params = event.params
            case EpochCompleted():
                self.seconds = event.seconds
            case RunEnded():
                self.ended = event
        self._emit(event)
