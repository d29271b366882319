"""Files of other programs as architectures, by the kind of file."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cnn_tui.engine.errors import SpecError, reason_of
from cnn_tui.engine.importing.naming import usable_name
from cnn_tui.engine.importing.onnx_file import OnnxFile
from cnn_tui.engine.importing.onnx_network import from_onnx
from cnn_tui.engine.importing.result import Imported, Size
from cnn_tui.engine.importing.torch_network import from_part
from cnn_tui.engine.importing.torch_source import TorchSource
from cnn_tui.engine.specs.files import read_bytes
from cnn_tui.engine.specs.limits import MAX_FILE_BYTES
from cnn_tui.engine.specs.wording import plain


def import_network(path: Path, size: Size | None = None, name: str = "") -> Imported:
    """The architecture of an ONNX file or of an ``nn.Sequential`` in Python source.

    Nothing of the file is run or unpickled. Weights stay behind.

    Args:
        path: The file; its ending tells its kind.
        size: Channels, height and width of the images, where the file leaves them open.
        name: Of the network, where the source holds several.

    Raises:
        SpecError: if the file cannot be read, or something in it has no counterpart.
    """
    where, suffix = plain(str(path)), path.suffix.lower()
    if suffix == ".onnx":
        return _named(from_onnx(OnnxFile(path, where), size), path.stem)
    if suffix == ".py":
        source = TorchSource(_text(path, where), where)
        return _named(from_part(source.network(name), where, size or source.input), path.stem)
    if suffix in _PICKLES:
        raise SpecError(
            f"{where} is a pickle, which could run any program, and is not opened.",
            "Give the source of the network, or an export of torch.onnx.export.",
        )
    raise SpecError(f"{where} is neither .onnx nor .py.", "Those are the files that are imported.")


_PICKLES = (".pt", ".pth", ".pkl", ".bin", ".ckpt")


def _named(found: Imported, stem: str) -> Imported:
    """Called like its file, unless the file tells a name."""
    if found.network.name != "untitled":
        return found
    network = msgspec.structs.replace(found.network, name=usable_name(stem) or "untitled")
    return Imported(network, found.notes)


def _text(path: Path, where: str) -> str:
    try:
        return read_bytes(path, MAX_FILE_BYTES).decode("utf-8-sig")
    except FileNotFoundError:
        raise SpecError(f"There is no file {where}.", "Check the path.") from None
    except UnicodeDecodeError:
        raise SpecError(f"{where} is not UTF-8 text.") from None
    except (OSError, ValueError) as error:
        reason = reason_of(error)
        raise SpecError(f"{where} cannot be read: {reason}.") from None
