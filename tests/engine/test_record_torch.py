"""The layers of a PyTorch model, measured while it is recorded."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from cnn_tui.engine import record  # noqa: E402
from cnn_tui.engine.runs.folder import RunFolder  # noqa: E402
from cnn_tui.engine.runs.follow import Follower  # noqa: E402
from cnn_tui.engine.training.events import LayerHealth, LayersMeasured  # noqa: E402

nn = torch.nn


def measured(path: Path | None) -> list[LayersMeasured]:
    assert path is not None
    events = Follower(RunFolder(path)).poll()
    return [event for event in events if isinstance(event, LayersMeasured)]


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3),
        nn.BatchNorm2d(4),
        nn.Conv2d(4, 4, 3, groups=4),
        nn.Flatten(),
        nn.Linear(64, 10),
    )


def test_norms_and_ratios_are_those_computed_by_hand(tmp_path: Path) -> None:
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    other = torch.optim.SGD([nn.Parameter(torch.ones(3))], lr=0.1)
    images, labels = torch.randn(8, 1, 8, 8), torch.arange(8)
    by_hand = {}
    with record("a", runs_dir=tmp_path) as run:
        run.watch(model, every=4)
        for step in range(1, 9):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(images), labels)
            loss.backward()
            before = model[4].weight.detach().clone()
            optimizer.step()
            other.step()  # counts for nothing
            moved = (model[4].weight.detach() - before).norm() / before.norm()
            by_hand[step] = (float(model[4].weight.grad.norm()), float(moved))
            run.batch(loss=loss)
    found = measured(run.path)
    assert [event.step for event in found] == [1, 4, 5, 8]
    names = [(layer.layer, layer.type) for layer in found[0].layers]
    assert names == [("0", "conv"), ("1", "batchnorm"), ("2", "dwconv"), ("4", "fc")]
    for event in found:
        layer: LayerHealth = event.layers[-1]
        # float32 norms of 640 numbers, summed in another order
        assert layer.gradient_norm == pytest.approx(by_hand[event.step][0], rel=1e-5)
        assert layer.update_ratio == pytest.approx(by_hand[event.step][1], rel=1e-5)


def test_a_value_that_is_not_finite_is_no_figure(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with record("a", runs_dir=tmp_path) as run:
        run.watch(model)
        (model(torch.full((1, 2), math.inf)).sum()).backward()
        optimizer.step()
        run.batch(loss=1.0)
    (event,) = measured(run.path)
    assert event.layers[0].gradient_norm is None and event.layers[0].update_ratio is None


def test_what_is_no_model_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with record("a", runs_dir=tmp_path) as run:
        run.watch("no model")  # type: ignore[arg-type]
        run.batch(loss=1.0)
    assert "cnn-tui: watch: AttributeError" in capfd.readouterr().err


def test_a_fault_in_measuring_leaves_the_step_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from cnn_tui.engine.recording import layers

    def fails(tensor: object) -> None:
        raise RuntimeError("no memory")

    monkeypatch.setattr(layers, "_sample", fails)
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = model.weight.detach().clone()
    with record("a", runs_dir=tmp_path) as run:
        run.watch(model)
        for _ in range(3):
            model(torch.ones(1, 2)).sum().backward()
            optimizer.step()
            run.batch(loss=1.0)
    assert not torch.equal(before, model.weight)
    assert capfd.readouterr().err.count("layers are not measured: RuntimeError: no memory") == 1
    assert measured(run.path) == []
