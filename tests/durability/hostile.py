"""Damage of every kind, for a file of any format, and one sound file of each format."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from data_cases import CASES, picture
from exported import state_of

from cnn_tui.engine.export.event_file import EventFile
from cnn_tui.engine.export.onnx_graph import onnx_bytes
from cnn_tui.engine.runs.tensors import plain_encode
from cnn_tui.engine.specs.layers import FC
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.storage import Storage

KEPT = Path(__file__).parents[1] / "formats" / "v1"
PWNED = "pwned"


class _Evil:
    """Unpickled, it makes a file in the present folder."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (PWNED, "w")


def _zipped(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return file.getvalue()


def _flipped(whole: bytes, seed: int) -> bytes:
    rng, content = random.Random(seed), bytearray(whole)
    for _ in range(rng.choice((1, 3, 20))):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    return bytes(content)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "one byte": lambda whole: whole[:1],
    "half": lambda whole: whole[: len(whole) // 2],
    "all but the last byte": lambda whole: whole[:-1],
    "twice": lambda whole: whole + whole,
    "zeros": lambda whole: bytes(len(whole)),
    "noise": lambda whole: random.Random(0).randbytes(4_000),
    "text in place of it": lambda whole: b"not what it says\n" * 50,
    "controls of a terminal": lambda whole: whole[:40] + b"\x1b]0;x\x07\xc2\x9b31m" + whole[40:],
    "controls, escaped": lambda whole: whole.replace(b"l", b"\\u001b]0;x\\u0007l"),
    "no UTF-8": lambda whole: b"\xff\xfe" + whole,
    "NUL in the middle": lambda whole: whole[:30] + b"\0" + whole[30:],
    "brackets without end": lambda whole: b"[" * 200_000,
    "braces without end": lambda whole: b'{"a":' * 50_000,
    "a number without end": lambda whole: b"9" * 1_000_000,
    "a line without end": lambda whole: b"x = " + b"y" * 300_000,
    "a pickle": lambda whole: pickle.dumps(_Evil()),
    "a pickle in a zip": lambda whole: _zipped("archive/data.pkl", pickle.dumps(_Evil())),
    "a zip that leaves its folder": lambda whole: _zipped(f"../{PWNED}", b"x"),
    "a gzip of zeros": lambda whole: gzip.compress(bytes(20 << 20), 1),
    "a picture": lambda whole: picture(0),
    **{f"flipped bits {seed}": lambda whole, seed=seed: _flipped(whole, seed) for seed in range(8)},
}


def put_folder(path: Path) -> None:
    path.mkdir()


def put_endless(path: Path) -> None:
    path.symlink_to("/dev/zero")


IN_ITS_PLACE: dict[str, Callable[[Path], None]] = {
    "a pipe": os.mkfifo,
    "a folder": put_folder,
    "a file without end": put_endless,
    "a link to nothing": lambda path: path.symlink_to("nothing"),
}

Made = tuple[Path, str]
"""The file to damage, and the command that reads it."""


def kept(name: str, command: str) -> Callable[[Path], Made]:
    """A file of those that each version has left."""

    def make(place: Path) -> Made:
        shutil.copytree(KEPT, place / "kept")
        return place / "kept" / name, command

    return make


def data(name: str) -> Callable[[Path], Made]:
    """A dataset, or the first file of one that is a folder."""

    def make(place: Path) -> Made:
        given = CASES[name][1](place)
        file = given if given.is_file() else next(at for at in given.iterdir() if at.is_file())
        return file, f"data show {given.relative_to(place)}"

    return make


def written(name: str, command: str, content: Callable[[], bytes]) -> Callable[[Path], Made]:
    def make(place: Path) -> Made:
        (place / name).write_bytes(content())
        return place / name, command

    return make


NET = Network(name="net", input=(1, 8, 8), layers=(FC(out_features=3),))
WEIGHTS = {"fc1.weight": np.zeros((3, 64), np.float32), "fc1.bias": np.zeros(3, np.float32)}
SOURCE = b"import torch.nn as nn\nnet = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))\n"
PRINTED = b"Sequential(\n  (0): Linear(in_features=64, out_features=2, bias=True)\n)\n"
CURVES = b"epoch,loss,val_loss\n0,2.5,2.4\n1,2.0,2.1\n"


def _idx() -> bytes:
    return b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (60_000, 28, 28))


