"""``cnn-tui inspect RUN VIEW``: the views of the Inspect screen as text, JSON and pictures."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import click

from cnn_tui.engine.runs.folder import RunFolder, open_run
from cnn_tui.engine.runs.watcher import Watcher
from cnn_tui.tui.cli import completing, options
from cnn_tui.tui.cli.output import print_json, print_line, print_note, print_table
from cnn_tui.tui.inspect.canvas import Seen, Wanted
from cnn_tui.tui.inspect.table import VIEWS, Takes, View, unknown_view, view_named

_WIDEST = 100
_PIPED = 80
"""Columns of the text that another program reads."""


class InspectCommand(click.Command):
    """Lists the views in its help."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Views"):
            formatter.write_dl([(view.name, view.shows) for view in VIEWS])


@click.command("inspect", cls=InspectCommand)
@click.argument("run", shell_complete=completing.runs)
@click.argument("view", shell_complete=completing.views, required=False)
@click.option("--layer", metavar="NAME", help="The layer; the first conv layer if not given.")
@click.option("--image", metavar="N|FILE", help="Number in the validation split, or a picture.")
@click.option("--filter", "filters", type=click.IntRange(0), multiple=True, metavar="N",
              help="A filter to take out; may be repeated.")  # fmt: skip
@click.option("--class", "of_class", metavar="NAME", help="The class; the likeliest if not given.")
@click.option("--at", "position", metavar="ROW,COL", help="Place of the output to step through.")
@click.option("--canvas", metavar="HxW", help="Size of the canvas to slide over, in pixels.")
@click.option("--flagged", is_flag=True, help="Take out the filters that health flags.")
@click.option("--keep", is_flag=True, help="Keep the network without them as a new run.")
@click.option("--width", "widths", type=click.IntRange(1, 4096), multiple=True, metavar="N",
              help="A number of filters to train with; may be repeated.")  # fmt: skip
@click.option("--seeds", type=click.IntRange(1, 99), metavar="N", help="Trainings of each width.")
@click.option("--epochs", type=click.IntRange(1), metavar="N", help="Epochs of each training.")
@click.option("--state", metavar="STATE", help="best, last, untrained, a step or a checkpoint.")
@options.data
@options.data_dir
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Seed of what is drawn.")
@click.option("--out", type=options.PATH, metavar="FILE",
              help="Write a .png or .svg picture.")  # fmt: skip
@options.as_json
@options.runs_dir
def command(
    run: str,
    view: str | None,
    layer: str | None,
    image: str | None,
    filters: tuple[int, ...],
    of_class: str | None,
    position: str | None,
    canvas: str | None,
    flagged: bool,
    keep: bool,
    widths: tuple[int, ...],
    seeds: int | None,
    epochs: int | None,
    state: str | None,
    data: str | None,
    data_dir: Path | None,
    seed: int | None,
    out: Path | None,
    as_json: bool,
    runs_dir: Path,
) -> None:
    """Look inside the network of RUN; without VIEW the views are listed."""
    folder = open_run(runs_dir, run)
    if view is None:
        _list_views(as_json)
        return
    row = view_named(view)
    if row is None:
        raise click.UsageError(unknown_view(view))
    _refuse_unused(row, click.get_current_context().params)
    wanted = Wanted(
        layer=layer or "",
        image=_image(image),
        filters=filters,
        flagged=flagged,
        of_class=of_class or "",
        at=_pair(position, "--at", ",", "10,12"),
        size=_pair(canvas, "--canvas", "x", "28x84"),
        seed=seed or 0,
        widths=widths,
        seeds=seeds or 3,
        epochs=epochs,
        folder=folder,
    )
    if keep:
        _keep(row, folder, wanted, state, as_json)
        return
    seen, heading = _computed(row, folder, wanted, state, data, data_dir)
    if out:
        from cnn_tui.tui.inspect.saved import save

        save(seen, out, heading)
        print_note(f"{out} is written.")
    if as_json:
        print_json(seen.to_json())
    elif not out:
        _print(seen, heading)


