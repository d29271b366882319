"""Imports the architecture of an ONNX or Python file, or of a printed network."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.keras_source import is_keras_source, keras_network
from cnn_tui.engine.importing.onnx_file import OnnxFile
from cnn_tui.engine.importing.onnx_network import from_onnx
from cnn_tui.engine.importing.printed import printed_network
from cnn_tui.engine.importing.result import Imported, Size, usable_name
from cnn_tui.engine.importing.signatures import ImportedModule
from cnn_tui.engine.importing.torch_file import find_network
from cnn_tui.engine.importing.torch_network import from_part
from cnn_tui.engine.importing.torch_source import TorchSource
from cnn_tui.engine.specs.files import read_text
from cnn_tui.engine.specs.network import MAX_FILE_BYTES
from cnn_tui.engine.specs.wording import plain


def import_network(path: Path, size: Size | None = None, name: str = "") -> Imported:
    """Import the architecture of an ONNX file, or of a PyTorch or Keras network in source.

    A ``.txt`` file holds what PyTorch prints of a module.

    The file is neither run nor unpickled. Only ONNX files have weights.

    Args:
        path: The file; its extension determines its type.
        size: Channels, height and width of the images, if the file leaves them open.
        name: The name of the network, if the source has several.

    Raises:
        SpecError: if the file cannot be read, or a layer has no counterpart.
    """
    where, suffix = plain(str(path)), path.suffix.lower()
    if suffix == ".onnx":
        return _named(from_onnx(OnnxFile(path, where), size), path.stem)
    if suffix == ".py":
        source = TorchSource(read_text(path, MAX_FILE_BYTES), where)
        if is_keras_source(source):
            return _named(_from_keras(source, size, name), path.stem)
        part, notes = find_network(source, name)
        imported = from_part(part, where, size or source.input)
        return _named(replace(imported, notes=(*imported.notes, *notes)), path.stem)
    if suffix == ".txt":
        part, notes = printed_network(read_text(path, MAX_FILE_BYTES), where)
        imported = from_part(part, where, size)
        return _named(replace(imported, notes=(*imported.notes, *notes)), path.stem)
    if suffix in _PICKLES:
        raise SpecError(
            f"{where} is a pickle, which could run arbitrary code.",
            "Import the source of the network, or a file written by torch.onnx.export. " + _WEIGHTS,
        )
    if suffix == ".safetensors":
        raise SpecError(f"{where} holds weights without a network.", _WEIGHTS)
    if suffix == ".toml":
        raise SpecError(
            f"{where} needs no import.", f"Check it with cnn-tui check {where}, or train it."
        )
    raise SpecError(
        f"Expected an .onnx or .py file, or a print as .txt, received {where}.",
        _OTHERS.get(suffix, "Export to ONNX first."),
    )


def _from_keras(source: TorchSource, size: Size | None, name: str) -> Imported:
    model, notes = keras_network(source, name)
    part = ImportedModule("Sequential", source.where, parts=tuple(model.parts))
    imported = from_part(part, source.where, size or model.size)
    return replace(imported, notes=(*imported.notes, *notes))


_WEIGHTS = "Weights alone need their network: cnn-tui import FILE --into ARCH."
_OTHERS = {
    ".ipynb": "Save it as Python first: jupyter nbconvert --to script.",
    ".md": "Put the program into a file of its own, with .py at its end.",
    **dict.fromkeys(
        (".h5", ".hdf5", ".keras", ".pb", ".tflite"),
        "Give the source of the model as .py, or convert it to ONNX with tf2onnx.",
    ),
}
_PICKLES = (".pt", ".pth", ".pkl", ".bin", ".ckpt")


def _named(imported: Imported, stem: str) -> Imported:
    """Name the network after its file, unless it has a name."""
    if imported.network.name != "untitled":
        return imported
    network = msgspec.structs.replace(imported.network, name=usable_name(stem) or "untitled")
    return replace(imported, network=network)
