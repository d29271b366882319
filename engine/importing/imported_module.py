"""A module of PyTorch, as source or as an object describes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from cnn_tui.engine.errors import SpecError


@dataclass(frozen=True)
class ImportedModule:
    """One module with its settings by PyTorch's names, those that are the default left out."""

    kind: str
    """The name of its class."""
    where: str
    """For messages: ``net.py, line 12: nn.Conv2d``."""
    settings: dict[str, object] = field(default_factory=dict)
    name: str = ""
    parts: tuple[ImportedModule, ...] = ()
    """The modules of a Sequential, or of the branch of a Residual."""
    shortcut: ImportedModule | None = None
    known: bool = True
    """Whether it is PyTorch's own class of this name, or one that the product exports."""

    def every(self) -> Iterator[ImportedModule]:
        """Itself and all within."""
        yield self
        for inner in (*self.parts, *([self.shortcut] if self.shortcut else [])):
            yield from inner.every()

    def refused(self, why: str, remedy: str = "") -> SpecError:
        """The error that says why it has no counterpart."""
        return SpecError(f"{self.where} {why}.", remedy)
