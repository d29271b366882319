"""The settings in which the runs of a list differ, and the values that each of them has."""

from __future__ import annotations

from collections.abc import Sequence

from cnn_tui.engine.errors import CnnTuiError
from cnn_tui.engine.runs.compare import settings_of_run
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.specs.paths import setting_words, value_words

_MOST = 100
"""Runs that are read, the newest: each for the first time takes some milliseconds."""
_ELSEWHERE = ("layers[", "name", "description", "data", "input")
"""Settings that are no part of the recipe."""
_EMPTY = ('""', "[]")
"""Texts and lists that a recipe leaves out, as JSON."""
_LONG = 9
"""Characters of a number from which on it is rounded."""
_IN_COLUMNS = ("training.epochs",)


def _short(words: str) -> str:
    """A number that was drawn at random, as in a sweep, has more digits than tell runs apart."""
    try:
        return f"{float(words):.4g}" if len(words) > _LONG else words
    except ValueError:
        return words


class Recipes:
    """The recipes of runs, each read once: they never change. Used on one thread."""

    def __init__(self) -> None:
        self._read: dict[str, dict[str, str]] = {}

    def differences(self, folders: Sequence[RunFolder]) -> dict[str, str]:
        """Return for each run, by name, its values of the settings that are not equal in all.

        A run of another program lacks most settings, which makes none of them a difference.
        """
        known = {folder.name: self._recipe(folder) for folder in folders[:_MOST]}
        recipes = {name: recipe for name, recipe in known.items() if recipe}
        paths = dict.fromkeys(path for recipe in recipes.values() for path in recipe)
        differing = [
            path
            for path in paths
            if len({recipe[path] for recipe in recipes.values() if path in recipe}) > 1
        ]
        return {
            name: ", ".join(
                f"{setting_words(path)} {_short(value_words(recipe[path]))}"
                for path in differing
                if path not in _IN_COLUMNS and recipe.get(path, _EMPTY[0]) not in _EMPTY
            )
            for name, recipe in recipes.items()
        }

    def words(self, name: str) -> tuple[tuple[str, str], ...]:
        """Return the whole recipe of a run that was read, in words."""
        recipe = self._read.get(name, {})
        return tuple(
            (setting_words(path), _short(value_words(value)))
            for path, value in recipe.items()
            if value not in _EMPTY
        )

    def _recipe(self, folder: RunFolder) -> dict[str, str]:
        if folder.name not in self._read:
            try:
                settings = settings_of_run(folder)
            except CnnTuiError:
                settings = {}
            self._read[folder.name] = {
                path: value for path, value in settings.items() if not path.startswith(_ELSEWHERE)
            }
        return self._read[folder.name]
