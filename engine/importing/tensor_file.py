"""Reads named arrays out of files of other programs: safetensors, and PyTorch's own.

A safetensors file is read here, array by array. A ``.pt`` or ``.pth`` file is a pickle, which can
run code: it is given to ``torch.load(weights_only=True)`` alone, which builds tensors and nothing
else.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from cnn_tui.engine.decoding import Count, decode
from cnn_tui.engine.errors import SpecError, reason_of
from cnn_tui.engine.files import open_to_read
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.runs.tensors import MAX_HEADER
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.wording import plain

PICKLES = (".pt", ".pth", ".bin", ".ckpt")
_SAFE = ".safetensors"
_SAFE_TORCH = (2, 6)
"""Earlier versions could be made to run code with ``weights_only`` too (CVE-2025-32434)."""
_TYPES: dict[str, np.dtype[Any]] = {
    "F16": np.dtype("<f2"),
    # The upper half of a float32.
    "BF16": np.dtype("<u2"),
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
}
_DEEPEST = 4
_HINT = "Download or write it again."


class TensorSource:
    """The arrays of a file; none is read before :meth:`read`."""

    where: str
    """The file, for messages."""
    shapes: Mapping[str, Shape]
    """The shapes of the tensors by name, in the order of the file."""
    in_order = False
    """Whether the order is that of the modules, not that of the names."""

    def read(self, name: str) -> Array:
        """Return an array as float32.

        Raises:
            SpecError: if it cannot be read, or holds no floating-point numbers.
        """
        raise NotImplementedError


def open_tensors(path: Path) -> TensorSource:
    """Open a file of weights; its extension determines its type.

    Raises:
        SpecError: if it cannot be read, is damaged, or is of another type.
    """
    suffix, where = path.suffix.lower(), plain(str(path))
    if suffix == _SAFE:
        return Safetensors(path, where)
    if suffix in PICKLES:
        return TorchTensors(path, where)
    kinds = f"a {_SAFE}, .pt or .pth file"
    raise SpecError(f"Expected {kinds} of weights, received {where}.", "Write one with PyTorch.")


class _TensorEntry(msgspec.Struct):
    dtype: str
    shape: Annotated[tuple[Count, ...], msgspec.Meta(max_length=8)]
    data_offsets: tuple[Count, Count]


class Safetensors(TensorSource):
    """A safetensors file (github.com/safetensors/safetensors, "Format")."""

    def __init__(self, path: Path, where: str) -> None:
        self.where, self._path = where, Path(os.path.realpath(path))
        try:
            with open_to_read(self._path) as file:
                whole = file.seek(0, os.SEEK_END)
                file.seek(0)
                size = int.from_bytes(file.read(8), "little")
                if not 0 < size <= min(MAX_HEADER, whole - 8):
                    raise ValueError("its header is cut off or too large")
                header = decode(file.read(size), dict[str, msgspec.Raw])
            header.pop("__metadata__", None)
            self._entries = {name: decode(bytes(raw), _TensorEntry) for name, raw in header.items()}
        except FileNotFoundError:
            raise SpecError(f"There is no file {where}.", "Check the path.") from None
        except (OSError, ValueError) as error:
            raise SpecError(f"{where} cannot be read: {plain(reason_of(error))}.", _HINT) from None
        self._start = 8 + size
        for name, entry in self._entries.items():
            low, high = entry.data_offsets
            if not low <= high <= whole - self._start:
                raise SpecError(f"{where} is cut off: {plain(name)} lies past its end.", _HINT)
        self.shapes = {name: entry.shape for name, entry in self._entries.items()}

    def read(self, name: str) -> Array:
        """Return an array as float32; see the base class."""
        entry = self._entries[name]
        kind = _TYPES.get(entry.dtype)
        if kind is None:
            text = f"{self.where}: {plain(name)} is of type {plain(entry.dtype)}"
            raise SpecError(f"{text}; weights are floating-point numbers.")
        low, high = entry.data_offsets
        expected = math.prod(entry.shape) * kind.itemsize
        if high - low != expected:
            text = f"{self.where}: {plain(name)} has {high - low:,} bytes, expected {expected:,}"
            raise SpecError(f"{text}.", _HINT)
        with open_to_read(self._path) as file:
            file.seek(self._start + low)
            numbers = np.frombuffer(file.read(expected), kind)
        if entry.dtype == "BF16":
            numbers = (numbers.astype(np.uint32) << 16).view(np.float32)
        with np.errstate(over="ignore"):  # infinity is told where weights are kept
            array: Array = numbers.astype(np.float32).reshape(entry.shape)
        return array


class TorchTensors(TensorSource):
    """A ``state_dict()`` in a file of ``torch.save``, alone or in a checkpoint."""

    in_order = True

    def __init__(self, path: Path, where: str) -> None:
        self.where = where
        torch = _torch(where)
        if not path.is_file():
            raise SpecError(f"There is no file {where}.", "Check the path.")
        try:
            content = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # whatever a damaged pickle makes of it
            raise _unloaded(where, error) from None
        self._tensors: dict[str, Any] = dict(_tensors(content, torch.Tensor, "", 0))
        if not self._tensors:
            raise SpecError(f"{where} holds no tensors.", _STATE_DICT)
        self.shapes = {name: tuple(tensor.shape) for name, tensor in self._tensors.items()}

    def read(self, name: str) -> Array:
        """Return a tensor as a float32 array; see the base class."""
        tensor = self._tensors[name]
        if not tensor.is_floating_point():
            text = f"{self.where}: {plain(name)} is of type {tensor.dtype}"
            raise SpecError(f"{text}; weights are floating-point numbers.")
        array: Array = tensor.detach().float().numpy()
        return array


_STATE_DICT = "Save model.state_dict(), best as a .safetensors file."


def _torch(where: str) -> Any:
    """PyTorch, where it is installed in a version whose ``weights_only`` keeps its promise."""
    if importlib.util.find_spec("torch") is None:
        raise SpecError(
            f"{where} is a pickle, which only PyTorch reads safely, and PyTorch is not installed.",
            "Install torch, or save the weights as a .safetensors file.",
        )
    torch = importlib.import_module("torch")
    version = tuple(map(int, re.findall(r"\d+", torch.__version__)[:2]))
    if version < _SAFE_TORCH:
        raise SpecError(
            f"PyTorch {torch.__version__} may run code that is hidden in {where}.",
            "Install torch 2.6 or newer.",
        )
    return torch


def _unloaded(where: str, error: Exception) -> SpecError:
    reason = str(error)
    if "weights_only" in reason.lower() or "Unsupported" in reason:
        text = f"{where} holds more than weights, and would run code to load the rest"
        return SpecError(f"{text}: it is not read.", _STATE_DICT)
    return SpecError(f"{where} cannot be read: PyTorch finds it damaged.", _HINT)


def _tensors(content: object, kind: type, prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Every tensor in dictionaries of dictionaries, by its path."""
    if isinstance(content, kind):
        yield prefix.removesuffix("."), content
    elif isinstance(content, Mapping) and depth < _DEEPEST:
        for key, inner in content.items():
            if isinstance(key, str):
                yield from _tensors(inner, kind, f"{prefix}{key}.", depth + 1)
