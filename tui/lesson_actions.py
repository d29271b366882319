"""The commands of Learn and of a lesson that is under way."""

from __future__ import annotations

from cnn_tui.tui.command import Command

LEARN = "learn"

LESSON = "lesson"
"""Keys of a lesson that is under way, on every main screen; none of them is text in a field."""

LEARN_COMMANDS = (
    Command(LEARN, "enter", "screen.begin", "begin", "Begin the lesson, or continue", "enter"),
    Command(LEARN, "f", "screen.fast_track", "fast track", "One task a chapter, or all"),
    Command(LEARN, "o", "screen.open_lesson", "open", "Open a lesson from a file"),
    Command(LEARN, "pagedown", "screen.scroll(8)", "scroll", "Scroll the text", "pgup/dn", False),
    Command(LEARN, "pageup", "screen.scroll(-8)", "scroll back", in_bar=False),
)

LESSON_COMMANDS = (
    Command(LESSON, "f2", "app.lesson", "lesson", "Its text, task and hints", "F2", False),
    Command(LESSON, "ctrl+t", "app.hint", "hint", "The next hint", in_bar=False),
    Command(LESSON, "ctrl+g", "app.check_lesson", "check", "What is not met yet", in_bar=False),
    Command(LESSON, "ctrl+l", "app.leave_lesson", "leave", "Leave the lesson", in_bar=False),
)
