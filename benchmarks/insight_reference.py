"""The figures that health, ablation, probes, shift and shuffle give of a LeNet-5.

Trains LeNet-5 for 4 epochs on 20,000 images of MNIST and tests it on 5,000, as the reference in
docs/insight.md was made. Give the folder of MNIST's files:

    python benchmarks/insight_reference.py DIR [--seed 0]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np

from cnn_tui.engine.cores import default_threads
from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.dataset import Dataset
from cnn_tui.engine.export.states import read_state
from cnn_tui.engine.insight.ablation import cost_of_each
from cnn_tui.engine.insight.examples import Eye
from cnn_tui.engine.insight.health import health
from cnn_tui.engine.insight.probes import probes
from cnn_tui.engine.insight.shift import shift
from cnn_tui.engine.insight.shuffle import shuffle
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.train import new_run, train_recorded
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training.control import Control

TRAIN, TEST, EPOCHS, PROBED = 20_000, 5_000, 4, 4_000


def subset(folder: Path) -> Dataset:
    whole = load_dataset("mnist", folder)
    return Dataset(
        whole.name,
        whole.classes,
        whole.train.take(np.arange(TRAIN)),
        whole.val.take(np.arange(len(whole.val))),
        whole.test.take(np.arange(TEST)),
    )


def trained(data: Dataset, seed: int, root: Path) -> Subject:
    preset = load_preset("lenet5")
    recipe = msgspec.structs.replace(preset.training, epochs=EPOCHS, seed=seed)
    network, control = msgspec.structs.replace(preset, training=recipe), Control()
    with new_run(root, network, data, control=control) as recorder:
        train_recorded(network, data, recorder, control, lambda event: None)
    folder = RunFolder(Path(recorder.path))
    state = read_state(folder, "last")
    return Subject(
        network=network,
        model=state.model(default_threads()),
        name=folder.name,
        state="last",
        classes=state.classes,
        eye=Eye(state.normalizer, state.peak),
        data=data,
        folder=folder,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="the files of MNIST")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    data = subset(asked.folder)
    with tempfile.TemporaryDirectory() as root, closing(trained(data, asked.seed, Path(root))) as s:
        print(f"{s.name}: {TRAIN:,} images, {EPOCHS} epochs, seed {asked.seed}")
        _health(s)
        began = time.perf_counter()
        found = probes(s, limit=PROBED, test_limit=TEST, seed=asked.seed)
        print(f"\nprobes on {found.images:,} images, {time.perf_counter() - began:.1f} s")
        print("| layer | features | linear | k-NN | linear, untrained | k-NN, untrained |")
        print("|---|---|---|---|---|---|")
        for probe in found.probes:
            shares = probe.linear, probe.knn, probe.linear_untrained, probe.knn_untrained
            cells = " | ".join(f"{share:.1%}" for share in shares)
            print(f"| {probe.layer} | {probe.features:,} | {cells} |")
        print(f"network {found.accuracy:.1%}; fc layers trained anew on {found.images:,} images:")
        print(
            f"on trained convs {found.trained_convs:.1%}, on random ones {found.random_convs:.1%}"
        )
        _neighbourhood(s, Path(root))


def _neighbourhood(subject: Subject, root: Path) -> None:
    shifted = shift(subject, root, limit=TEST)
    print("\n| pixels |", " | ".join(map(str, shifted.shifts)), "|")
    for curve in (shifted.own, shifted.beside):
        shares = " | ".join(f"{share:.1%}" for share in curve.accuracy)
        print(f"| {curve.name}, {curve.params:,} | {shares} |")
    for row in shuffle(subject, root).rows:
        print(f"{row.name}: {row.original:.1%}, with shuffled pixels {row.shuffled:.1%}")


def _health(subject: Subject) -> None:
    for layer in health(subject).layers:
        ratios = [ratio * 3.2 for ratio in layer.roughness if ratio is not None]
        print(
            f"{layer.layer}: {layer.verdict}; effective rank {layer.effective_rank:.1f}, largest "
            f"cosine {layer.largest_cosine:.2f}, correlation {layer.largest_correlation:.2f}, "
            f"roughness {min(ratios):.1f} to {max(ratios):.1f}"
        )
        costs = [100 * one.cost for one in cost_of_each(subject, layer.layer, split="test")[1]]
        print(f"  taking one filter out costs {min(costs):.2f} to {max(costs):.2f} points")


if __name__ == "__main__":
    main()
