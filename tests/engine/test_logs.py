"""Logs of other programs, read while they grow."""

from __future__ import annotations

import math
import random
import struct
from pathlib import Path

import pytest

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.export.event_file import EventFile, masked_crc
from cnn_tui.engine.recording.log_events import TensorBoardLog
from cnn_tui.engine.recording.log_records import RecordReader
from cnn_tui.engine.recording.log_tables import TableLog
from cnn_tui.engine.recording.logs import ForeignLog
from cnn_tui.engine.storage import Storage
from cnn_tui.engine.training.events import (
    Alert,
    BatchCompleted,
    EpochCompleted,
    RunEvent,
    RunStarted,
    ValidationCompleted,
)

KERAS = "epoch,accuracy,loss,val_accuracy,val_loss\n"
LIGHTNING = "epoch,lr-SGD,step,train_loss,val_acc,val_loss\n"


def steps(events: list[RunEvent]) -> list[tuple[int, float, float]]:
    return [(e.step, e.loss, e.accuracy) for e in events if isinstance(e, BatchCompleted)]


def validations(events: list[RunEvent]) -> list[tuple[int, float, float]]:
    return [(e.step, e.loss, e.accuracy) for e in events if isinstance(e, ValidationCompleted)]


def started(events: list[RunEvent]) -> RunStarted:
    (first,) = (event for event in events if isinstance(event, RunStarted))
    return first


def all_of(log: ForeignLog) -> list[RunEvent]:
    return list(log.poll())


