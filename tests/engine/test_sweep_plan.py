"""Sweep files: what they mean, and what is wrong with them."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from cnn_tui.engine.errors import RunError, SpecError
from cnn_tui.engine.specs.layers import FC, Conv
from cnn_tui.engine.sweeps.folder import SweepInfo, create_sweep
from cnn_tui.engine.sweeps.plan import SweepPlan, load_sweep, read_plan, sweep_presets
from cnn_tui.engine.sweeps.point import resolve_field
from cnn_tui.engine.sweeps.space import grid_points, grid_size
from cnn_tui.engine.sweeps.state import SweepState, SweepTrial
from cnn_tui.engine.sweeps.trying import look_at
from cnn_tui.engine.sweeps.writing import dumps_sweep, refine

HEAD = 'base = "digits-convnet"\n'


def plan(text: str, head: str = HEAD) -> SweepPlan:
    return read_plan(head + text, "s.toml", Path())


def fault(text: str, head: str = HEAD) -> str:
    with pytest.raises(SpecError) as caught:
        plan(text, head)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_fields_are_found_by_name_number_and_path() -> None:
    read = plan(
        """
        [space]
        lr = { log-uniform = [0.001, 1] }
        conv1.out_channels = { choice = [4, 8] }
        "3.kernel_size" = { choice = [[3, 3], 1] }
        "layers[8].p" = { uniform = [0.1, 0.5] }
        loss = { choice = ["softmax", "svm"] }
        """
    )
    values = {"lr": 0.5, "conv1.out_channels": 8, "3.kernel_size": "3x3", "loss": "svm"}
    network = read.network(values)
    first, third = network.layers[0], network.layers[2]
    assert isinstance(first, Conv)
    assert isinstance(third, Conv)
    assert (network.training.lr, first.out_channels, third.kernel_size) == (0.5, 8, (3, 3))
    assert type(network.loss).__name__ == "SVM"


def test_layers_inside_blocks_are_found() -> None:
    read = plan("[space]\nlr = { choice = [0.1] }", 'base = "resnet20"\n')
    names = ["4.1.out_channels", "residual4.conv1.out_channels"]
    paths = {resolve_field(read.base, name) for name in names}
    assert paths == {"layers[3].branch[0].out_channels"}


def test_layers_come_from_the_pattern() -> None:
    read = plan("[pattern]\nfilters = 4\n[space]\nN = { choice = [1, 2] }\nM = { choice = [1, 2] }")
    layers = read.network({"N": 2, "M": 1}).layers
    assert [layer.out_channels for layer in layers if isinstance(layer, Conv)] == [4, 4]
    assert [layer.out_features for layer in layers if isinstance(layer, FC)] == [128, 10]


def test_whole_lists_of_layers_are_choices() -> None:
    read = plan('[space]\nlayers = { choice = ["fc 10", "conv 4 3x3 | relu | fc 10"] }')
    assert len(read.network({"layers": "conv 4 3x3 | relu | fc 10"}).layers) == 3


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ("lrr = { choice = [1] }", "There is no field 'lrr'. Did you mean lr?"),
        ("conv2.out_channels = { choice = [1] }", "There is no layer 'conv2' in digits-convnet"),
        ("conv1.out_chanels = { choice = [1] }", "Did you mean conv1.out_channels?"),
        ("lr = { log-uniform = [0, 1] }", "must be above 0, received 0 to 1"),
        ("lr = { uniform = [0.1, 0.1] }", "the range 0.1 to 0.1 is empty"),
        ("lr = { uniform = [0.1, 0.01] }", "is reversed. Write [0.01, 0.1]"),
        ("lr = { uniform = [-1, 1] }", "expected a number above 0"),
        ("lr = { unifrom = [1, 2] }", "Did you mean uniform?"),
        ("lr = { uniform = [1, 2], stp = 1 }", "unknown setting 'stp'. Did you mean step?"),
        ("lr = { uniform = [1, nan] }", "expected two numbers"),
        ("batch_size = { integer = [16.5, 32] }", "expected two whole numbers"),
        ("batch_size = { integer = [16, 32], step = 99 }", "step: expected a number up to 16"),
        ("lr = { choice = [] }", "expected a list of 1 to 1,000 values"),
        ("lr = { choice = [0.1, 0.1] }", "listed twice"),
        ('optimizer = { choice = ["sgd", "adm"] }', "Did you mean 'adam'?"),
        ("lr = 0.1", "expected a table, received 0.1"),
        ("N = { choice = [1, 200] }", "The pattern cannot have these settings"),
        ('layers = { choice = ["cnov 4"] }', "space: "),
        ("momentum = { choice = [0.5], when = { optimiser = 1 } }", "no field 'optimiser' above"),
        ("", "expected 1 to 100 fields, received 0"),
    ],
)
def test_a_mistake_in_the_space_is_one_line(space: str, words: str) -> None:
    assert words in fault(f"[space]\n{space}")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[search]\nsampler = "tpee"', "Did you mean tpe?"),
        ('[search]\npruner = "medain"', "Did you mean median?"),
        ("[search]\ntrails = 3", "unknown setting 'trails'. Did you mean trials?"),
        ('[search]\nobjective = ["accuracy", "loss"]', "search.objective: expected"),
        (
            '[search]\nobjective = ["accuracy", "macs"]\npruner = "asha"',
            "Optuna prunes only sweeps of one objective",
        ),
        ('[search]\nsampler = "grid"', "space.lr: a grid needs a number of values"),
        ("[saerch]", "Did you mean search?"),
        ("[set]\nlr = 0.1", "lr is fixed and in the space"),
        ("[set]\nepochs = 0", "set: training.epochs: expected a whole number from 1"),
    ],
)
def test_a_mistake_elsewhere_is_one_line(text: str, words: str) -> None:
    assert words in fault(f"{text}\n[space]\nlr = {{ log-uniform = [0.1, 1] }}")


def test_a_base_that_is_not_there_is_named() -> None:
    assert "s.toml: base: There is no preset" in fault("", 'base = "lenet6"\n')


def test_a_grid_of_a_billion_points_is_counted_and_refused() -> None:
    fields = "".join(
        f"{name} = {{ uniform = [0.1, 0.9], points = 1000 }}\n" for name in ("lr", "rho", "l2")
    )
    assert "the grid has 1,000,000,000 points" in fault(
        f'[search]\nsampler = "grid"\n[space]\n{fields}'
    )


def test_a_grid_has_each_point_once_under_its_conditions() -> None:
    read = plan(
        """
        [search]
        sampler = "grid"
        [space]
        optimizer = { choice = ["adam", "momentum"] }
        momentum = { uniform = [0.5, 0.9], step = 0.2, when = { optimizer = "momentum" } }
        batch_size = { integer = [16, 64], log = true, points = 3 }
        """
    )
    points = list(grid_points(read.space))
    assert grid_size(read.space) == 18
    assert len(points) == 12
    assert {point["batch_size"] for point in points} == {16, 32, 64}
    assert all(("momentum" in p) == (p["optimizer"] == "momentum") for p in points)


def test_a_file_that_was_written_is_read_as_it_was() -> None:
    for name in sweep_presets():
        read = load_sweep(name)
        again = read_plan(dumps_sweep(read), "again", Path(), read.base)
        assert again == read


def test_every_preset_fits_and_says_what_it_is_for() -> None:
    for name in sweep_presets():
        read = load_sweep(name)
        look = look_at(read, 20)
        assert read.description
        assert look.fits == look.tried > 0


def test_what_does_not_fit_is_counted_by_reason() -> None:
    look = look_at(plan("[space]\nconv6.kernel_size = { choice = [3, 30] }"), 50)
    assert 0 < look.fits < look.tried == 50
    (reason,) = look.refused
    assert "30" not in look.refused or reason


def test_what_has_no_effect_at_any_point_is_told() -> None:
    decay = "weight_decay = { choice = [0.1, 0.2] }"
    (sentence,) = look_at(plan(f"[space]\n{decay}"), 20).unused
    assert "has no effect: it needs optimizer adamw" in sentence
    used = f'[space]\n{decay}\noptimizer = {{ choice = ["adamw", "sgd"] }}'
    assert not look_at(plan(used), 20).unused
    (sentence,) = look_at(plan("[set]\ngamma = 0.5\n[space]\nlr = { choice = [1, 2] }"), 20).unused
    assert sentence.startswith("gamma 0.5 has no effect")


def test_no_field_is_refused_without_its_file_or_with_few_of_the_layers() -> None:
    with pytest.raises(
        SpecError, match=r"^\S+: space\.lr: expected a table, received 0\.1"
    ) as caught:
        plan("[space]\nlr = 0.1")
    assert caught.value.hint
    with pytest.raises(SpecError, match="There is no layer 'conv99'") as caught:
        plan("[space]\nconv99.out_channels = { choice = [1, 2] }")
    hint = "Did you mean conv6.out_channels? Layers with out_channels: conv1, conv3 or conv6."
    assert caught.value.hint == hint


def state(*trials: tuple[float, float]) -> SweepState:
    return SweepState(
        name="lr-1",
        phase="finished",
        trials=tuple(
            SweepTrial(
                number=number,
                values={"lr": lr, "optimizer": "adam"},
                state="finished",
                epochs=1,
                best=best,
                parameters=1,
                macs=1,
            )
            for number, (lr, best) in enumerate(trials)
        ),
    )


def test_refine_narrows_around_the_best_on_the_scale_of_the_range() -> None:
    read = plan(
        """
        [space]
        lr = { log-uniform = [0.001, 1] }
        optimizer = { choice = ["sgd", "adam"] }
        batch_size = { integer = [16, 64], step = 16 }
        """
    )
    finer = refine(read, state((0.01, 0.5), (0.1, 0.9), (0.5, 0.6)), epochs=7)
    lr, optimizer, batch_size = finer.space
    assert lr.low == pytest.approx(0.1 / 10**0.5, rel=0.01)
    assert lr.high == pytest.approx(0.1 * 10**0.5, rel=0.01)
    assert optimizer.choices == ("adam",)
    assert batch_size == read.space[2]
    assert (finer.name, finer.epochs) == ("digits-convnet-sweep-fine", 7)
    assert read_plan(dumps_sweep(finer), "finer", Path(), finer.base) == finer


def test_refine_may_go_beyond_the_old_range_but_not_beyond_what_is_allowed() -> None:
    read = plan("[space]\nmomentum = { uniform = [0.1, 0.9] }")
    best = SweepTrial(
        number=0,
        values={"momentum": 0.1},
        state="finished",
        epochs=1,
        best=1.0,
        parameters=1,
        macs=1,
    )
    finer = refine(read, msgspec.structs.replace(state(), trials=(best,)))
    assert (finer.space[0].low, finer.space[0].high) == (0.1, 0.233)
    with pytest.raises(RunError, match="No trial of lr-1 has finished"):
        refine(read, state())


def test_random_files_are_read_or_refused_in_one_line() -> None:
    words = ["lr", "=", "{", "}", "[", "]", "choice", "uniform", "1", "-1", "nan", '"a"', ",", "\n"]
    words += ["[space]", "[search]", "sampler", "when", "points", "conv1.out_channels", "true"]
    generator = random.Random(0)
    for _ in range(300):
        text = " ".join(generator.choices(words, k=generator.randint(1, 30)))
        try:
            plan(text)
        except SpecError as error:
            assert "\n" not in str(error)


def test_the_folder_keeps_the_texts(tmp_path: Path) -> None:
    info = SweepInfo(created="2026-01-01T00:00:00.000Z", version="0", token="t")
    folder = create_sweep(tmp_path, "a", info, "sweep", "base")
    assert (folder.sweep_file.read_text(), folder.info()) == ("sweep", info)
