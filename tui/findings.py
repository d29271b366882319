"""The checks of ``cnn-tui doctor``: one function a topic, with advice if something is wrong."""

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


class DoctorFinding(msgspec.Struct, frozen=True):
    """A line of the answer; an element of ``doctor --json``."""

    topic: str
    found: str
    ok: bool = True
    advice: str = ""
    """Advice; empty where nothing is wrong."""


def findings() -> Iterator[DoctorFinding]:
    """Look at everything, one topic after the other."""
    for look in _LOOKS:
        found = look()
        yield from (found,) if isinstance(found, DoctorFinding) else found


def _python() -> DoctorFinding:
    free = hasattr(sys, "_is_gil_enabled") and not sys._is_gil_enabled()
    words = f"{platform.python_implementation()} {platform.python_version()}"
    return DoctorFinding("Python", words + (", without the GIL" if free else ""))


def _program() -> DoctorFinding:
    return DoctorFinding("cnn-tui", f"{version('cnn-tui')} in {Path(__file__).parent.parent}")


def _numpy() -> DoctorFinding:
    from cnn_tui.engine.runs.environment import environment

    found = environment(default_threads(), "", "")
    ok = "openblas" in found.blas or "mkl" in found.blas or "accelerate" in found.blas.lower()
    advice = "" if ok else "NumPy's own packages bring OpenBLAS; without it training is slow."
    return DoctorFinding("NumPy", f"{found.numpy}, BLAS {found.blas}", ok, advice)


def _processor() -> DoctorFinding:
    from cnn_tui.engine.runs.environment import environment

    threads = default_threads()
    found = environment(threads, "", "")
    return DoctorFinding(
        "processor", f"{found.cpu}, {found.cores} cores, {threads} used by the engine"
    )


def _memory() -> DoctorFinding:
    from cnn_tui.engine.system_memory import available_memory

    free = available_memory()
    if free is None:
        return DoctorFinding("memory", "the system does not tell")
    small = free < 1 << 30
    advice = "LeNet-5 needs about 0.2 GB, AlexNet 2 GB: see Forecast (F) in Build." if small else ""
    return DoctorFinding("memory", f"{file_size(free)} free", not small, advice)


def _terminal() -> Iterator[DoctorFinding]:
    environ, stream = os.environ, sys.stdout
    if not stream.isatty():
        yield DoctorFinding("terminal", "none: commands print plain lines")
        return
    link = link_for(environ, stream.encoding or "")
    columns, lines = shutil.get_terminal_size()
    small = columns < 80 or lines < 24
    yield DoctorFinding(
        "terminal",
        f"{environ.get('TERM', 'unknown')}, {columns}x{lines}",
        not small,
        "The app is made for 80x24 and more." if small else "",
    )
    yield _colours()
    yield _glyphs(link.ascii, stream.encoding or "unknown")
    words = "SSH: drawn twice a second" if link.remote else "local: drawn 4 times a second"
    yield DoctorFinding("link", words)


def _colours() -> DoctorFinding:
    environ = os.environ
    if environ.get("NO_COLOR"):
        return DoctorFinding("colours", "none, as NO_COLOR is set")
    if environ.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return DoctorFinding("colours", "16 million")
    if "256color" in environ.get("TERM", ""):
        return DoctorFinding("colours", "256; COLORTERM=truecolor says that a terminal has more")
    return DoctorFinding(
        "colours",
        "16",
        False,
        "Most terminals have more: TERM=xterm-256color, or COLORTERM=truecolor, says so.",
    )


def _glyphs(plain: bool, encoding: str) -> DoctorFinding:
    if plain:
        return DoctorFinding(
            "glyphs",
            f"ASCII only, as the encoding is {encoding}",
            False,
            "A UTF-8 locale, such as LANG=C.UTF-8, gives curves and pictures.",
        )
    # Blocks, lines and dots, of which the pictures are made; a terminal set to wide characters
    # draws them in two columns, and all that follows is out of place.
    widths = {width_of(glyph) for glyph in "▀⣿│●"}
    wide = bool(widths - {None, 1})
    return DoctorFinding(
        "glyphs",
        "wider than one column" if wide else f"{encoding}, one column each",
        not wide,
        "Turn off 'ambiguous width' in the terminal's settings, or use --ascii." if wide else "",
    )


def _settings() -> Iterator[DoctorFinding]:
    file = config_file()
    yield DoctorFinding(
        "settings", str(file) if is_file(file) else f"{file}: none, the usual ones hold"
    )
    for line in filter(None, (settings.theme(os.environ)[1], *settings.troubles())):
        yield DoctorFinding("settings", line, False, "cnn-tui config shows what is accepted.")


def _runs() -> DoctorFinding:
    folder = runs_home()
    words = f"{len(run_names(folder))} in {folder}"
    return _writable("runs", folder, words, "CNN_TUI_RUNS names another folder.")


def _cache() -> DoctorFinding:
    folder = cache_home()
    words = f"{folder}, for unpacked data"
    return _writable("cache", folder, words, "XDG_CACHE_HOME names another place.")


def _writable(topic: str, folder: Path, words: str, else_: str) -> DoctorFinding:
    """Whether a folder can be written and has room; ``else_`` says what names another one."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        return DoctorFinding(topic, words, False, f"{there} cannot be written. {else_}")
    free = shutil.disk_usage(there).free
    full = free < 1 << 30
    advice = f"cnn-tui runs clean frees space. {else_}" if full else ""
    return DoctorFinding(topic, f"{words}; {file_size(free)} free", not full, advice)


def _data() -> Iterator[DoctorFinding]:
    from cnn_tui.engine.data.catalog import entries

    all_ = entries()
    ready = ", ".join(entry.name for entry in all_ if entry.ready)
    missing = [entry.name for entry in all_ if not entry.ready and entry.download_bytes]
    yield DoctorFinding("datasets", f"ready: {ready}")
    if missing:
        words = f"{', '.join(missing)}: cnn-tui data fetch NAME, or Datasets in the app"
        yield DoctorFinding("to download", words)


_EXTRAS = {
    "onnx": ("onnx", "ONNX files"),
    "parquet": ("pyarrow", "sets of pictures in Parquet"),
    "cluster": ("optuna", "sweeps over many runs"),
    "torch": ("torch", "the second engine, on GPUs as well"),
}
"""Extras, with a package by which each is recognised, and what it is for."""


def _extras() -> Iterator[DoctorFinding]:
    for name, (package, purpose) in _EXTRAS.items():
        if importlib.util.find_spec(package):
            yield DoctorFinding(f"extra {name}", f"{package} {version(package)}, for {purpose}")
        else:
            how = f"pip install 'cnn-tui[{name}]'"
            yield DoctorFinding(f"extra {name}", f"not installed; for {purpose}: {how}")


_LOOKS: tuple[Callable[[], DoctorFinding | Iterator[DoctorFinding]], ...] = (
    *(_program, _python, _numpy, _processor, _memory, _terminal, _settings),
    *(_runs, _cache, _data, _extras),
)
