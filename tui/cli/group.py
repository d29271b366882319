"""The command ``cnn-tui``: finds the commands, imports only the one that is called."""

from __future__ import annotations

import difflib
import os
from importlib import import_module
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from cnn_tui.tui import settings
from cnn_tui.tui.cli import completing
from cnn_tui.tui.cli.output import print_note

COMMANDS = {
    "learn": "Learn by tasks that are done and checked here.",
    "train": "Train a network and print its progress.",
    "watch": "Show a run live, from any terminal.",
    "resume": "Resume a run.",
    "reproduce": "Train a run again, unchanged or with one value changed.",
    "runs": "List the runs; rename, tag, pause, stop or delete one, clean up.",
    "compare": "Show runs side by side.",
    "export": "Write figures or network of a run for other programs.",
    "import": "Convert ONNX files, or PyTorch or Keras source, to an architecture.",
    "evaluate": "Measure the network of a run on its test images or on other data.",
    "predict": "Classify pictures with the network of a run.",
    "inspect": "Look inside a run: filters, feature maps, filter health and more.",
    "templates": "Show the first-layer weights of a run.",
    "baselines": "Train baselines from k-NN to a ConvNet on one dataset.",
    "data": "List, show and download datasets.",
    "check": "Check whether the layers of a network fit, and what they cost.",
    "presets": "List the built-in networks.",
    "preflight": "Check before training whether a network can learn.",
    "lr-find": "Find a learning rate.",
    "sweep": "Train many runs of one file and find the best, here or on a cluster.",
    "bench": "Measure training steps on random data.",
    "config": "Show and change settings and keys.",
    "doctor": "Tell what this machine, its terminal and its data allow.",
    "completion": "Print what makes a shell complete commands.",
}
"""Names and summaries; a command's file has its name, except for those in ``_FILES``."""

_FILES = {"import": "imports"}
"""Files of commands whose name is no Python identifier."""
_OPTIONS = ("-h", "--help", "--version", "--debug")
"""Options allowed before a command; any other line belongs to the app."""
_LAUNCH = "launch"
"""The file of the command that runs when none is named."""


class CommandGroup(click.Group):
    """Commands by name; any other line opens the app."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return _load(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the summaries without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete commands, and the networks and options with which the app opens."""
        found = super().shell_complete(ctx, incomplete)
        if incomplete.startswith("-"):
            opens = _load(_LAUNCH).shell_complete(ctx, incomplete)
            known = {item.value for item in found}
            return [*found, *(item for item in opens if item.value not in known)]
        networks = completing.archs(ctx, self.params[0], incomplete)
        return [*found, *(item for item in networks if not found or item.type == "plain")]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the command that opens the app into a line without a command."""
        # A shell that completes the first word gives none yet: commands come into question as well.
        if not (args or ctx.resilient_parsing) or (args and args[0] not in (*COMMANDS, *_OPTIONS)):
            args = [_LAUNCH, *args]
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; the one that opens the app has no public name."""
        if args[0] != _LAUNCH:
            return super().resolve_command(ctx, args)
        _refuse_misspelt_command(args[1:], ctx)
        return "", _load(_LAUNCH), args[1:]


@click.group(
    cls=CommandGroup,
    subcommand_metavar="[ARCH] | COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 1 a mistake in a file or in the data, 2 wrong usage, "
    "130/129/143 ended by INT/HUP/TERM.",
)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(package_name="cnn-tui", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Build, train and understand ConvNets in a terminal.

    ARCH is the name of a preset or a TOML file. Without a command the app opens, with ARCH if it is
    given. Options of the app: --demo [RUN] plays a recorded training, --speed N times as fast,
    --loop for ever; --data-dir DIR is the folder of a dataset that is not built in; --fps N,
    --no-mouse, --ascii and --color auto|16|256|truecolor|none adapt it to a terminal or link.
    cnn-tui config sets them for good.
    """
    # Before the command reads its options, of which these are defaults.
    settings.apply(os.environ)
    if ctx.invoked_subcommand:
        for trouble in settings.troubles():
            print_note(trouble)


def _load(name: str) -> click.Command:
    file = _FILES.get(name, name.replace("-", "_"))
    command: click.Command = import_module(f"cnn_tui.tui.cli.{file}").command
    return command


def _refuse_misspelt_command(args: list[str], ctx: click.Context) -> None:
    word = args[0] if args else ""
    near = difflib.get_close_matches(word, COMMANDS, n=1, cutoff=0.75)
    if near and not Path(word).exists():
        raise click.UsageError(f"There is no command {word!r}. Did you mean {near[0]}?", ctx)
