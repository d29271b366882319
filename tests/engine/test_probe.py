"""The forecast before training: memory by arithmetic, time by a few steps, and when to refuse."""

from __future__ import annotations

from contextlib import closing
from itertools import count, groupby
from pathlib import Path

import numpy as np
import pytest

from cnn_tui.engine.build import build
from cnn_tui.engine.errors import MemoryLimitError, NonFiniteError, ShapeError
from cnn_tui.engine.memory_estimate import MemoryEstimate, check_memory, estimate_memory
from cnn_tui.engine.profile import LayerTime, Profile, probe
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, LRN, BatchNorm, Conv, Dropout, MaxPool, ReLU, Residual
from cnn_tui.engine.specs.network import SVM, Network, Recipe
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.specs.quick.parse import parse_quick
from cnn_tui.engine.system_memory import available_memory, held_memory

GB = 1 << 30
BLOCK = Residual(branch=(Conv(out_channels=4, padding=1), BatchNorm()), shortcut="projection")
SMALL = Network(
    input=(2, 8, 8),
    layers=(
        Conv(out_channels=4, padding=1),
        ReLU(),
        MaxPool(),
        BLOCK,
        Dropout(),
        FC(out_features=5),
    ),
    loss=SVM(),
    training=Recipe(batch_size=6, optimizer="adam"),
)


class TestProbe:
    def test_times_are_those_of_the_layers_and_add_up_to_a_step(self):
        found = probe(SMALL, threads=2)
        assert found is not None
        assert (found.batch_size, found.threads) == (6, 2)
        assert all(one.forward >= 0 and one.backward >= 0 for one in found.layers)
        assert sum(one.total for one in found.layers) == pytest.approx(found.step_seconds)
        assert 0 < found.forward_seconds < found.step_seconds
        assert found.memory == estimate_memory(SMALL, 6)

    def test_every_layer_is_named_as_in_the_report(self):
        found = probe(SMALL)
        report = check(SMALL)
        (block,) = (layer for layer in report.layers if layer.branch)
        inner = [layer.name for layer in (*block.branch, *block.shortcut)]
        assert {one.name for one in found.layers} == {
            "",
            *(layer.name for layer in report.layers),
            *inner,
        }

    @pytest.mark.parametrize("freeze", ["", "bn2"])
    def test_a_relu_names_the_batch_norm_that_computes_it(self, freeze: str):
        layers = parse_quick("conv 2 | bn | relu | conv 2 | bn | relu | relu | fc 3")
        found = probe(Network(layers=layers).with_training(freeze=freeze))
        named = {one.name: one.computed_in for one in found.layers if one.computed_in}
        assert named == {"relu3": "bn2", "relu6": "bn5"}
        for one in found.layers:
            assert (one.forward > 0) != bool(one.computed_in), one.name

    def test_an_epoch_is_its_steps_and_the_validation(self):
        layers = (LayerTime("a", 0.1, 0.2), LayerTime("b", 0.3, 0.4))
        memory = MemoryEstimate(1, 2, 3, 4)
        forecast = Profile(10, 1, step_seconds=1.0, layers=layers, memory=memory)
        assert forecast.epoch_seconds(95) == 10
        assert forecast.epoch_seconds(95, 20) == pytest.approx(10 + 2 * 0.4)
        assert memory.peak == 1 + 2 + 3 + 4 + 1 + 3

    @pytest.mark.parametrize("patience", [0, 1, 5, 12])
    def test_it_ends_at_the_next_layer_once_cancelled(self, patience: int):
        asked = count()
        assert probe(SMALL, cancelled=lambda: next(asked) >= patience) is None
        assert next(asked) <= patience + 4

    def test_the_batch_is_the_recipes_unless_another_is_asked_for(self):
        assert probe(SMALL).batch_size == 6
        assert probe(SMALL, batch_size=1).batch_size == 1

    def test_layers_that_do_not_fit(self):
        with pytest.raises(ShapeError, match="does not tile"):
            probe(Network(layers=(Conv(out_channels=1, stride=2), FC(out_features=2))))

    def test_a_network_whose_numbers_overflow_is_measured_all_the_same(self):
        wild = Network(layers=(Conv(out_channels=2), LRN(k=1e-3, beta=1e3), FC(out_features=2)))
        with closing(build(wild)) as model, pytest.raises(NonFiniteError):
            model.train_batch(np.ones((2, 1, 8, 8), np.float32), np.zeros(2, np.int64))
        assert probe(wild) is not None


