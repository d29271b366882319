"""``cnn-tui completion SHELL``: the script that makes a shell complete the commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from cnn_tui.tui.cli.output import print_line

VARIABLE = "_CNN_TUI_COMPLETE"
"""Set by the script when it asks what may follow."""

_LINES = {
    "bash": 'eval "$(cnn-tui completion bash)"    in ~/.bashrc',
    "zsh": 'eval "$(cnn-tui completion zsh)"    in ~/.zshrc',
    "fish": "cnn-tui completion fish > ~/.config/fish/completions/cnn-tui.fish",
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_LINES)), required=False)
@click.pass_context
def command(ctx: click.Context, shell: str | None) -> None:
    """Print the script that makes SHELL complete commands, architectures, runs and datasets."""
    if shell is None:
        for name, line in _LINES.items():
            print_line(f"{name:5} {line}")
        return
    made = get_completion_class(shell)
    root = ctx.find_root().command
    assert made is not None, "the choices are click's own"
    click.echo(made(root, {}, "cnn-tui", VARIABLE).source())
