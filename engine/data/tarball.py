"""Picking known members out of a ``.tar.gz`` that may be hostile."""

from __future__ import annotations

import gzip
import shutil
import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from cnn_tui.engine.data.streams import Capped
from cnn_tui.engine.errors import DataError

_SLACK = 1 << 20
"""For headers, padding and small files that are not wanted."""


def unpack(archive: Path, exact: Mapping[str, int], small: Mapping[str, int], folder: Path) -> None:
    """Write the wanted members into ``folder``, each under the last part of its name.

    No path of the archive is ever used; whatever else it holds is passed over, and reading ends
    when it unpacks to more than the wanted members and a little.

    Args:
        archive: The file.
        exact: Full names of the members that must be there, with their exact sizes.
        small: Full names of members that may be there, with their largest sizes.
        folder: Empty.

    Raises:
        DataError: The archive is damaged, or a member is missing or has another size.
        OSError: The folder cannot be written.
    """
    cap = sum(exact.values()) + sum(small.values()) + _SLACK
    try:
        with (
            gzip.open(archive) as unpacked,
            tarfile.open(fileobj=Capped(unpacked, cap), mode="r|") as tar,
        ):
            found = {
                member.name
                for member in tar
                if _is_wanted(member, exact, small, archive) and _write(tar, member, folder)
            }
    except (EOFError, zlib.error, tarfile.TarError, gzip.BadGzipFile) as error:
        raise _damaged(archive, f"it is broken or cut off ({error})") from error
    missing = [name for name in exact if name not in found]
    if missing:
        raise _damaged(archive, f"expected the member {missing[0]}, found none")


def _is_wanted(
    member: tarfile.TarInfo, exact: Mapping[str, int], small: Mapping[str, int], archive: Path
) -> bool:
    if member.name in small:
        return member.isreg() and member.size <= small[member.name]
    if member.name not in exact:
        return False
    if not member.isreg() or member.size != exact[member.name]:
        raise _damaged(
            archive,
            f"expected {member.name} to be a file of {exact[member.name]:,} bytes, "
            f"received {member.size:,}",
        )
    return True


def _write(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> bool:
    stream = tar.extractfile(member)
    if stream is None:
        return False
    with (folder / member.name.rpartition("/")[2]).open("xb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
    return True


def _damaged(archive: Path, what: str) -> DataError:
    return DataError(f"{archive}: {what}.", "Fetch the file again.")
