"""A run as one text of bytes, for workers that do not share a disk with the coordinator."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import msgspec

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.files import is_regular, read_file
from cnn_tui.engine.storage import Storage, replace_file

_NAMES = re.compile(
    r"(README\.md|network\.toml|(run|summary|notes)\.json|(environment|events|metrics)\.jsonl"
    r"|best\.safetensors|checkpoints/step-[0-9]+(-[0-9]+)?\.safetensors)"
)
"""The only files that are packed and written; no path can lead elsewhere."""
_LAST = "run.json"
_MOST = 1 << 32


def pack_run(folder: Path) -> bytes:
    """The files of a run, compressed; empty if there are none."""
    found: dict[str, bytes] = {}
    for path in (*folder.glob("*"), *folder.glob("checkpoints/*")):
        name = path.relative_to(folder).as_posix()
        if _NAMES.fullmatch(name) and is_regular(path):
            try:
                found[name] = read_file(path, _MOST)
            except OSError:
                continue  # replaced by a later state meanwhile
    return zlib.compress(msgspec.msgpack.encode(found), 1) if _LAST in found else b""


def unpack_run(packed: bytes, folder: Path) -> None:
    """Write the files of a packed run; states that it no longer has are deleted.

    Raises:
        RunError: if the bytes are not a packed run.
        OSError: if they cannot be written.
    """
    try:
        files = msgspec.msgpack.decode(zlib.decompress(packed), type=dict[str, bytes])
    except (zlib.error, msgspec.DecodeError) as error:
        raise RunError(f"The run {folder.name} arrived damaged: {error}.") from None
    if not all(map(_NAMES.fullmatch, files)):
        raise RunError(f"The run {folder.name} arrived with files that no run has.")
    for name in ("checkpoints", "commands"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name in sorted(files, key=lambda name: name == _LAST):
        replace_file(Storage(), folder / name, [files[name]], durable=False)
    for path in folder.glob("checkpoints/*.safetensors"):
        if path.relative_to(folder).as_posix() not in files:
            path.unlink()