def _keep(view: View, folder: RunFolder, wanted: Wanted, state: str | None, as_json: bool) -> None:
    if "filters" not in view.takes or not (wanted.filters or wanted.flagged):
        raise click.UsageError("--keep belongs to ablate with --filter or --flagged.")
    from cnn_tui.engine.insight.subject import Subject
    from cnn_tui.tui.inspect.ablate import keep

    with closing(Subject.of_run(folder, state)) as subject:
        kept = keep(subject, wanted)
    if as_json:
        print_json({"run": kept.name})
    else:
        print_line(f"{kept.name} is the network without them.")


def _list_views(as_json: bool) -> None:
    if as_json:
        print_json([{"view": v.name, "shows": v.shows, "source": v.source} for v in VIEWS])
    else:
        print_table(("view", "shows"), [(v.name, v.shows) for v in VIEWS], wrap=("shows",))


_TAKEN_BY: dict[str, tuple[str, Takes]] = {
    "image": ("--image", "image"),
    "filters": ("--filter", "filters"),
    "of_class": ("--class", "class"),
    "position": ("--at", "position"),
    "canvas": ("--canvas", "size"),
    "flagged": ("--flagged", "filters"),
    "seed": ("--seed", "seed"),
    "widths": ("--width", "widths"),
    "seeds": ("--seeds", "widths"),
    "epochs": ("--epochs", "widths"),
}
"""Arguments of the command: the option of each, and what a view takes that it is for."""


def _refuse_unused(view: View, given: Mapping[str, object]) -> None:
    unused = [
        option
        for name, (option, takes) in _TAKEN_BY.items()
        if given[name] and takes not in view.takes
    ]
    if given["layer"] and not any(name.endswith("layer") for name in view.takes):
        unused.append("--layer")
    if unused:
        raise click.UsageError(f"The view {view.name} takes no {unused[0]}.")


def _pair(text: str | None, option: str, between: str, example: str) -> tuple[int, int] | None:
    if text is None:
        return None
    first, _, second = text.partition(between)
    if first.isdecimal() and second.isdecimal():
        return int(first), int(second)
    raise click.UsageError(f"{option}: expected two numbers such as {example}, received {text!r}.")


def _image(text: str | None) -> int | Path:
    if text is None:
        return 0
    return int(text) if text.isdecimal() else Path(text)


def _computed(
    view: View,
    folder: RunFolder,
    wanted: Wanted,
    state: str | None,
    data: str | None,
    data_dir: Path | None,
) -> tuple[Seen, str]:
    from cnn_tui.engine.cores import default_threads
    from cnn_tui.engine.insight.subject import Subject
    from cnn_tui.tui.cli.loading import progress_shown

    with progress_shown(suffix="%") as tell:
        subject = Subject.of_run(folder, state, data, data_dir, default_threads())
        try:
            if "data" in view.takes:
                subject.require_data()
            watcher = Watcher(lambda share: tell(view.name, round(100 * share), 100))
            seen = view.compute(subject, wanted, watcher)
        finally:
            subject.close()
    return seen, f"{subject.name}, {subject.state}: {view.name}"


def _print(seen: Seen, heading: str) -> None:
    """Print the view as the screen draws it, without colours if another program reads it."""
    from rich.console import Console

    from cnn_tui.tui.cli.drawing import draw_lines, form_on, terminal
    from cnn_tui.tui.inspect.canvas import Canvas

    console = terminal()
    width = min(_WIDEST, console.width) if console else _PIPED
    form = form_on(console) if console else "ascii"
    drawn = seen.drawn(Canvas(width, None, form))
    print_line(f"{heading}{f', {seen.where}' if seen.where else ''}")
    draw_lines(console or Console(width=1000, color_system=None), drawn.lines)
    print_line("")
    for sentence in seen.said:
        print_line(sentence)
