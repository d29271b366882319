"""How long each view of Inspect takes to open, on LeNet-5 and resnet20.

The data is MNIST and CIFAR-10 in ``../shared/data``; the networks are untrained, which costs the
same. Views that ask before they start are left out. Targets: 0.5 s on LeNet-5, 3 s on resnet20;
what takes longer shows its progress and can be cancelled.
"""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

from cnn_tui.engine.build import build
from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.errors import InsightError
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.runs.watcher import NOBODY
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training.glimpse import Glimpse
from cnn_tui.engine.training.opening import peak_of
from cnn_tui.engine.training.snapshot import copy_weights
from cnn_tui.tui.inspect.canvas import Canvas, Wanted
from cnn_tui.tui.inspect.table import VIEWS

DATA = Path(__file__).parents[1] / ".." / "shared" / "data"
CASES = (("lenet5", "mnist", "mnist", 0.5), ("resnet20", "cifar10", "cifar-10-batches-bin", 3.0))


def subject_of(preset: str, data: str, folder: str) -> Subject:
    network = load_preset(preset)
    dataset = load_dataset(data, DATA / folder, shape=network.input)
    with closing(build(network)) as model:
        weights = copy_weights(model)
    normalizer = Normalizer.fit(dataset.train)
    return Subject.of_snapshot(
        Glimpse(network, dataset, normalizer, peak_of(dataset), 0, 0, weights)
    )


def main() -> None:
    for preset, data, folder, target in CASES:
        with closing(subject_of(preset, data, folder)) as subject:
            for view in VIEWS:
                if view.start:
                    continue
                began = time.perf_counter()
                try:
                    seen = view.compute(subject, Wanted(), NOBODY)
                except InsightError as error:
                    print(f"{preset:<10} {view.name:<12} {error}")
                    continue
                seen.drawn(Canvas(66, 17))
                took = time.perf_counter() - began
                late = "" if took <= target else f"  over {target} s: shows progress"
                print(f"{preset:<10} {view.name:<12} {took:6.2f} s{late}")


if __name__ == "__main__":
    main()
