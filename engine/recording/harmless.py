"""Keeps what goes wrong in recording away from the training."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, TypeVar


class Recording(Protocol):
    """A recorder whose methods must not disturb the training."""

    @property
    def recording(self) -> bool:
        """Whether anything is recorded."""

    def complain(self, words: str) -> None:
        """Tell a fault, once."""


Arguments = ParamSpec("Arguments")
R = TypeVar("R", bound=Recording)


def harmless(
    method: Callable[Concatenate[R, Arguments], None],
) -> Callable[Concatenate[R, Arguments], None]:
    """A method that does nothing unless a run is recorded, and reports errors on stderr."""

    @functools.wraps(method)
    def call(run: R, /, *args: Arguments.args, **named: Arguments.kwargs) -> None:
        if not run.recording:
            return
        try:
            method(run, *args, **named)
        except Exception as error:
            run.complain(f"{method.__name__}: {type(error).__name__}: {error}")

    return call
