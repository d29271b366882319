"""The demo: a recorded run played by a clock, on its screen and by its command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from driving import text, typed
from runs_made import until
from terminal import Terminal
from textual.pilot import Pilot

from cnn_tui.engine.runs.names import DEMO_RUN, RUNS_VARIABLE
from cnn_tui.engine.runs.playback import Playback, read_playback
from cnn_tui.tui.app import CnnTuiApp
from cnn_tui.tui.cli.main import main
from cnn_tui.tui.history.playing import REST, Player
from cnn_tui.tui.messages import PlayDemo
from cnn_tui.tui.screens.demo import DemoScreen
from cnn_tui.tui.widgets.bars import Header, KeyBar

MakeApp = Callable[..., CnnTuiApp]
Start = Callable[..., Terminal]


class Clock:
    """A clock that stands until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def demo() -> Playback:
    return read_playback(DEMO_RUN)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def step_at(player: Player, clock: Clock, seconds: float) -> int:
    """The step that is shown some seconds later."""
    clock.now += seconds
    player.poll()
    return player.view.step


def test_it_plays_by_the_clock_at_its_speed(demo: Playback, clock: Clock) -> None:
    player = Player(demo, clock=clock)
    assert player.view.step == 0 and player.view.state == "demo"
    assert step_at(player, clock, 1.601) == 100
    player.speed = 2.0
    assert step_at(player, clock, 1.601) == 300
    player.toggle()
    assert step_at(player, clock, 9.0) == 300 and player.view.state == "demo paused"
    player.toggle()
    assert step_at(player, clock, 0.801) == 400


def test_it_stands_at_its_end_or_begins_again(demo: Playback, clock: Clock) -> None:
    player = Player(demo, clock=clock)
    assert step_at(player, clock, 1000) == 1600
    assert player.view.state == "played" and "test 98.4%" in player.view.detail
    assert step_at(player, clock, 1000) == 1600
    player.toggle()
    assert player.view.step == 0
    player.loop = True
    step_at(player, clock, demo.seconds + 0.001)
    assert player.view.state == "played"
    assert step_at(player, clock, REST + 1) == 0 and player.view.state == "demo"


def test_a_recording_without_its_end_says_so(demo: Playback, clock: Clock) -> None:
    player = Player(Playback("cut", demo.moments[:100]), clock=clock)
    step_at(player, clock, 1000)
    assert player.view.detail == "the end of the recording is missing"
    assert player.view.seconds_left is None


def test_the_keys_reach_known_speeds_from_any(demo: Playback, clock: Clock) -> None:
    player = Player(demo, 3.0, clock=clock)
    assert player.next_speed(1) == 5.0 and player.next_speed(-1) == 2.0
    player.speed = 500.0
    assert player.next_speed(1) is None and player.next_speed(-1) == 100.0


async def test_the_screen_tells_that_it_is_a_demo_and_its_keys_steer_it(make_app: MakeApp) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await typed(pilot, "f8")
        player = await played(app, pilot)
        assert "leave demo" in text(app, KeyBar.__name__)
        assert "demo  lenet-demo" in text(app, Header.__name__)
        await typed(pilot, "space")
        assert player.paused and "demo paused: space plays on" in text(app, "#status")
        await typed(pilot, "space", "plus", "plus", "minus")
        assert not player.paused and "a recorded run at 2x speed" in text(app, "#status")
        await typed(pilot, "l")
        assert player.loop
        player.loop, player.speed = False, 1e6
        await until(pilot, lambda: "played: test 98.4%" in text(app, "#status"))
        assert "r play it again" in text(app, "#status")
        player.speed = 1.0
        await typed(pilot, "r")
        assert player.view.step < 400 and player.view.state == "demo"
        await typed(pilot, "4")
        await until(pilot, lambda: "10 filters" in text(app, "#said"))
        assert not app.training.active


async def test_a_damaged_recording_is_one_line_and_the_app_goes_on(
    make_app: MakeApp, tmp_path: Path
) -> None:
    file = tmp_path / "run.jsonl"
    file.write_text('{"event": "run_st')
    app = make_app()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        app.post_message(PlayDemo(file))
        await until(pilot, lambda: bool(app._notifications))
        (note,) = app._notifications
        assert "cannot be played" in note.message and "\n" not in note.message
        assert app.current_mode == "build"
        lines = (DEMO_RUN / "events.jsonl").read_text().splitlines(keepends=True)
        file.write_text(lines[0] + lines[1][:50])
        app.post_message(PlayDemo(file))
        player = await played(app, pilot)
        assert "is cut off" in [note.message for note in app._notifications][-1]
        await typed(pilot, "i")
        assert "only the folder of a run" in [note.message for note in app._notifications][-1]
        assert player.playback.folder is None and isinstance(app.screen, DemoScreen)


async def played(app: CnnTuiApp, pilot: Pilot[None]) -> Player:
    await until(pilot, lambda: isinstance(app.screen, DemoScreen))
    await until(pilot, lambda: bool(text(app, "#status").strip()))
    assert isinstance(app.screen, DemoScreen)
    return app.screen._player


@pytest.mark.slow
def test_the_command_plays_without_writing_anything(start: Start, tmp_path: Path) -> None:
    program = "from cnn_tui.tui.cli.main import main; import sys; sys.exit(main({}))"
    terminal = start(
        program.format(["--demo", "--speed", "50"]),
        XDG_DATA_HOME=str(tmp_path / "data"),
        CNN_TUI_RUNS=str(tmp_path / "runs"),
    )
    terminal.shows("played: test 98.4%")
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert not list(tmp_path.rglob("*"))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--demo"], "--demo needs a terminal"),
        (["--demo", "nosuch"], "There is no run 'nosuch'"),
        (["--speed", "2"], "belong to --demo"),
        (["--demo", "--speed", "0"], "0.01"),
    ],
    ids=["no-terminal", "no-run", "no-demo", "no-speed"],
)
def test_wrong_calls_are_refused_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    args: list[str],
    words: str,
) -> None:
    monkeypatch.setenv(RUNS_VARIABLE, str(tmp_path))
    assert main(args) in (1, 2)
    told = capsys.readouterr().err
    assert words in told and told.count("\n") == 1