def test_keras_counts_epochs_from_0_and_its_file_grows(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(KERAS + "0,0.25,2.0,0.5,1.5\n1,0.5,1.0,0.75")
    log = TableLog(path, "csv")
    events = all_of(log)
    assert started(events).batches == 1 and steps(events) == [(1, 2.0, 0.25)]
    assert validations(events) == [(1, 1.5, 0.5)]
    with path.open("a") as file:
        file.write(",0.25\n")
    events = all_of(log)
    assert (steps(events), validations(events)) == ([(2, 1.0, 0.5)], [(2, 0.25, 0.75)])
    assert all_of(log) == []


def test_lightning_has_a_row_for_each_kind_of_figure(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text(LIGHTNING + "0,0.1,4,1.5,,\n0,,7,,0.5,1.25\n1,0.2,9,1.0,,\n")
    events = all_of(TableLog(path, "csv"))
    assert started(events).batches == 0
    assert [step[:2] for step in steps(events)] == [(4, 1.5), (9, 1.0)]
    assert validations(events) == [(7, 1.25, 0.5)]
    last = events[-1]
    assert isinstance(last, BatchCompleted) and (last.lr, last.epoch) == (0.2, 2)


def test_a_table_that_is_written_anew_begins_again(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step;loss\n1;2.0\n2;1.0\n")
    log = TableLog(path, "csv")
    assert len(steps(all_of(log))) == 2
    path.write_text("step;loss;f1\n1;2.5;0.5\n2;1.5;0.5\n")
    events = all_of(log)
    assert isinstance(events[0], RunStarted) and [loss for _, loss, _ in steps(events)] == [
        2.5,
        1.5,
    ]


def test_lines_of_json_are_flattened_and_broken_ones_skipped(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(
        '{"global_step": 10, "train": {"loss": 2, "acc": 0.5}, "lr": 0.1, "note": "x"}\n'
        'broken\n[1]\n{"global_step": 1e400, "loss": true}\n\xff\n'
        '{"global_step": 20, "train": {"loss": NaN}, "eval/f1": 0.25}\n'
    )
    events = all_of(TableLog(path, "jsonl"))
    assert steps(events)[0] == (10, 2.0, 0.5) and steps(events)[1][0] == 20
    last = events[-1]
    assert isinstance(last, EpochCompleted) and last.scalars == {"eval/f1": 0.25}
    path.write_text('broken\n[1]\n{"note": "x"}\n')
    assert not all_of(TableLog(path, "jsonl"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("1,2,3\n4,5,6\n", "has no header"),
        (None, "There is no file"),
        ("", r"is a folder\. Name the file in it"),
    ],
)
def test_what_is_no_table_says_so(content: str | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    if content == "":
        path.mkdir()
    elif content is not None:
        path.write_text(content)
    with pytest.raises(RunError, match=words):
        all_of(TableLog(path, "csv"))


@pytest.mark.parametrize(
    "content",
    [
        "epoch,loss,val_loss\n\n0,2.5,1.5\n\n1,nan,1.25\n",
        "epoch;loss;val_loss\n0;2,5;1,5\n1;;1,25\n",
        ' epoch | train loss | "val loss" \n 0 | 2.5 | 1.5 \n 1 | - | 1.25\n',
        "\ufeffEpoch\tLoss\tVal_Loss\r\n0\t2.5\t1.5\r\n1\tinf\t1.25\t9\r\n",
    ],
)
def test_tables_as_people_write_them(content: str, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(content, newline="")
    events = all_of(TableLog(path, "csv"))
    assert steps(events)[0][:2] == (1, 2.5)
    assert [each[:2] for each in validations(events)] == [(1, 1.5), (2, 1.25)]
    ends = [event for event in events if isinstance(event, EpochCompleted)]
    assert ends[0].train_loss == 2.5 and math.isnan(ends[1].train_loss)


def test_a_list_is_not_lines_of_json(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('[{"step": 1, "loss": 2},\n {"step": 2, "loss": 1}]\n')
    with pytest.raises(RunError, match=r"not an object in each line\. jq -c"):
        all_of(TableLog(path, "jsonl"))


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_no_bytes_do_harm(form: str, tmp_path: Path) -> None:
    source = random.Random(0)
    path = tmp_path / "log"
    for _ in range(100):
        lines = [source.randbytes(source.randrange(60)).replace(b"\n", b"") for _ in range(5)]
        path.write_bytes(b"step,loss\n" + b"\n".join(lines) + b"\n")
        all_of(TableLog(path, form))


def written(folder: Path, *rows: tuple[int, dict[str, float]]) -> Path:
    file = EventFile(Storage(), folder, 0, 1000.0)
    for step, values in rows:
        file.add(step, values, 1000.0 + step)
    file.flush()
    file.close()
    (path,) = folder.glob("events*")
    return path


def test_event_files_of_both_splits_are_one_run(tmp_path: Path) -> None:
    written(tmp_path / "train", (0, {"epoch_loss": 2.0}), (1, {"epoch_loss": 1.0, "lr": 0.5}))
    written(tmp_path / "validation", (0, {"epoch_loss": 1.5, "f1": 0.25}))
    events = all_of(TensorBoardLog(tmp_path))
    assert [step[:2] for step in steps(events)] == [(1, 2.0), (2, 1.0)]
    assert [found[:2] for found in validations(events)] == [(1, 1.5)]
    (epoch,) = (event for event in events if isinstance(event, EpochCompleted))
    assert epoch.scalars == {"val_f1": 0.25}
    last = events[-1]
    assert isinstance(last, BatchCompleted) and last.seconds == 1.0


def test_a_file_that_grows_is_read_to_its_last_whole_record(tmp_path: Path) -> None:
    path = written(tmp_path / "a", (1, {"loss": 2.0}), (2, {"loss": 1.0}))
    content = path.read_bytes()
    path.write_bytes(content[:-3])
    log = TensorBoardLog(tmp_path)
    assert [step[0] for step in steps(all_of(log))] == [1]
    path.write_bytes(content)
    assert [step[0] for step in steps(all_of(log))] == [2]
    written(tmp_path / "b", (3, {"loss": 0.5})).replace(path.with_name("events.out.tfevents.9"))
    assert [step[0] for step in steps(all_of(log))] == [3]


def test_damage_ends_the_file_and_is_told_once(tmp_path: Path) -> None:
    path = written(tmp_path, (1, {"loss": 2.0}), (2, {"loss": 1.0}), (3, {"loss": 0.5}))
    content = bytearray(path.read_bytes())
    content[-8] ^= 1  # inside the last value
    path.write_bytes(content)
    log = TensorBoardLog(tmp_path)
    events = all_of(log)
    assert [step[0] for step in steps(events)] == [1, 2]
    (alert,) = (event for event in events if isinstance(event, Alert))
    assert "is damaged after byte" in alert.message and "checksum" in alert.message
    assert all_of(log) == []


def test_tensors_of_tensorflow_are_scalars(tmp_path: Path) -> None:
    tensor = b"\x08\x01" + b"\x22\x04" + struct.pack("<f", 0.25)
    value = b"\x0a\x04loss" + b"\x42" + bytes([len(tensor)]) + tensor
    summary = b"\x0a" + bytes([len(value)]) + value
    event = b"\x10\x05" + b"\x2a" + bytes([len(summary)]) + summary
    length = struct.pack("<Q", len(event))
    record = length + masked_crc(length) + event + masked_crc(event)
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(record)
    (found,) = RecordReader(path).read(1 << 20)
    assert (found.step, found.values) == (5, {"loss": 0.25})


def test_no_records_do_harm(tmp_path: Path) -> None:
    source = random.Random(0)
    path = tmp_path / "events.out.tfevents.1"
    for _ in range(300):
        event = source.randbytes(source.randrange(40))
        length = struct.pack("<Q", len(event))
        path.write_bytes(length + masked_crc(length) + event + masked_crc(event))
        list(RecordReader(path).read(1 << 20))
    huge = struct.pack("<Q", 1 << 60)
    path.write_bytes(huge + masked_crc(huge) + b"x")
    reader = RecordReader(path)
    assert list(reader.read(1 << 20)) == [] and "1,152,921,504,606,846,976" in reader.damage


def test_several_runs_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("a", "b"):
        written(tmp_path / name / "train", (1, {"loss": 1.0}))
    with pytest.raises(RunError, match=r"holds 2 runs: a and b\. Name the folder of one"):
        TensorBoardLog(tmp_path)
    assert len(all_of(TensorBoardLog(tmp_path / "a"))) == 2
    with pytest.raises(RunError, match="has no event files"):
        TensorBoardLog(tmp_path / "empty")


def test_what_pytorch_writes(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    torch = pytest.importorskip("torch")
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_histogram("weights", torch.ones(3), 1)
        for step in range(1, 4):
            writer.add_scalar("loss/train", 1 / step, step)
            writer.add_scalar("accuracy/val", step / 4, step)
    events = all_of(TensorBoardLog(tmp_path))
    assert [step for step, _, _ in steps(events)] == [1, 2, 3]
    assert steps(events)[1][1] == 0.5
    assert [accuracy for _, _, accuracy in validations(events)] == [0.25, 0.5, 0.75]
