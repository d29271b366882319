"""Options that a command receives together, as one argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
import msgspec

from cnn_tui.engine.specs.network import (
    COMPUTING,
    DeviceName,
    EngineName,
    Network,
    PrecisionName,
)
from cnn_tui.engine.specs.values import value_problems
from cnn_tui.engine.torchrun import is_one_of_several
from cnn_tui.tui.cli import completing, options

if TYPE_CHECKING:
    # It brings NumPy along, which most commands do without.
    from cnn_tui.engine.runs.writer import Sink


@dataclass(frozen=True)
class Reading:
    """Where data of one's own is and how it is read; empty as the architecture file says."""

    data_dir: Path | None = None
    skip_damaged: bool = False
    classes: tuple[str, ...] = ()
    labels_from: str = ""

    def applied(self, network: Network) -> Network:
        """Return the network with these classes and labels in place of its own.

        Raises:
            click.BadParameter: They are no list of classes.
        """
        given = {"classes": self.classes, "labels_from": self.labels_from}
        changed = msgspec.structs.replace(network, **{k: v for k, v in given.items() if v})
        for problem in value_problems(changed):
            if (option := problem.path.partition("[")[0]) in given:
                hint = f"--{option.replace('_', '-')}"
                raise click.BadParameter(f"{problem.text}. {problem.remedy}", param_hint=hint)
        return changed


_Command = Callable[..., Any]


def reading(command: _Command) -> _Command:
    """Add the options that become the argument ``reading``."""

    @options.data_dir
    @options.skip_damaged
    @click.option(
        "--classes",
        metavar="A,B,...",
        default="",
        help="Names of all classes of the data in order, instead of those found.",
    )
    @click.option(
        "--labels-from",
        metavar="PLACE",
        shell_complete=completing.label_places,
        default="",
        help="Labels from the name of each picture (name), the folders, or a column of a CSV.",
    )
    @wraps(command)
    def read(
        *args: Any,
        data_dir: Path | None,
        skip_damaged: bool,
        classes: str,
        labels_from: str,
        **others: Any,
    ) -> Any:
        names = tuple(name for part in classes.split(",") if (name := part.strip()))
        chosen = Reading(data_dir, skip_damaged, names, labels_from)
        return command(*args, reading=chosen, **others)

    return read


@dataclass(frozen=True)
class Computing:
    """Who is to compute, as far as it was said; the rest is as the recipe has it."""

    said: Mapping[str, str | bool]

    def applied(self, network: Network) -> Network:
        """Return the network with these in its recipe.

        Raises:
            click.UsageError: Something of PyTorch was said, and PyTorch is not to compute.
            EngineError: The engine, or its device, is not there.
        """
        from cnn_tui.engine.engines import require_engine

        changed = network.with_training(**self.said)
        is_torch = changed.training.engine == "torch"
        others = [name for name in self.said if name != "engine"]
        if others and not is_torch:
            raise click.UsageError(f"--{others[0].replace('_', '-')} needs --engine torch.")
        if is_one_of_several() and not is_torch:
            raise click.UsageError("torchrun starts several processes, which needs --engine torch.")
        require_engine(changed)
        return changed


def computing(command: _Command) -> _Command:
    """Add the options that say who computes, as an argument ``computing``."""

    @click.option("--engine", type=click.Choice(get_args(EngineName)), help="Who computes.")
    @click.option(
        "--device", type=click.Choice(get_args(DeviceName)), help="Where PyTorch computes."
    )
    @click.option(
        "--precision",
        type=click.Choice(get_args(PrecisionName)),
        help="Of the products that PyTorch computes.",
    )
    @click.option("--compile", is_flag=True, help="Let PyTorch compile the network first.")
    @click.option("--deterministic", is_flag=True, help="The same bits of PyTorch on a GPU too.")
    @click.option(
        "--sync-batchnorm", is_flag=True, help="Batch norms over all processes of PyTorch."
    )
    @wraps(command)
    def computed(*args: Any, **given: Any) -> Any:
        said = {name: value for name in COMPUTING if (value := given.pop(name))}
        return command(*args, computing=Computing(said), **given)

    return computed


@dataclass(frozen=True)
class Extras:
    """Files that a training writes in addition to its run."""

    tensorboard: Path | None

    @property
    def options(self) -> Sequence[str]:
        """The same options for another process."""
        return ("--tensorboard", str(self.tensorboard)) if self.tensorboard else ()

    def sinks(self) -> Sequence[Sink]:
        """Return the receivers of the events of the run.

        Raises:
            RunError: The folder cannot be written.
        """
        if self.tensorboard is None:
            return ()
        from cnn_tui.engine.export.tensorboard import TensorBoard

        return (TensorBoard(self.tensorboard),)
