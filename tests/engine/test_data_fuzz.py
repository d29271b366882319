"""Sets with bytes changed, lost and added: read, or refused in one line; never anything else."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from data_cases import CASES

from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.errors import DataError

pytest.importorskip("pyarrow", reason="pyarrow is not installed (extra parquet)")
TIMES = 60 * int(os.environ.get("CNN_TUI_FUZZ", "1"))
SETS = (
    "train.csv",
    "train.csv.gz",
    "excel.csv",
    "words.csv",
    "named",
    "pets.zip",
    "hf",
    "onehot.npz",
)
WHERE = ("", "", "", "name", "label", "breed", "first", "folders")
ODD = (
    b"\n",
    b",",
    b'"',
    b"nan",
    b"1e999",
    b"\0",
    b"-1",
    b"9" * 30,
    b"\r",
    b"\xef\xbb\xbf",
    b"\xff",
)


def mutated(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(4):
            case 0:
                data[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                del data[at : at + rng.choice((1, 3, 50))]
            case 2:
                data[at:at] = rng.choice(ODD)
            case _:
                del data[at:]
    return bytes(data)


@pytest.mark.parametrize("name", SETS)
def test_changed_bytes_are_read_or_refused(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    place = tmp_path / "set"
    place.mkdir()
    given = CASES[name][1](place)
    file = given if given.is_file() else next(at for at in given.iterdir() if at.is_file())
    whole, rng = file.read_bytes(), random.Random(name)
    for _ in range(TIMES):
        file.write_bytes(mutated(whole, rng))
        try:
            load_dataset("folder", given, shape=(3, 8, 8), labels_from=rng.choice(WHERE))
        except DataError as error:
            assert "\n" not in str(error) and str(error).isprintable(), str(error)
