"""Commands on the network: new, open, save, and what would be lost."""

from __future__ import annotations

from pathlib import Path

import msgspec
from textual import work

from cnn_tui.engine.specs.network import Network
from cnn_tui.tui import screens
from cnn_tui.tui.commands.state import AppState
from cnn_tui.tui.screens.build import BuildScreen
from cnn_tui.tui.screens.files import (
    ask_for_network,
    ask_where_to_save,
    changed_meanwhile,
    save,
)


class DocumentCommands(AppState, inherit_bindings=False):
    """Adds what opens, saves and replaces the network being built."""

    @work
    async def action_new_network(self) -> None:
        """Begin with nothing but the input of the present network."""
        if await self.may_replace():
            now = self.builder.network
            self._replace(Network(input=now.input, data=now.data), None)

    @work
    async def action_open_network(self) -> None:
        """Go on with a preset or a file."""
        if await self.may_replace():
            opened = await ask_for_network(self)
            if opened:
                self._replace(*opened)

    @work
    async def action_save_network(self) -> None:
        """Write the network to its file."""
        await self.save()

    @work
    async def action_save_as(self) -> None:
        """Write the network to another file, which is its own from then on."""
        await self._save_as()

    async def save(self) -> bool:
        """Write the network to its file, to one that is asked for if it has none; whether it was.

        A file that another program has changed meanwhile is not overwritten unasked.
        """
        document = self.builder.document
        if document.source is None:
            return await self._save_as()
        if changed_meanwhile(document.source, document.held):
            question = f"{document.source} was changed by another program meanwhile."
            answers = [
                screens.Answer("y", "overwrite it"),
                screens.Answer("a", "save as another file"),
            ]
            answer = await self.push_screen_wait(screens.Question(question, answers))
            if answer != "y":
                return answer == "a" and await self._save_as()
        return self._save_to(document.source)

    async def _save_as(self) -> bool:
        document = self.builder.document
        path = await ask_where_to_save(self, document.network, document.source)
        if path is None:
            return False
        if document.source is None and document.network.name == "untitled":
            named = msgspec.structs.replace(document.network, name=path.stem)
            document.edit(named, "input")
        return self._save_to(path)

    def _save_to(self, path: Path) -> bool:
        document = self.builder.document
        if not save(self, document.network, path):
            return False
        document.mark_saved(path)
        self.show_network()
        return True

    async def may_replace(self) -> bool:
        """Whether the network may make way for another; asks if edits would be lost."""
        if not self.builder.document.dirty:
            return True
        answers = [
            screens.Answer("y", "go on without saving (undo brings it back)"),
            screens.Answer("s", "save"),
        ]
        answer = await self.push_screen_wait(
            screens.Question("There are unsaved changes.", answers)
        )
        return answer == "y" or (answer == "s" and await self.save())

    def _replace(self, network: Network, source: Path | None) -> None:
        self.builder.open(network, source)
        self.show_network()

    def show_network(self) -> None:
        """Bring what is shown of the network up to date."""
        self.present()
        if isinstance(self.screen, BuildScreen):
            self.screen.present()

    def action_recipe(self) -> None:
        """Go to the form of the recipe."""
        self.action_mode("build")
        self.call_later(self._edit_row, "training")

    def _edit_row(self, key: str) -> None:
        if isinstance(self.screen, BuildScreen):
            self.screen.edit_row(key)
