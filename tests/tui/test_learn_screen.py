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
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.training.events import RunStarted
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.building.trained import Trained
from cnn_tui.tui.learning_app import Learning
from cnn_tui.tui.messages import LessonWanted, ViewShown
from cnn_tui.tui.screens.lesson import LessonDialog, SolvedDialog
from cnn_tui.tui.widgets.lesson_list import LessonList

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


async def test_a_lesson_begins_without_the_run_of_the_one_before(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await begun(app, pilot, make_lesson(tmp_path, TRAIN, where="train"))
        await typed(pilot, "f5")
        await settle(app, pilot)
        app.poll()
        await done(pilot)
        app.builder.latest = own = Trained(RunFolder(tmp_path / "own-1"), app.builder.network)
        assert app.builder.start == own and app.training.board.started
        await typed(pilot, "escape", "ctrl+l")
        await begun(app, pilot, make_lesson(tmp_path, TRAIN, "second", where="train"))
        assert "ready" in text(app, "#status") and not app.training.board.started
        assert app.builder.start is None, "no question about weights of another task"
        assert app.training.board.kept is None and app.training.earlier is None


async def test_weights_of_ones_own_run_come_back_with_the_network(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.builder.latest = own = Trained(RunFolder(tmp_path / "own-1"), app.builder.network)
        await begun(app, pilot, make_lesson(tmp_path, BUILD))
        assert app.builder.start is None
        await typed(pilot, "ctrl+l")
        assert app.builder.start == own


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


async def test_the_cursor_waits_on_the_lesson_that_was_left(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await typed(pilot, "6")
        await until(pilot, lambda: "The output formula" in text(app, "#lessons"))
        chosen = lambda: app.screen.query_one("#lessons", LessonList).chosen  # noqa: E731
        await begun(app, pilot, "padding")
        await typed(pilot, "ctrl+l")
        await until(pilot, lambda: chosen() == "padding")
        await typed(pilot, "up", "1", "6")
        assert chosen() == "parameters", "only once"
        await typed(pilot, "f")
        assert chosen() == "receptive-field", "the next one of that track"
        await typed(pilot, "f")
        assert chosen() == "receptive-field"


async def test_what_is_not_met_comes_before_hints_and_the_solution(
    make_app: MakeApp, tmp_path: Path
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 18)) as pilot:
        await begun(app, pilot, make_lesson(tmp_path, BUILD))
        await typed(pilot, "ctrl+t", "ctrl+t", "ctrl+t", "f2", "s", "escape", "ctrl+g")
        assert text(app, "LessonText").strip().startswith("task: 0 of 1 met")


@pytest.mark.parametrize(("size", "where"), [((80, 24), "#doctor"), ((120, 40), "#form")])
async def test_the_formula_is_on_the_screen_of_the_lesson_about_it(
    make_app: MakeApp, size: tuple[int, int], where: str
) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await begun(app, pilot, "output-size")
        await typed(pilot, "down")
        assert "(227 - 7 + 2*0)/2 + 1 = 111" in text(app, where)
        assert ("= 111" in text(app, "#doctor")) is (where == "#doctor")
        assert "14,112 weights" in text(app, where)
        await typed(pilot, "enter", "1")
        assert "(227 - 1 + 2*0)/2 + 1 = 114" not in text(app, where), "the channels were edited"
        await typed(pilot, "tab", "9")
        assert "(227 - 9 + 2*0)/2 + 1 = 110" in text(app, where), "while it is typed as well"
        await pilot.resize_terminal(120, 40)
        assert "= 110" in text(app, "#form") and "= 110" not in text(app, "#doctor")


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
