"""A recorded run on the Train screen, played like a film: nothing is trained, nothing written."""

from __future__ import annotations

from dataclasses import replace

from cnn_tui.tui.actions import CHARTS, DEMO, keyed
from cnn_tui.tui.bindings import bindings, charts_of
from cnn_tui.tui.dashboard.run_view import RunView
from cnn_tui.tui.history.playing import Player
from cnn_tui.tui.messages import EditRun, InspectRun
from cnn_tui.tui.screens.run import RunScreen
from cnn_tui.tui.terminal.link import Link
from cnn_tui.tui.widgets.bars import Heading


class DemoScreen(RunScreen, inherit_bindings=False):
    """Plays a run as long as it is open."""

    MODE = "runs"
    SCOPES = (DEMO, CHARTS)
    BINDINGS = [*bindings(DEMO), *charts_of(DEMO)]

    def __init__(self, player: Player) -> None:
        self._player, self._drawn = player, RunView()
        super().__init__(player)

    def idle_words(self) -> str:
        return ""

    def on_mount(self) -> None:
        super().on_mount()
        self._look()
        self.set_interval(1 / getattr(self.app, "link", Link()).fps, self._look)

    def _look(self) -> None:
        self._player.poll()
        if self._player.view == self._drawn:
            return  # paused, or at its end
        ended, self._drawn = self._drawn.ended, self._player.view
        self.heading = self.heading_for(Heading())
        self.present()
        if self._drawn.ended != ended:
            self.refresh_bindings()

    def heading_for(self, built: Heading) -> Heading:
        """Return the network of the run, its recipe and data, and that this is a demo."""
        return replace(super().heading_for(built), state="demo")

    def next_steps(self) -> tuple[tuple[str, str], ...]:
        wanted = (
            ("{demo.restart}", "play it again"),
            ("{app.inspect}", "look inside"),
            ("{demo.build}", "build on it"),
        )
        steps = tuple((keyed(key), words) for key, words in wanted)
        return steps if self._player.playback.folder else steps[:1]

    def action_pause(self) -> None:
        self._player.toggle()
        self._look()

    def action_restart(self) -> None:
        self._player.restart()
        self._look()
        self.notify("From the start.", timeout=2)

    def action_speed(self, by: int) -> None:
        if speed := self._player.next_speed(by):
            self._player.speed = speed
            self._look()

    def action_loop(self) -> None:
        """Play for ever, or stand still at the end."""
        self._player.loop = not self._player.loop
        self.notify(f"The demo {'begins again' if self._player.loop else 'stands'} at its end.")

    def action_build_on(self) -> None:
        if folder := self._player.playback.folder:
            self.post_message(EditRun(folder))

    def action_inspect(self) -> None:
        if folder := self._player.playback.folder:
            self.post_message(InspectRun(folder))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("build_on", "inspect"):
            return self._player.playback.folder is not None
        if action == "speed":
            return self._player.next_speed(int(str(parameters[0]))) is not None
        return super().check_action(action, parameters)
