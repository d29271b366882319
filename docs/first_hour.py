"""Runs the commands of ``docs/a-first-hour.md`` and writes their output and pictures into it.

``python docs/first_hour.py`` renews the page; with ``--check`` it only compares: the same shares,
within three points. Where NumPy multiplies with other kernels than where the page was made, it
rounds in another way, and a training ends with other weights: there more is allowed.
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
_CHART = re.compile(r"^.*[┤│].*$", re.MULTILINE)
"""A row of a chart, whose axis fits the figures."""
_KERNELS = re.compile(r"<!-- kernels: (\w+) -->")
"""On the page: those that it was made with."""
_POINTS = 3.0
"""Largest difference of two shares."""
_POINTS_ELSEWHERE = 12.0
"""With other kernels; two of the 18 test images of a digit are 11 points."""


def main(check: bool) -> list[str]:
    """Run every block in one new folder; returns what differs from the page."""
    page = PAGE.read_text()
    is_same = _KERNELS.findall(page) == [kernels()]
    points = _POINTS if is_same else _POINTS_ELSEWHERE
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def renewed(block: re.Match[str]) -> str:
            commands, before = block.groups()
            output = _run(commands, folder)
            if before is None:
                return block.group(0)
            wrong.extend(differences(commands, before, output, points))
            return f"```sh\n{commands}```\n\n```text\n{output}```\n"

        page = _KERNELS.sub(f"<!-- kernels: {kernels()} -->", _BLOCK.sub(renewed, page))
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


def kernels() -> str:
    """The name of the kernels with which NumPy multiplies matrices here."""
    import numpy  # noqa: F401  # It loads the library that is asked for.
    from threadpoolctl import threadpool_info

    return next((str(info["architecture"]) for info in threadpool_info()), "unknown")


def differences(commands: str, before: str, after: str, points: float = _POINTS) -> list[str]:
    """The shares of a block that are no longer those of the page."""
    texts = (_CHART.sub("", text) for text in (before, after))
    old, new = (list(map(float, _SHARE.findall(text))) for text in texts)
    if len(old) != len(new):
        return [f"{commands.strip()}: {len(old)} shares on the page, {len(new)} now"]
    return [
        f"{commands.strip()}: {first}% on the page, {second}% now"
        for first, second in zip(old, new, strict=True)
        if abs(first - second) > points
    ]


if __name__ == "__main__":
    found = main(check="--check" in sys.argv)
    if "--check" in sys.argv and found:
        raise SystemExit("\n".join(found))
