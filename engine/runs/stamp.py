"""When a run is written, and by which version."""

from __future__ import annotations

import datetime
from importlib.metadata import PackageNotFoundError, version


def utc_now() -> str:
    """The current time as ISO 8601, to the millisecond."""
    now = datetime.datetime.now(datetime.UTC)
    return now.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def package_version() -> str:
    """The installed version of cnn-tui."""
    try:
        return version("cnn-tui")
    except PackageNotFoundError:
        return "unknown"
