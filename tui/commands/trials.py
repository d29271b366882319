"""Commands that try something out before a run, or beside it."""

from __future__ import annotations

import msgspec
from textual import work

from cnn_tui.engine.specs.network import Network
from cnn_tui.tui import screens
from cnn_tui.tui.commands.training import TrainingCommands


class TrialCommands(TrainingCommands, inherit_bindings=False):
    """Adds pre-flight and learning-rate finder."""

    @work
    async def action_preflight(self) -> None:
        """Check whether the network can be trained at all."""
        if not self.builder.report.valid:
            self._refuse()
            return
        dialog = screens.PreflightDialog(self.builder.network, self.data_dir, self.link.fps)
        wanted = await self.push_screen_wait(dialog)
        if wanted == "train":
            self.action_train()
        elif wanted == "recipe":
            self.action_recipe()

    @work
    async def action_lr_finder(self) -> None:
        """Find a learning rate for the run that goes, else for the network being built."""
        network = self._to_find_for()
        if network is None:
            self._refuse()
            return
        running = self.session.active
        dialog = screens.LrFinderDialog(network, self.data_dir, self.link.fps, running=running)
        taken = await self.push_screen_wait(dialog)
        if taken is None:
            return
        if taken.target == "recipe":
            self._take_into_recipe(taken.lr)
        elif self.session.active:
            self.session.change("lr", taken.lr)
            self.look()

    def _to_find_for(self) -> Network | None:
        if self.session.active and self.session.network is not None:
            network, settings = self.session.network, self.board.settings
            recipe = settings.in_recipe(network.training) if settings else network.training
            return msgspec.structs.replace(network, training=recipe)
        return self.builder.network if self.builder.report.valid else None

    def _take_into_recipe(self, lr: float) -> None:
        recipe = msgspec.structs.replace(self.builder.network.training, lr=lr)
        self.builder.rewrite(msgspec.structs.replace(self.builder.network, training=recipe))
        self.notify(f"The recipe has a learning rate of {lr:g} now; on Build u takes it back.")
        self.show_network()
