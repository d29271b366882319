"""TensorBoard's files, read back by TensorBoard's own reader."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sessions import Session, noise_set, small_network

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.export.event_file import EventFile, crc32c, event_files
from cnn_tui.engine.export.tensorboard import TensorBoard, write_tensorboard
from cnn_tui.engine.runs.recorder import Policy
from cnn_tui.engine.storage import Data, Storage
from cnn_tui.engine.training.control import Control
from cnn_tui.engine.training.events import (
    Alert,
    BatchCompleted,
    EpochCompleted,
    LayersMeasured,
    RunEnded,
    RunEvent,
    ValidationCompleted,
)

Points = list[tuple[int, float]]
NETWORK, DATA = small_network(), noise_set()
LAST = 9
"""Three steps in each of three epochs."""


def read(folder: Path) -> dict[str, Points]:
    """What TensorBoard shows of a folder, by tags."""
    module = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator",
        reason="TensorBoard, to read what was written, is not installed",
    )
    shown = module.EventAccumulator(str(folder), {module.SCALARS: 0}).Reload()
    return {
        tag: [(point.step, point.value) for point in shown.Scalars(tag)]
        for tag in shown.Tags()["scalars"]
    }


def steps(points: Points) -> list[int]:
    return [step for step, _ in points]


def near(points: Points, expected: list[float]) -> bool:
    return [value for _, value in points] == pytest.approx(expected, rel=1e-6, nan_ok=True)


def test_the_checksum_is_that_of_the_standard() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA


def test_a_live_run_shows_every_figure(tmp_path: Path) -> None:
    session = Session(tmp_path / "runs", NETWORK, DATA, sinks=(TensorBoard(tmp_path / "tb"),))
    train, val, test = (read(tmp_path / "tb" / "small-1" / one) for one in ("train", "val", "test"))
    batches = session.only(BatchCompleted)
    for tag in ("loss", "accuracy", "l2_loss", "lr", "images_per_second"):
        assert steps(train[tag]) == list(range(1, LAST + 1))
        assert near(train[tag], [getattr(batch, tag) for batch in batches])
    validations = session.only(ValidationCompleted)
    assert steps(val["loss"]) == [3, 6, 9]
    assert near(val["loss"], [one.loss for one in validations])
    assert near(val["accuracy"], [one.accuracy for one in validations])
    epochs = session.only(EpochCompleted)
    assert near(train["epoch/loss"], [one.train_loss for one in epochs])
    assert near(val["epoch/accuracy"], [one.val_accuracy for one in epochs])
    (ended,) = session.only(RunEnded)
    assert test.keys() == {"loss", "accuracy"} and near(test["loss"], [ended.test_loss])
    measured = session.only(LayersMeasured)
    assert steps(train["update_ratio/conv1"]) == [one.step for one in measured]


def test_an_export_shows_the_same_as_the_live_run(tmp_path: Path) -> None:
    session = Session(tmp_path / "runs", NETWORK, DATA, sinks=(TensorBoard(tmp_path / "live"),))
    write_tensorboard(session.folder, tmp_path / "export")
    for split in ("train", "val", "test"):
        assert read(tmp_path / "export" / split) == read(tmp_path / "live" / "small-1" / split)
    write_tensorboard(session.folder, tmp_path / "export")
    assert len(event_files(tmp_path / "export" / "train")) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export", "live", "runs"]


@pytest.mark.parametrize("stop_at", [2, 3, 4, 6])
def test_a_resumed_run_has_every_step_once(tmp_path: Path, stop_at: int) -> None:
    board = tmp_path / "tb"
    first = Session(tmp_path / "runs", NETWORK, DATA, stop_at=stop_at, sinks=(TensorBoard(board),))
    second = Session(first.folder, NETWORK, DATA, sinks=(TensorBoard(board),))
    whole = Session(
        tmp_path / "whole", NETWORK, DATA, sinks=(TensorBoard(tmp_path / "undisturbed"),)
    )
    assert second.only(RunEnded)[0].reason == whole.only(RunEnded)[0].reason == "completed"
    for split, tags in (
        ("train", ("loss", "l2_loss", "lr")),
        ("val", ("loss",)),
        ("test", ("loss",)),
    ):
        shown, expected = (
            read(board / "small-1" / split),
            read(tmp_path / "undisturbed" / "small-1" / split),
        )
        for tag in tags:
            assert shown[tag] == expected[tag]


def test_what_a_crash_left_behind_a_checkpoint_is_void(tmp_path: Path) -> None:
    """Steps and a validation were written that the run computes again."""
    board = tmp_path / "tb"
    first = Session(
        tmp_path / "runs",
        NETWORK,
        DATA,
        stop_at=3,
        sinks=(TensorBoard(board),),
        policy=Policy(steps=1),
    )
    for split, tag, step in (("train", "loss", 4), ("train", "loss", 5), ("val", "loss", 3)):
        file = EventFile(Storage(), board / "small-1" / split, 1000, time.time())
        file.add(step, {tag: 77.0}, time.time())
        file.flush()
        file.close()
    second = Session(first.folder, NETWORK, DATA, sinks=(TensorBoard(board),))
    train, val = (read(board / "small-1" / split)["loss"] for split in ("train", "val"))
    assert steps(train) == list(range(1, LAST + 1)) and steps(val) == [3, 6, 9]
    assert 77.0 not in [value for _, value in train + val]
    assert near(val, [one.loss for one in second.only(ValidationCompleted)])


def test_a_run_that_had_none_tells_its_past_as_it_goes_on(tmp_path: Path) -> None:
    first = Session(tmp_path / "runs", NETWORK, DATA, stop_at=6)
    Session(first.folder, NETWORK, DATA, sinks=(TensorBoard(tmp_path / "tb"),))
    shown = tmp_path / "tb" / "small-1"
    assert steps(read(shown / "train")["loss"]) == list(range(1, LAST + 1))
    assert steps(read(shown / "val")["accuracy"]) == [3, 6, 9]


def test_it_is_seen_while_the_run_goes(tmp_path: Path) -> None:
    seen: list[int] = []

    def look(event: RunEvent, control: Control) -> None:
        if isinstance(event, BatchCompleted) and event.step == 4:
            seen.extend(steps(read(tmp_path / "small-1" / "train")["loss"]))

    sinks = (TensorBoard(tmp_path),)
    Session(tmp_path / "runs", NETWORK, DATA, sinks=sinks, on_event=look, settle=True)
    assert seen[:3] == [1, 2, 3]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, -1e300, 5e-324])
def test_figures_of_any_size_survive(tmp_path: Path, value: float) -> None:
    file = EventFile(Storage(), tmp_path, 0, time.time())
    file.add(2**40, {"größe": value}, time.time())
    file.flush()
    file.close()
    ((tag, points),) = read(tmp_path).items()
    limited = math.copysign(math.inf, value) if abs(value) > 1e200 else value
    assert (tag, steps(points)) == ("größe", [2**40])
    assert near(points, [0.0 if abs(value) < 1e-45 else limited])


def test_a_later_file_is_read_last_whatever_the_clock_says(tmp_path: Path) -> None:
    for number in range(12):
        file = EventFile(Storage(), tmp_path, number, 1e9 - number)
        file.add(number, {"loss": float(number)}, 1e9 - number)
        file.flush()
        file.close()
    assert len(event_files(tmp_path)) == 12
    assert steps(read(tmp_path)["loss"]) == list(range(12))


class FullDisk(Storage):
    """Takes half of whatever is written while it is full."""

    def __init__(self, full: Callable[[], bool]) -> None:
        self._full = full

    def write(self, file: object, data: Data) -> None:
        if self._full():
            super().write(file, memoryview(data)[: len(data) // 2])  # type: ignore[arg-type]
            raise OSError(28, "No space left on device")
        super().write(file, data)  # type: ignore[arg-type]


@pytest.mark.parametrize("recovers", [True, False])
def test_a_full_disk_is_told_once_and_ends_nothing(tmp_path: Path, recovers: bool) -> None:
    done: list[int] = []
    disk = FullDisk(lambda: len(done) >= 2 and not (recovers and len(done) >= 5))
    session = Session(
        tmp_path / "runs",
        NETWORK,
        DATA,
        sinks=(TensorBoard(tmp_path / "tb", disk),),
        on_event=lambda event, _: done.append(1) if isinstance(event, BatchCompleted) else None,
        settle=True,
    )
    assert session.only(RunEnded)[0].reason == "completed"
    alerts = [one.message for one in session.only(Alert) if "TensorBoard" in one.message]
    assert "No space left" in alerts[0] and len(alerts) == 1 + recovers
    shown = steps(read(tmp_path / "tb" / "small-1" / "train")["loss"])
    assert shown == list(range(1, LAST + 1 if recovers else 2))


def test_a_place_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="file/x: Not a directory"):
        TensorBoard(tmp_path / "file" / "x")
