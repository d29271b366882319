"""The files of checkpoints: readable by others, and never believed when they are not sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from safetensors.numpy import save as save_elsewhere

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.runs.tensors import MAX_HEADER, TensorFile, encode, layout_of
from cnn_tui.engine.storage import Storage, replace_file

TENSORS = {
    "conv1.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "conv1.bias": np.array([0.5, np.nan], np.float64),
}
META = b'{"step":7}'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "step-000000007.safetensors"
    replace_file(Storage(), path, encode(TENSORS, META))
    return path


def outcome(path: Path) -> bytes | None:
    """What the file holds, None where it is refused; nothing else may come of it."""
    try:
        found = TensorFile(path)
        tensors = found.read()
    except RunError as error:
        assert path.name in error.message and "\n" not in error.message
        return None
    return found.meta + b"".join(name.encode() + t.tobytes() for name, t in tensors.items())


def test_other_programs_can_read_it(file: Path) -> None:
    found = load_file(file)
    assert found.keys() == TENSORS.keys()
    for name, array in TENSORS.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_it_reads_back(file: Path) -> None:
    found = TensorFile(file)
    assert (found.meta, found.layout) == (META, layout_of(TENSORS))
    for name, array in found.read().items():
        np.testing.assert_array_equal(array, TENSORS[name])


@pytest.mark.slow
def test_every_bit_counts(file: Path) -> None:
    content, good = file.read_bytes(), outcome(file)
    assert good is not None
    for position in range(len(content)):
        for bit in range(8):
            flipped = bytearray(content)
            flipped[position] ^= 1 << bit
            file.write_bytes(flipped)
            assert outcome(file) in (None, good), (position, bit)


def test_every_length_counts(file: Path) -> None:
    content = file.read_bytes()
    for length in range(len(content)):
        file.write_bytes(content[:length])
        assert outcome(file) is None, length
    file.write_bytes(content + b"\0")
    assert outcome(file) is None


@pytest.mark.parametrize(
    "content",
    [
        (MAX_HEADER + 1).to_bytes(8, "little") + b"{}",
        b"\xff" * 8 + b"{}",
        b"\x02" + b"\0" * 7 + b"{}",
        save_elsewhere(TENSORS),
        save_elsewhere({}, {"cnn_tui": "{}", "sha256": ""}),
    ],
    # The library's files differ from process to process, names made of them would, too.
    ids=["header too long", "header of all bits", "header cut", "no digest", "empty digest"],
)
def test_what_was_never_a_checkpoint_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert outcome(file) is None


def test_a_claim_of_much_memory_costs_none(file: Path) -> None:
    claim = (
        b'{"__metadata__":{"cnn_tui":"{}","sha256":""},"w":{"dtype":"F32","shape":[99999999999],'
    )
    header = claim + b'"data_offsets":[0,399999999996]}}'
    file.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(RunError, match="expected 399,999,999,996 bytes of arrays, found 0"):
        TensorFile(file)


def test_a_missing_file_is_an_error_in_words(tmp_path: Path) -> None:
    assert outcome(tmp_path / "step-000000001.safetensors") is None
