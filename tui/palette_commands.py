"""The commands of the table in Textual's command palette."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from cnn_tui.tui.actions import APP, BUILD, LIST, TRAIN, Command, commands, key_words

SCOPES = {"build": (LIST, BUILD), "train": (TRAIN,)}


class CommandTable(Provider):
    """Offers what the present screen can do, each with its key."""

    async def discover(self) -> Hits:
        """All of it."""
        for command in self._commands():
            yield DiscoveryHit(_title(command), partial(self._run, command), help=command.help)

    async def search(self, query: str) -> Hits:
        """What matches."""
        matcher = self.matcher(query)
        for command in self._commands():
            score = matcher.match(f"{command.label} {command.help}")
            if score:
                yield Hit(score, _title(command), partial(self._run, command), help=command.help)

    def _commands(self) -> list[Command]:
        own = getattr(self.screen, "SCOPES", SCOPES.get(self.app.current_mode, ()))
        scopes = (*own, APP)
        found = {command.action: command for command in reversed(list(commands(*scopes)))}
        return list(reversed(found.values()))

    async def _run(self, command: Command) -> None:
        await self.app.run_action(command.action)


def _title(command: Command) -> str:
    return f"{command.label}  ({key_words(command)})"
