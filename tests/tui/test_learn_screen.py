"""Lessons in the app: the list, a lesson under way on every screen, why a task is solved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from driving import done, settle, text, typed
from lessons_made import BUILD, TRAIN, VALID, make_lesson
from places import cells
from runs_made import until
from scripted import Script, run_events
from textual.pilot import Pilot

from cnn_tui.engine.lessons.progress import LessonProgress
from cnn_tui.engine.lessons.reading import load_lesson
from cnn_tui.engine.training.events import RunStarted
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.learning_app import Learning
from cnn_tui.tui.messages import LessonWanted, ViewShown
from cnn_tui.tui.screens.lesson import LessonDialog, SolvedDialog

MakeApp = Callable[..., CnnTuiApp]
PADDING = ("down", "enter", "down", "down", "down", "1")
"""Solves the lesson of the teacher in Build; the field is still open."""


@pytest.fixture(autouse=True)
def no_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


async def begun(app: CnnTuiApp, pilot: Pilot[None], file: str) -> None:
    """Begin a lesson of a file."""
    app.post_message(LessonWanted(file))
    await until(pilot, lambda: app.desk is not None or bool(app._notifications))
    await done(pilot)


def told(app: CnnTuiApp) -> str:
    return " ".join(note.message for note in app._notifications)


async def test_the_list_shows_chapters_and_the_cursor_passes_them(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "6")
        await until(pilot, lambda: "The output formula" in text(app, "#lessons"))
        assert "Volumes" in text(app, "#lessons") and "0 of 15 done" in text(app, "#listing")
        assert "slides a window" in text(app, "#text")
        await typed(pilot, "up", "home")
        assert "The output formula" in text(app, "#text")
        await typed(pilot, "end")
        assert "ResNet" in text(app, "#text")
        await typed(pilot, "f")
        assert "fast track" in text(app, "#listing")
        await typed(pilot, "pageup", "pageup")
        assert "nothing more" in told(app)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_a_build_lesson_is_judged_at_each_key_and_leads_on(
    make_app: MakeApp, tmp_path: Path, size: tuple[int, int]
) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await begun(app, pilot, make_lesson(tmp_path, BUILD))
        assert "[ ] layer 1 gives 4x6x6, wanted is 4x8x8" in text(app, "#lesson")
        await typed(pilot, *PADDING)
        assert "[x] layer 1 gives 4x8x8" in text(app, "#lesson")
        assert not app.screen.is_modal, "text is still being typed"
        await typed(pilot, "enter")
        assert isinstance(app.screen, SolvedDialog)
        shown = cells(app)
        assert "border of one pixel" in shown and "the shipped solution" in shown
        await typed(pilot, "enter")
        assert app.desk and app.desk.lesson.name == "output-size", "the next one that is not solved"
        attempt = LessonProgress().of("own")
        assert attempt.solved and attempt.tries == 1


async def test_the_task_is_on_every_main_screen(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app()
    app.places.runs = tmp_path
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(app, pilot, make_lesson(tmp_path, BUILD))
        for key in ("2", "3", "4", "5", "f6", "escape", "1"):
            await typed(pilot, key)
            assert "Do what is asked here." in text(app, "#lesson"), key
        await typed(pilot, "6")
        assert not app.screen.query("#lesson")
        await until(pilot, lambda: "[>] A window" in text(app, "#lessons"))
        await typed(pilot, "enter")
        assert app.current_mode == "build", "it goes on where it was"


async def test_the_task_finds_its_place_in_every_size(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(app, pilot, make_lesson(tmp_path, BUILD))
        for width, height, beside in ((200, 60, True), (120, 40, False), (80, 24, False)):
            await pilot.resize_terminal(width, height)
            await done(pilot)
            panel, layers = app.screen.query_one("#lesson"), app.screen.query_one("#layers")
            assert (panel.region.x > layers.region.right) is beside
            assert (panel.region.bottom == layers.region.y) is not beside
        await pilot.resize_terminal(50, 15)
        await done(pilot)
        assert not app.screen.query_one("#lesson").region
        await pilot.resize_terminal(80, 24)
        await typed(pilot, "ctrl+l", "1")
        assert not app.screen.query_one("#lesson").region


async def test_a_training_is_judged_and_tells_when_it_has_ended(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(app, pilot, make_lesson(tmp_path, TRAIN, where="train"))
        assert app.current_mode == "train"
        assert "[ ] half of the images are right" in text(app, "#lesson")
        await typed(pilot, "f5")
        await settle(app, pilot)
        app.poll()
        await done(pilot)
        assert isinstance(app.screen, SolvedDialog)
        await typed(pilot, "escape")
        assert "Solved: ^g shows why" in text(app, "#lesson")
        await typed(pilot, "ctrl+g")
        assert isinstance(app.screen, SolvedDialog)
        await typed(pilot, "l")
        assert app.current_mode == "learn"


async def test_a_view_counts_only_of_the_run_of_the_lesson(
    make_app: MakeApp, tmp_path: Path
) -> None:
    wants = 'text = "it has no dead filter"\nof = "inspect health"\npath = "layers.0.dead"\n'
    wants = f'\n[[task.conditions]]\n{wants}is = []\nelse = "dead: {{value}}"\n'
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(app, pilot, make_lesson(tmp_path, wants, where="inspect"))
        assert "open health in Inspect" in text(app, "#lesson")
        health = {"layers": [{"dead": [3]}]}
        app.post_message(ViewShown("another-1", "health", ("",), health))
        await done(pilot)
        assert "open health in Inspect" in text(app, "#lesson")
        await typed(pilot, "f5")
        await settle(app, pilot)
        assert app.desk
        # The scripted run is in no folder.
        begin = app.desk.work.events[0]
        assert isinstance(begin, RunStarted)
        app.desk.work.events[0] = msgspec.structs.replace(begin, run="own-1")
        app.post_message(ViewShown("own-1", "health", ("",), health))
        await done(pilot)
        assert "[ ] dead: 3" in text(app, "#lesson")
        await typed(pilot, "4")
        app.post_message(ViewShown("own-1", "health", ("",), {"layers": [{"dead": []}]}))
        await done(pilot)
        assert "Solved: ^g shows why" in text(app, "#lesson") and not app.screen.is_modal


async def test_hints_the_text_and_what_is_wrong_have_a_key_each(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "f2", "ctrl+t", "ctrl+g", "ctrl+l")
        assert "No lesson is under way" in told(app)
        await begun(app, pilot, make_lesson(tmp_path, BUILD))
        await typed(pilot, "ctrl+t")
        assert "hint 1 of 3: Look at the padding." in text(app, "#lesson")
        await typed(pilot, "f2")
        assert isinstance(app.screen, LessonDialog)
        await typed(pilot, "ctrl+t")
        assert "hint 2 of 3" in text(app, "LessonText")
        assert "the shipped solution" not in text(app, "LessonText")
        await typed(pilot, "s")
        assert "the shipped solution" in text(app, "LessonText")
        await typed(pilot, "f2")
        assert not app.screen.is_modal
        await typed(pilot, "down", "enter", "ctrl+g")
        assert "[ ] layer 1 gives 4x6x6" in text(app, "LessonText"), "also while text is typed"
        await typed(pilot, "escape")
        attempt = LessonProgress().of("own")
        assert (attempt.hints, attempt.tries, attempt.solved) == (2, 1, False)
        assert attempt.solution_seen
        await typed(pilot, "escape", "f2", "ctrl+l")
        assert app.current_mode == "learn" and not app.screen.is_modal


async def test_ones_own_network_comes_back(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await typed(pilot, "down", "x")
        mine = app.builder.network
        await begun(app, pilot, make_lesson(tmp_path, BUILD))
        assert "comes back" in told(app)
        await typed(pilot, *PADDING, "escape", "escape", "ctrl+l")
        assert app.builder.network is mine and app.builder.document.dirty
        assert app.current_mode == "learn" and app.desk is None
        await typed(pilot, "1")
        assert "Do what is asked" not in cells(app)
        await begun(app, pilot, make_lesson(tmp_path, BUILD))
        await typed(pilot, "u")
        assert app.builder.network is mine


async def test_quitting_asks_about_the_lesson_then_about_ones_own_network(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "down", "x")
        await begun(app, pilot, make_lesson(tmp_path, BUILD))
        await typed(pilot, "down", "x", "q")
        assert "A lesson is under way" in cells(app)
        await typed(pilot, "escape")
        assert app.desk
        await typed(pilot, "q", "y")
        assert "unsaved changes" in cells(app)
        await typed(pilot, "y")
    assert app.return_code == 0


async def test_a_lesson_that_is_solved_at_its_start_is_not_begun(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app()
    before = app.builder.network
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(app, pilot, make_lesson(tmp_path, VALID))
        assert "solves the task already" in told(app)
        assert app.desk is None and app.builder.network is before


@pytest.mark.parametrize(
    ("content", "why"), [("title = 3", "name"), ("[[", "own.toml"), (None, "no lesson")]
)
async def test_a_broken_lesson_is_one_line_and_the_list_is_there(
    make_app: MakeApp, tmp_path: Path, content: str | None, why: str
) -> None:
    file = tmp_path / "own.toml"
    if content is not None:
        file.write_text(content)
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(app, pilot, str(file if content is not None else "nowhere"))
        assert why in told(app) and "\n" not in told(app)
        await until(pilot, lambda: "The output formula" in text(app, "#lessons"))


async def test_a_lesson_waits_for_the_run_that_is_active(make_app: MakeApp, tmp_path: Path) -> None:
    script = Script(run_events(), hold=8)
    app = make_app(runner=script)
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "f5")
        assert script.held.wait(10)
        app.poll()
        await begun(app, pilot, make_lesson(tmp_path, TRAIN, where="train"))
        assert "A run is active" in told(app) and app.desk is None
        app.training.session.stop()
        await settle(app, pilot)


async def test_the_command_opens_a_lesson_of_a_file_or_says_why_not(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.learn(Learning(trouble="own.toml, line 3: no such condition."))
        await until(pilot, lambda: "no such condition" in told(app))
        assert app.desk is None and app.current_mode == "learn"
        lesson = load_lesson(str(make_lesson(tmp_path, BUILD)))
        app.learn(Learning(lesson))
        await until(pilot, lambda: app.desk is not None)
        assert app.desk and app.desk.lesson == lesson
        assert lesson in app.study.course.all_lessons
