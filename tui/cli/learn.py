"""``cnn-tui learn``: the lessons, in the app or as plain text."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.lessons.course import next_lesson, shipped_course
from cnn_tui.engine.lessons.lesson import Lesson
from cnn_tui.engine.lessons.progress import LessonProgress
from cnn_tui.engine.lessons.reading import load_lesson
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.tui.cli import completing, link_options, options
from cnn_tui.tui.cli.launch import DEFAULT
from cnn_tui.tui.cli.lesson_tables import check_lesson, print_lessons, print_report
from cnn_tui.tui.cli.output import has_terminal, print_line
from cnn_tui.tui.keymap import use_own_keys
from cnn_tui.tui.terminal.link import Link, prepare


@click.command("learn")
@click.argument("lesson", shell_complete=completing.lessons, required=False)
@click.option("--list", "lists", is_flag=True, help="List the lessons, and what is solved.")
@click.option("--report", is_flag=True, help="Print the results, for grading.")
@click.option("--check", "checks", is_flag=True, help="Check a lesson's file and its solution.")
@click.option("--fast", is_flag=True, help="The fast track: one task of each chapter.")
@click.option("--plain", is_flag=True, help="Text in, text out, as for a screen reader.")
@link_options.link
@options.as_json
@options.runs_dir
def command(
    lesson: str | None,
    lists: bool,
    report: bool,
    checks: bool,
    fast: bool,
    plain: bool,
    link: Link,
    as_json: bool,
    runs_dir: Path,
) -> int:
    """Learn by tasks that are done in Build, Train and Inspect, and checked there.

    LESSON is the name of a lesson, or the TOML file of one's own; without it the next one that is
    not solved comes, in the app from the list. Without a terminal, or with --plain, a lesson is
    read and solved line by line.
    """
    if sum((lists, report, checks)) > 1:
        raise click.UsageError("--list, --report and --check exclude each other.")
    if as_json and not (lists or report or checks):
        raise click.UsageError("--json belongs to --list, --report or --check.")
    if checks and lesson is None:
        raise click.UsageError("--check needs a lesson: the file to check.")
    if lists and lesson is not None:
        raise click.UsageError("--list takes no lesson: --report LESSON shows how far one is.")
    progress = LessonProgress()
    if lists:
        print_lessons(progress.read(), as_json=as_json)
        return 0
    if has_terminal() and not (plain or report or checks):
        prepare(link, os.environ)
        use_own_keys()
        return open_learn(lesson, fast=fast, runs_dir=runs_dir, link=link)
    if checks and lesson:
        return check_lesson(lesson, as_json=as_json)
    chosen = load_lesson(lesson) if lesson else None
    if report:
        print_report(chosen, progress.read(), as_json=as_json)
        return 0
    return _talk(chosen, progress, runs_dir, fast=fast)


def open_learn(name: str | None, *, fast: bool, runs_dir: Path, link: Link) -> int:
    """Open the app in the lessons, or in one of them; returns the exit code.

    If a lesson cannot be read, the app says so and lists the others.
    """
    # Before the app is imported; see run_app.
    gc.disable()
    from cnn_tui.tui.cli.app import run_app
    from cnn_tui.tui.learning_app import Learning

    lesson, trouble = None, ""
    try:
        lesson = load_lesson(name) if name else None
    except CnnTuiError as error:
        trouble = str(error)
    learning = Learning(lesson, fast, runs_dir, trouble)
    return run_app(load_preset(DEFAULT), None, link=link, learning=learning)


def _talk(lesson: Lesson | None, progress: LessonProgress, runs_dir: Path, *, fast: bool) -> int:
    from cnn_tui.tui.cli.lesson_talk import LessonTalk

    course = shipped_course()
    begin = lesson or next_lesson(course, progress.read(), fast=fast)
    if begin is None:
        print_line("All lessons are solved. cnn-tui learn --list names them.")
        return 0
    talk = LessonTalk(begin, course, progress, runs_dir, fast=fast)
    return talk.run(_lines())


def _lines() -> Iterator[str]:
    """The lines that a person types, or that a pipe brings."""
    is_typed = sys.stdin.isatty()
    while True:
        if is_typed:
            print("> ", end="", flush=True)
        try:
            line = sys.stdin.readline()
        except UnicodeDecodeError:
            raise CnnTuiError("The input is not text in UTF-8.") from None
        if not line:
            if is_typed:
                print(end=os.linesep)
            return
        yield line.strip()
