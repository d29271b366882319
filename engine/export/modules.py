"""Names the layers of the exported PyTorch module, and writes its weights as safetensors."""

from __future__ import annotations

import keyword
import re
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.export.states import TrainedState
from cnn_tui.engine.runs.tensors import plain_encode
from cnn_tui.engine.shapes import Shape
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.inside import list_letter
from cnn_tui.engine.specs.layers import Layer, Parallel, Repeat
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.placed import Placed, place_layers
from cnn_tui.engine.storage import Storage, replace_file

TAKEN = frozenset(
    """
    T_destination add_module append apply bfloat16 buffers call_super_init children clear
    compile copy cpu cuda double dump_patches eval extend extra_repr float forward get_buffer
    get_extra_state get_parameter get_submodule half insert ipu items keys load_state_dict
    modules mtia named_buffers named_children named_modules named_parameters parameters pop
    register_backward_hook register_buffer register_forward_hook register_forward_pre_hook
    register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
    register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
    set_extra_state set_submodule share_memory shortcut state_dict to to_empty train training
    type update values xpu zero_grad
    """.split()  # noqa: SIM905
)
"""Attributes of PyTorch's containers, which cannot be names of layers."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Module:
    """A layer and its position in the exported module."""

    key: str
    """Name among its siblings."""
    path: str
    """Path from the root, the prefix of its weights."""
    name: str
    """Name in the engine's model."""
    layer: Layer
    before: Shape
    after: Shape
    branches: tuple[tuple[Module, ...], ...] = ()
    """Branch and shortcut of a residual block, the branches of a parallel one, or the copies of
    repeated layers."""

    def every(self) -> Iterator[Module]:
        """Yield the module itself, then all inner modules."""
        yield self
        for inner in chain.from_iterable(self.branches):
            yield from inner.every()


def modules(network: Network) -> tuple[Module, ...]:
    """Return the modules of a valid network; each repeated layer is a module with copies inside."""
    return _chain(place_layers(network.layers, check(network).layers, network.input), "", "")


def unrolled(tree: Iterable[Module]) -> tuple[Module, ...]:
    """Return the modules with the copies of repeated layers in place of what repeats them."""
    made: list[Module] = []
    for module in tree:
        branches = tuple(unrolled(inner) for inner in module.branches)
        if isinstance(module.layer, Repeat):
            made += chain.from_iterable(branches)
        else:
            made.append(replace(module, branches=branches))
    return tuple(made)


def renamed(tree: Iterable[Module], arrays: dict[str, Item]) -> dict[str, Item]:
    """Return arrays under the names of the exported module instead of the engine's."""
    paths = {module.name: module.path for top in tree for module in top.every()}
    split = {name: name.rpartition(".") for name in arrays}
    return {f"{paths[split[name][0]]}.{split[name][2]}": array for name, array in arrays.items()}


def _chain(placed: Iterable[Placed], path: str, prefix: str) -> tuple[Module, ...]:
    made: list[Module] = []
    for layer in placed:
        key = _key(layer.name.removeprefix(prefix), {module.key for module in made})
        made.append(_module(layer, key, path + key))
    return tuple(made)


def _module(placed: Placed, key: str, path: str) -> Module:
    layer = placed.layer
    inside = ["", "shortcut."]
    if isinstance(layer, Parallel):
        inside = [f"{list_letter(number)}." for number in range(len(layer.branches))]
    elif isinstance(layer, Repeat):
        inside = [f"{copy}." for copy in range(1, len(placed.branches) + 1)]
    branches = tuple(
        _chain(inner, f"{path}.{part}", f"{placed.name}.{part}")
        for inner, part in zip(placed.branches, inside, strict=False)
    )
    return Module(key, path, placed.name, layer, placed.shape, placed.output, branches)


def _key(name: str, others: set[str]) -> str:
    """A Python identifier that no sibling has."""
    key = re.sub(r"\W", "_", name, flags=re.ASCII)
    if key[0].isdigit() or key in TAKEN or keyword.iskeyword(key):
        key = f"layer_{key}"
    return free_key(key, others)


def free_key(key: str, others: Container[str]) -> str:
    """Append underscores until the key differs from the others."""
    while key in others:
        key += "_"
    return key


def state_dict(state: TrainedState) -> dict[str, np.ndarray]:
    """Return the state that ``load_state_dict`` of the exported module expects."""
    arrays = renamed(modules(state.network), state.weights)
    counts = {
        name.replace(".running_mean", ".num_batches_tracked"): np.zeros((), np.int64)
        for name in arrays
        if name.endswith(".running_mean")
    }
    return {name: np.ascontiguousarray(array) for name, array in arrays.items()} | counts


def write_weights(state: TrainedState, path: Path) -> None:
    """Write the weights as safetensors, with PyTorch's names and shapes.

    Raises:
        RunError: if the file cannot be written.
    """
    try:
        replace_file(Storage(), path, plain_encode(state_dict(state)))
    except OSError as error:
        raise RunError(f"{path} cannot be written: {error.strerror or error}.") from None


def holds_weights(state: TrainedState, path: Path) -> bool:
    """Whether a file is what :func:`write_weights` would write."""
    try:
        with path.open("rb") as file:
            parts = map(bytes, plain_encode(state_dict(state)))
            return all(file.read(len(part)) == part for part in parts) and not file.read(1)
    except OSError:
        return False


def module_name(run: str) -> str:
    """The name of a run as Python can import it: ``lenet5_1`` for ``lenet5-1``."""
    name = re.sub(r"\W", "_", run, flags=re.ASCII)
    return f"net_{name}" if name[:1].isdigit() or keyword.iskeyword(name) else name
