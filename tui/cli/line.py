"""Runs one command line, and is where each of its errors ends."""

from __future__ import annotations

import io
import os
import re
import signal
import sys
import traceback
from collections.abc import Sequence

import click
from click.shell_completion import shell_complete

from cnn_tui.engine.errors import CnnTuiError, reason_of
from cnn_tui.tui.cli import completion
from cnn_tui.tui.cli.group import cli
from cnn_tui.tui.cli.output import print_error, print_trace
from cnn_tui.tui.terminal.shutdown import HUNG_UP
from cnn_tui.tui.terminal.streams import finish, is_hang_up

_BLAS_THREADS = (
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
_CLICK_WORDS = re.compile(r"a valid (integer|float)( range)?")
_PLAIN_WORDS = {"integer": "a whole number", "float": "a number"}
_ONE_OF = re.compile(r"\(Did you mean one of: (.*)\?\)")
_BROKEN_PIPE, _INTERRUPTED = 128 + 13, 128 + signal.SIGINT
"""The exit codes that a shell reports for a program ended by SIGPIPE and by SIGINT."""


def run_line(args: Sequence[str]) -> int:
    """Run one command line and return its exit code; errors are printed as one line each."""
    _prepare_process()
    debug = "--debug" in args
    try:
        code = _invoke([word for word in args if word != "--debug"])
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            # Python 3.11 wraps what interrupts the making of a class.
            code = _INTERRUPTED
        else:
            if debug:
                print_trace(traceback.format_exc())
            code = _report(error)
    except KeyboardInterrupt:
        code = _INTERRUPTED
    # Do not wait after an interrupt: the output may be what was stuck.
    finish(wait=code != _INTERRUPTED)
    return code


def _prepare_process() -> None:
    # BLAS reads these when NumPy is imported: the engine's own threads share out the work, and
    # BLAS threads below them would only fight over the cores.
    for name in _BLAS_THREADS:
        os.environ.setdefault(name, "1")
    if sys.platform == "win32":
        import colorama

        colorama.just_fix_windows_console()
    # A name that the terminal's encoding lacks must not end a run.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _invoke(args: list[str]) -> int:
    if asked := os.environ.get(completion.VARIABLE):
        return shell_complete(cli, {}, "cnn-tui", completion.VARIABLE, asked)
    # Not cli.main(): it would turn a broken pipe into exit code 1, an interrupt into a blank line.
    try:
        with cli.make_context("cnn-tui", args) as context:
            result = cli.invoke(context)
            sys.stdout.flush()
    except click.exceptions.Exit as done:
        return done.exit_code
    return result if isinstance(result, int) else 0


def _report(error: Exception) -> int:
    if isinstance(error, BrokenPipeError):
        return _BROKEN_PIPE
    if is_hang_up(error):
        return HUNG_UP
    if isinstance(error, click.ClickException):
        print_error(_usage(error))
        return error.exit_code
    print_error(_words(error))
    return 1


def _usage(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path.strip() if context else "cnn-tui"
    message = _CLICK_WORDS.sub(lambda found: _PLAIN_WORDS[found[1]], error.format_message())
    message = _ONE_OF.sub(r"Did you mean \1?", message)
    if isinstance(error, click.NoSuchOption):
        message = _of_the_file(error.option_name) or message
    end = "" if message.endswith((".", "?")) else "."
    return f"{message}{end} See {path} --help."


def _of_the_file(option: str) -> str:
    """What to say of a setting of the recipe that is no option; empty for any other word."""
    # Only where it is needed: it takes time.
    from cnn_tui.engine.specs.network import Recipe

    setting = option.lstrip("-").replace("-", "_")
    if setting not in Recipe.__struct_fields__:
        return ""
    return f"{option} is no option here: {setting} is set in the network's file, in [training]"


def _words(error: Exception) -> str:
    if isinstance(error, CnnTuiError):
        return str(error)
    if isinstance(error, OSError):
        return ": ".join(filter(None, (str(error.filename or ""), reason_of(error))))
    return (
        f"an internal error of cnn-tui, which should be reported: {type(error).__name__}: {error} "
        "(--debug shows where)"
    )
