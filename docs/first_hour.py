"""Runs the commands of ``docs/a-first-hour.md`` and writes their output and pictures into it.

``python docs/first_hour.py`` renews the page; with ``--check`` it only compares: the same shares,
within three points, since each kind of processor rounds in its own way.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).with_name("a-first-hour.md")
PICTURES = PAGE.with_name("pictures")
_BLOCK = re.compile(r"```sh\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)
_SHARE = re.compile(r"(\d+(?:\.\d+)?)%")
_POINTS = 3.0
"""Largest difference of two shares."""


def main(check: bool) -> list[str]:
    """Run every block in one new folder; returns what differs from the page."""
    page = PAGE.read_text()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def renewed(block: re.Match[str]) -> str:
            commands, before = block.groups()
            output = _run(commands, folder)
            if before is None:
                return block.group(0)
            wrong.extend(differences(commands, before, output))
            return f"```sh\n{commands}```\n\n```text\n{output}```\n"

        page = _BLOCK.sub(renewed, page)
        if not check:
            PAGE.write_text(page)
            PICTURES.mkdir(exist_ok=True)
            for picture in folder.glob("*.svg"):
                (PICTURES / picture.name).write_text(picture.read_text())
    return wrong


def _run(commands: str, folder: Path) -> str:
    """Run a block as a shell would, without a terminal; returns what it prints."""
    environ = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}/usr/bin:/bin",
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "data"),
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", commands],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{commands}{done.stdout}{done.stderr}")
    return "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())


def differences(commands: str, before: str, after: str) -> list[str]:
    """The shares of a block that are no longer those of the page."""
    old, new = (list(map(float, _SHARE.findall(text))) for text in (before, after))
    if len(old) != len(new):
        return [f"{commands.strip()}: {len(old)} shares on the page, {len(new)} now"]
    return [
        f"{commands.strip()}: {first}% on the page, {second}% now"
        for first, second in zip(old, new, strict=True)
        if abs(first - second) > _POINTS
    ]


if __name__ == "__main__":
    found = main(check="--check" in sys.argv)
    if "--check" in sys.argv and found:
        raise SystemExit("\n".join(found))