class TestStages:
    def test_they_compute_the_bits_of_a_whole_pass(self):
        rng = np.random.default_rng(0)
        images = rng.standard_normal((6, 2, 8, 8), dtype=np.float32)
        targets = rng.integers(0, 5, 6)
        with closing(build(SMALL, threads=2)) as whole, closing(build(SMALL, threads=2)) as staged:
            whole.train_batch(images, targets)
            stages = list(staged.train_stages(images, targets))
            assert np.array_equal(whole.store.grad, staged.store.grad)
            directions = [is_backward for _, is_backward in stages]
            assert directions == sorted(directions)

    def test_backward_goes_through_the_layers_in_reverse(self):
        network = load_preset("lenet5")
        images = np.zeros((4, 1, 28, 28), np.float32)
        with closing(build(network)) as model:
            stages = list(model.train_stages(images, np.zeros(4, np.int64)))
        forward, backward = (
            [name for name, _ in groupby(name for name, back in stages if back is way and name)]
            for way in (False, True)
        )
        assert forward == backward[::-1]
        assert set(forward) == {layer.name for layer in check(network).layers}


class TestMemory:
    def test_enough_is_enough(self):
        forecast = estimate_memory(SMALL, 6)
        assert check_memory(SMALL, 6, forecast.peak) == forecast
        with pytest.raises(MemoryLimitError):
            check_memory(SMALL, 6, forecast.peak - 1)

    @pytest.mark.parametrize(("available", "fits"), [(3, 0), (54, 4), (230, 128)])
    def test_the_batch_that_is_named_fits_and_the_double_does_not(self, available: int, fits: int):
        network = load_preset("cifar-convnet")
        with pytest.raises(MemoryLimitError, match=f"and {available} MB are free") as caught:
            check_memory(network, 250, available * 10**6)
        if fits:
            assert caught.value.hint == f"Batches of {fits} would fit."
            assert check_memory(network, fits, available * 10**6).peak <= available * 10**6
        else:
            assert caught.value.hint.startswith("Not even one image")
        with pytest.raises(MemoryLimitError):
            check_memory(network, max(1, fits * 2), available * 10**6)

    def test_the_probe_refuses_before_anything_is_made(self):
        with pytest.raises(
            MemoryLimitError, match=r"untitled in batches of 6 needs .* 0 MB are free"
        ):
            probe(SMALL, available=1000)

    def test_a_network_beyond_all_memory_is_refused_by_arithmetic(self):
        layers = (FC(out_features=65536), FC(out_features=65536), FC(out_features=65536))
        network = Network(input=(64, 16, 16), layers=(*layers, FC(out_features=2)))
        assert check(network).valid
        with pytest.raises(MemoryLimitError, match="Not even one image"):
            check_memory(network, 64, 64 * GB)

    def test_what_cannot_be_avoided_is_never_more_than_what_is_laid_out(self):
        for name in ("lenet5", "cifar-convnet", "resnet20", "two-layer"):
            network = load_preset(name)
            peak = estimate_memory(network, 32).peak
            check_memory(network, 32, peak)


def files(root: Path, **texts: str) -> Path:
    for name, text in texts.items():
        path = root / name.replace("__", "/").replace("_DOT_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


class TestSystem:
    def test_this_machine_has_memory_and_this_process_holds_some(self):
        assert available_memory() > 1 << 20
        assert held_memory() > 1 << 20

    def test_what_linux_calls_available(self, tmp_path: Path):
        files(tmp_path, proc__meminfo="MemTotal: 9000 kB\nMemAvailable:    3000 kB\n")
        assert available_memory(tmp_path) == 3000 * 1024

    def test_the_tightest_of_the_groups_around_counts(self, tmp_path: Path):
        files(
            tmp_path,
            proc__meminfo="MemAvailable:  9000000 kB\n",
            proc__self__cgroup="0::/jobs/one\n",
            sys__fs__cgroup__jobs__memory_DOT_max="5000000\n",
            sys__fs__cgroup__jobs__memory_DOT_current="2000000\n",
            sys__fs__cgroup__jobs__memory_DOT_stat="anon 1\ninactive_file 500000\n",
            sys__fs__cgroup__jobs__one__memory_DOT_max="max\n",
            sys__fs__cgroup__jobs__one__memory_DOT_current="1000000\n",
        )
        assert available_memory(tmp_path) == 3_500_000

    def test_the_older_control_groups(self, tmp_path: Path):
        names = {
            "sys__fs__cgroup__memory__memory_DOT_limit_in_bytes": "4000000",
            "sys__fs__cgroup__memory__memory_DOT_usage_in_bytes": "3999999",
            "sys__fs__cgroup__memory__x__memory_DOT_limit_in_bytes": str(2**63 - 4096),
            "sys__fs__cgroup__memory__x__memory_DOT_usage_in_bytes": "7",
        }
        files(tmp_path, proc__self__cgroup="3:cpu:/x\n4:memory:/x\n", **names)
        assert available_memory(tmp_path) == 1

    def test_where_nothing_is_told_all_there_is_counts(self, tmp_path: Path):
        assert available_memory(tmp_path) is None or available_memory(tmp_path) > 1 << 20
