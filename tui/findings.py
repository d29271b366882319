"""What ``cnn-tui doctor`` looks at: one function a topic, each with what to do if it is wanting."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import msgspec

from cnn_tui.engine.cores import default_threads
from cnn_tui.engine.data.sources import cache_home
from cnn_tui.engine.runs.names import run_names, runs_home
from cnn_tui.engine.specs.wording import file_size
from cnn_tui.tui import settings
from cnn_tui.tui.config import config_file, is_file
from cnn_tui.tui.terminal.link import link_for
from cnn_tui.tui.terminal.measuring import width_of


class Finding(msgspec.Struct, frozen=True):
    """A line of the answer; an element of ``doctor --json``."""

    topic: str
    found: str
    ok: bool = True
    advice: str = ""
    """What to do; empty where nothing is wanting."""


def findings() -> Iterator[Finding]:
    """Look at everything, one topic after the other."""
    for look in _LOOKS:
        found = look()
        yield from (found,) if isinstance(found, Finding) else found


def _python() -> Finding:
    free = hasattr(sys, "_is_gil_enabled") and not sys._is_gil_enabled()
    words = f"{platform.python_implementation()} {platform.python_version()}"
    return Finding("Python", words + (", without the GIL" if free else ""))


def _program() -> Finding:
    return Finding("cnn-tui", f"{version('cnn-tui')} in {Path(__file__).parent.parent}")


def _numpy() -> Finding:
    from cnn_tui.engine.runs.environment import environment

    found = environment(default_threads(), "", "")
    ok = "openblas" in found.blas or "mkl" in found.blas or "accelerate" in found.blas.lower()
    advice = "" if ok else "NumPy's own packages bring OpenBLAS; without it training is slow."
    return Finding("NumPy", f"{found.numpy}, BLAS {found.blas}", ok, advice)


def _processor() -> Finding:
    from cnn_tui.engine.runs.environment import environment

    threads = default_threads()
    found = environment(threads, "", "")
    return Finding("processor", f"{found.cpu}, {found.cores} cores, {threads} used by the engine")


def _memory() -> Finding:
    from cnn_tui.engine.system_memory import available_memory

    free = available_memory()
    if free is None:
        return Finding("memory", "the system does not tell")
    small = free < 1 << 30
    advice = "LeNet-5 needs about 0.2 GB, AlexNet 2 GB: see Forecast (F) in Build." if small else ""
    return Finding("memory", f"{file_size(free)} free", not small, advice)


def _terminal() -> Iterator[Finding]:
    environ, stream = os.environ, sys.stdout
    if not stream.isatty():
        yield Finding("terminal", "none: commands print plain lines")
        return
    link = link_for(environ, stream.encoding or "")
    columns, lines = shutil.get_terminal_size()
    small = columns < 80 or lines < 24
    yield Finding(
        "terminal",
        f"{environ.get('TERM', 'unknown')}, {columns}x{lines}",
        not small,
        "The app is made for 80x24 and more." if small else "",
    )
    yield _colours()
    yield _glyphs(link.ascii, stream.encoding or "unknown")
    words = "SSH: drawn twice a second" if link.remote else "local: drawn 4 times a second"
    yield Finding("link", words)


def _colours() -> Finding:
    environ = os.environ
    if environ.get("NO_COLOR"):
        return Finding("colours", "none, as NO_COLOR is set")
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return Finding("colours", "16 million")
    if "256color" in environ.get("TERM", ""):
        return Finding("colours", "256; COLORTERM=truecolor says that a terminal has more")
    return Finding(
        "colours",
        "16",
        False,
        "Most terminals have more: TERM=xterm-256color, or COLORTERM=truecolor, says so.",
    )


def _glyphs(plain: bool, encoding: str) -> Finding:
    if plain:
        return Finding(
            "glyphs",
            f"ASCII only, as the encoding is {encoding}",
            False,
            "A UTF-8 locale, such as LANG=C.UTF-8, gives curves and pictures.",
        )
    # Blocks, lines and dots, of which the pictures are made; a terminal set to wide characters
    # draws them in two columns, and all that follows is out of place.
    widths = {width_of(glyph) for glyph in "▀⣿│●"}
    wide = bool(widths - {None, 1})
    return Finding(
        "glyphs",
        "wider than one column" if wide else f"{encoding}, one column each",
        not wide,
        "Turn off 'ambiguous width' in the terminal's settings, or use --ascii." if wide else "",
    )


def _settings() -> Iterator[Finding]:
    file = config_file()
    yield Finding("settings", str(file) if is_file(file) else f"{file}: none, the usual ones hold")
    for line in settings.troubles():
        yield Finding("settings", line, False, "cnn-tui config shows what is accepted.")


def _runs() -> Finding:
    folder = runs_home()
    return _writable("runs", folder, f"{len(run_names(folder))} in {folder}")


def _cache() -> Finding:
    folder = cache_home()
    return _writable("cache", folder, f"{folder}, for unpacked data")


def _writable(topic: str, folder: Path, words: str) -> Finding:
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding(topic, words, False, f"{there} cannot be written: change its permissions.")
    free = shutil.disk_usage(there).free
    full = free < 1 << 30
    advice = "cnn-tui runs clean frees space." if full else ""
    return Finding(topic, f"{words}; {file_size(free)} free", not full, advice)


def _data() -> Iterator[Finding]:
    from cnn_tui.engine.data.catalog import entries

    all_ = entries()
    ready = ", ".join(entry.name for entry in all_ if entry.ready)
    missing = [entry.name for entry in all_ if not entry.ready and entry.download_bytes]
    yield Finding("datasets", f"ready: {ready}")
    if missing:
        words = f"{', '.join(missing)}: cnn-tui data fetch NAME, or F6"
        yield Finding("to download", words)


_EXTRAS = {
    "onnx": ("onnx", "ONNX files"),
    "parquet": ("pyarrow", "sets of pictures in Parquet"),
    "cluster": ("optuna", "sweeps over many runs"),
    "torch": ("torch", "the second engine, on GPUs as well"),
}
"""Extras, with a package by which each is recognised, and what it is for."""


def _extras() -> Iterator[Finding]:
    for name, (package, purpose) in _EXTRAS.items():
        if importlib.util.find_spec(package):
            yield Finding(f"extra {name}", f"{package} {version(package)}, for {purpose}")
        else:
            how = f"pip install 'cnn-tui[{name}]'"
            yield Finding(f"extra {name}", f"not installed; for {purpose}: {how}")


_LOOKS: tuple[Callable[[], Finding | Iterator[Finding]], ...] = (
    *(_program, _python, _numpy, _processor, _memory, _terminal, _settings),
    *(_runs, _cache, _data, _extras),
)
