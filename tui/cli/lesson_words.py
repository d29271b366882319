"""Texts of a plain lesson: paragraphs, judgements, and how two recipes differ."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from cnn_tui.engine.lessons.judging import Judgement
from cnn_tui.engine.lessons.lesson import Lesson, paragraphs
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.paths import settings_of, value_words
from cnn_tui.engine.specs.quick.write import to_quick
from cnn_tui.engine.specs.report import LayerReport
from cnn_tui.tui.cli.output import print_line
from cnn_tui.tui.words import count

_COLUMNS = 72


def say(text: str) -> None:
    """Print a paragraph; one that is indented, as a formula is, keeps its lines."""
    wrapped = textwrap.wrap(text, _COLUMNS, break_long_words=False, break_on_hyphens=False)
    for line in text.splitlines() if text.startswith(" ") else wrapped:
        print_line(line)


def tell(judged: Judgement, *, is_result: bool) -> None:
    """Say how it stands; before a training only what concerns the network as it is built."""
    total = count(len(judged.judged), "condition")
    if judged.solved:
        say(f"Solved: {total} met.")
        return
    if judged.trouble:
        say(f"The network is not valid: {judged.trouble}")
    missed = [one for one in judged.judged if not one.met]
    if not is_result:
        missed = [one for one in missed if one.condition.of.kind in ("check", "network")]
        if not missed and not judged.trouble:
            say("Changed. Type train to see what it does.")
    else:
        say(f"{len(judged.judged) - len(missed)} of {total} met.")
    for one in missed:
        known = one.words if one.words != one.condition.text else ""
        open_ = f"Open: {one.condition.text}{f' ({known})' if known else ''}."
        say(open_ if one.pending else f"Not met: {one.words}.")


def say_all(text: str) -> None:
    """Print paragraphs with an empty line before and after each."""
    for paragraph in paragraphs(text):
        print_line("")
        say(paragraph)
    print_line("")


def layer_line(layer: LayerReport) -> str:
    """A layer with its settings, its output and its parameters."""
    output = "?" if layer.output is None else format_shape(layer.output)
    params = f", {count(layer.params, 'parameter')}" if layer.params else ""
    return f"{layer.index} {' '.join([layer.type, *layer.settings.split()])}: {output}{params}"


def solution_lines(lesson: Lesson) -> Iterator[str]:
    """Lines to type that solve a lesson: layers and settings, for one run after the other."""
    for number, network in enumerate(lesson.solutions, 1):
        run = f", run {number} of {len(lesson.solutions)}" if len(lesson.solutions) > 1 else ""
        if network.layers != lesson.start.layers:
            yield f"Solution{run}: layers: {to_quick(network.layers)}"
        for line in _recipe_changes(lesson.start, network):
            yield f"Solution{run}: {line}"


def _recipe_changes(start: Network, network: Network) -> Iterator[str]:
    before, after = settings_of(start), settings_of(network)
    usual = settings_of(Network(loss=type(network.loss)()))
    for path, value in after.items():
        is_part = path.startswith(("training.", "loss."))
        if is_part and before.get(path, usual.get(path)) != value:
            yield f"set {path.removeprefix('training.')} {value_words(value)}"
