"""Constants of an ONNX file as arrays, those in files beside it included."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.files import is_regular
from cnn_tui.engine.specs.wording import show

MOST_ENTRIES = 2**28
"""Numbers of one array; more than any layer may have."""


class Tensors:
    """The constants of a model by name.

    Raises:
        SpecError: by each method, if a tensor is damaged or lies outside the folder of the model.
    """

    def __init__(self, onnx: Any, path: Path, where: str) -> None:
        self._onnx, self._folder, self._where = onnx, path.parent, where
        self._found: dict[str, Any] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._found

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def add(self, name: str, value: Any) -> None:
        """Add a ``TensorProto`` or an array."""
        self._found[name] = value

    def share(self, name: str, other: str) -> None:
        """Give a constant a further name."""
        self._found[other] = self._found[name]

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a constant, without reading it."""
        value = self._found[name]
        return tuple(value.shape if isinstance(value, np.ndarray) else value.dims)

    def array(self, name: str) -> np.ndarray:
        """Return a constant as an array, which is not to be written to."""
        value = self._found[name]
        if isinstance(value, np.ndarray):
            return value
        shape = self.shape(name)
        if any(size < 0 for size in shape) or math.prod(shape) > MOST_ENTRIES:
            raise self._damaged(name, f"has sizes that no array has: {list(shape)}")
        array = self._beside(name) if self._is_outside(value) else self._inside(name)
        self._found[name] = array
        return array

    def _is_outside(self, tensor: Any) -> bool:
        return bool(tensor.external_data) or tensor.data_location != self._onnx.TensorProto.DEFAULT

    def _inside(self, name: str) -> np.ndarray:
        tensor = self._found[name]
        try:
            array = np.asarray(self._onnx.numpy_helper.to_array(tensor))
        except Exception:  # damaged tensors raise errors of many types
            raise self._damaged(
                name, f"does not hold the {math.prod(self.shape(name)):,} numbers that it declares"
            ) from None
        return array

    def _beside(self, name: str) -> np.ndarray:
        """Read a tensor from another file in the same folder."""
        tensor = self._found[name]
        external = {entry.key: entry.value for entry in tensor.external_data}
        folder = self._folder.resolve()
        try:
            kind = np.dtype(self._onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type))
            path = (folder / external["location"]).resolve()
            offset, count = int(external.get("offset", 0)), math.prod(tensor.dims)
            length = int(external.get("length", count * kind.itemsize))
            inside = path.is_relative_to(folder) and is_regular(path)
            if inside and (offset < 0 or offset + length > path.stat().st_size):
                raise self._damaged(name, f"goes beyond the end of {show(external['location'])}")
            if inside and length == count * kind.itemsize:
                return np.fromfile(path, kind, count, offset=offset).reshape(tuple(tensor.dims))
        except (LookupError, TypeError, ValueError, OSError):
            raise self._damaged(name, "cannot be read from the file that it names") from None
        if not inside:
            raise SpecError(
                f"{self._where}: the tensor {show(name)} is in {show(external['location'])}, "
                "which is no file in the folder of the model.",
                "Put it there, under this name.",
            )
        raise self._damaged(name, f"does not hold the {count:,} numbers that it declares")

    def _damaged(self, name: str, why: str) -> SpecError:
        return SpecError(f"{self._where}: the tensor {show(name)} {why}.", "Export it again.")
