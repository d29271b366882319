"""``cnn-tui learn``: the lessons, in the app or as plain text."""

from __future__ import annotations

import click

from cnn_tui.engine.lessons.lesson import Lesson


def open_learn(lesson: Lesson | None) -> int:
    """Open the app in the lessons, or in one of them; returns the exit code."""
    raise click.UsageError("The app has no lessons yet: give --plain.")