def _npy() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros((4, 8, 8), np.uint8))
    return file.getvalue()


def _onnx() -> bytes:
    pytest.importorskip("onnx", reason="the extra onnx is not installed")
    return onnx_bytes(state_of(NET))


def _weights(place: Path) -> Made:
    (place / "w.safetensors").write_bytes(b"".join(map(bytes, plain_encode(WEIGHTS))))
    (place / "net.toml").write_text(
        'input = [1, 8, 8]\nlayers = [{ type = "fc", out_features = 3 }]'
    )
    return place / "w.safetensors", "import w.safetensors --into net.toml --runs-dir runs"


def _events(place: Path) -> Made:
    (place / "logs").mkdir()
    file = EventFile(Storage(), place / "logs", 0, 1.0)
    for step in range(3):
        file.add(step, {"loss": 2.5}, 1.0)
    file.flush()
    file.close()
    (path,) = (place / "logs").iterdir()
    return path, "watch --tensorboard logs"


def _cifar(place: Path) -> Made:
    (place / "cifar").mkdir()
    path = place / "cifar" / "data_batch_1.bin"
    path.write_bytes(bytes(3_073 * 5))
    return path, "data show cifar10 --data-dir cifar"


def _mnist(place: Path) -> Made:
    (place / "mnist").mkdir()
    path = place / "mnist" / "train-images-idx3-ubyte"
    path.write_bytes(_idx())
    return path, "data show mnist --data-dir mnist"


RUNS = "--runs-dir kept/runs"
FORMATS: dict[str, Callable[[Path], Made]] = {
    "architecture": kept("architecture.toml", "check kept/architecture.toml"),
    "sweep file": kept("sweep.toml", "sweep kept/sweep.toml --dry-run"),
    "lesson": kept("lesson.toml", "learn --check kept/lesson.toml"),
    "run.json": kept("runs/kept-1/run.json", f"watch {RUNS} kept-1"),
    "summary.json": kept("runs/kept-1/summary.json", f"runs {RUNS}"),
    "notes.json": kept("runs/kept-1/notes.json", f"runs {RUNS}"),
    "events.jsonl": kept("runs/kept-1/events.jsonl", f"watch {RUNS} kept-1"),
    "metrics.jsonl": kept("runs/kept-1/metrics.jsonl", f"export {RUNS} kept-1 --steps"),
    "environment.jsonl": kept("runs/kept-1/environment.jsonl", f"compare {RUNS} kept-1 kept-1"),
    "network.toml": kept("runs/kept-1/network.toml", f"export {RUNS} kept-1 --format json"),
    "checkpoint": kept("runs/kept-1/best.safetensors", f"templates {RUNS} kept-1"),
    "sweep.json": kept("runs/.sweeps/kept-sweep-1/sweep.json", f"sweep show {RUNS} kept-sweep-1"),
    "trials.jsonl": kept(
        "runs/.sweeps/kept-sweep-1/trials.jsonl", f"sweep show {RUNS} kept-sweep-1"
    ),
    "status.json": kept("runs/.sweeps/kept-sweep-1/status.json", f"sweep list {RUNS}"),
    "npz": data("onehot.npz"),
    "csv": data("train.csv"),
    "csv.gz": data("train.csv.gz"),
    "zip": data("pets.zip"),
    "parquet": data("hf"),
    "npy": written("x.npy", "data show x.npy", _npy),
    "idx": _mnist,
    "cifar": _cifar,
    "picture": written("x.png", "predict kept-1 x.png --runs-dir runs", lambda: picture(0)),
    "onnx": written("net.onnx", "import net.onnx --force --runs-dir runs", _onnx),
    "pictures in a folder": data("named"),
    "PyTorch source": written("net.py", "import net.py --force --input 1,8,8", lambda: SOURCE),
    "printed module": written("net.txt", "import net.txt --force --input 1,8,8", lambda: PRINTED),
    "safetensors": _weights,
    "tfevents": _events,
    "csv of curves": written("log.csv", "watch --csv log.csv", lambda: CURVES),
    "jsonl of curves": written("l.jsonl", "watch --jsonl l.jsonl", lambda: b'{"loss":2.5}\n' * 3),
}
