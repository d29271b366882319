"""Operations on a whole batch: by shard where possible, synchronised where necessary."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.memory import NO_HALO, Array, Padding

Task = Callable[[], None]


@dataclass(frozen=True)
class Stage:
    """Tasks that may run in parallel.

    A stage ``by_shard`` has one independent task for each shard, so that consecutive stages of this
    type are merged; any other stage is a synchronisation point.
    """

    tasks: Sequence[Task]
    by_shard: bool = True
    owner: str = ""
    """Name of the layer that the tasks belong to, for profiling; empty for other work."""

    def owned_by(self, name: str) -> Stage:
        """The stage with ``name`` as its owner, unless an inner layer owns it already."""
        return self if self.owner else replace(self, owner=name)

    def alone(self) -> Stage:
        """The stage with one task in place of several that are too short to be shared."""
        return replace(self, tasks=[chained(self.tasks)])


def merge(stages: Sequence[Stage]) -> list[Sequence[Task]]:
    """Join runs of consecutive stages by shard into one task for each shard."""
    merged: list[Sequence[Task]] = []
    run: list[Stage] = []
    for stage in [*stages, Stage((), by_shard=False)]:
        if stage.by_shard:
            run.append(stage)
            continue
        if run:
            chains = zip(*(stage.tasks for stage in run), strict=True)
            merged.append([chained(chain) for chain in chains])
            run = []
        if stage.tasks:
            merged.append(stage.tasks)
    return merged


def chained(tasks: Sequence[Task]) -> Task:
    """One task that runs several in order."""

    def run() -> None:
        for task in tasks:
            task()

    return run


class PlannedOp:
    """An operation bound to a batch: its outputs by shard and the stages of both directions."""

    ys: list[Array]
    forward: list[Stage]
    backward: list[Stage]

    def absorb_relu(self) -> bool:
        """Compute the ReLU that follows, in place, as well, if the operation can."""
        return False

    @property
    def post_step(self) -> list[Task]:
        """Updates of running state, to run once a training pass is known to be finite."""
        return []

    @property
    def chains(self) -> tuple[Chain, ...]:
        """Nested chains, in the order in which they run."""
        return ()

    def plan_backward(
        self, dys: list[Array], *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> list[Array] | None:
        """Plan ``backward``; returns ``dx`` by shard where it is needed."""
        raise NotImplementedError


class Op:
    """An operation of a layer, not yet bound to a batch."""

    name: str
    monotone = False
    """Whether the operation keeps the order of a channel's values, so that it commutes with a max
    pool, which then runs first and leaves fewer values to process."""
    saves_output = False
    """Whether the backward pass reads ``y``, so that the next operation must not overwrite it."""
    is_relu = False
    """Whether the operation is a ReLU."""
    in_place = False
    """Whether ``y`` overwrites ``x`` where that is allowed."""

    @property
    def halo(self) -> Padding:
        """The halo that the operation wants around its input."""
        return NO_HALO

    def plan_forward(
        self, xs: list[Array], shards: list[Shard], *, overwrite: bool, halo: Padding
    ) -> PlannedOp:
        """Bind the operation to inputs by shard.

        ``overwrite`` allows ``y`` to overwrite ``x``; ``halo`` is that of ``y``.
        """
        raise NotImplementedError

    def prepare(self) -> None:
        """Update copies that are derived from the weights; called before every pass."""

    @property
    def derived_bytes(self) -> int:
        """Bytes of the derived copies that have been planned."""
        return 0


class ByShard(PlannedOp):
    """A planned operation with one independent kernel for each shard."""

    def __init__(self, kernels: Sequence[Kernel], shards: list[Shard]) -> None:
        self.kernels, self.shards = kernels, shards
        self.ys = [kernel.y for kernel in kernels]
        self.forward = [Stage([kernel.forward for kernel in kernels])]

    def plan_backward(
        self, dys: list[Array], *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> list[Array] | None:
        for kernel, dy, shard in zip(self.kernels, dys, self.shards, strict=True):
            kernel.plan_backward(
                dy,
                shard.arena,
                needs_input_grad=needs_input_grad,
                can_overwrite_grad=can_overwrite_grad,
            )
        self.backward = [Stage([kernel.backward for kernel in self.kernels])]
        dxs = [kernel.dx for kernel in self.kernels if kernel.dx is not None]
        return dxs or None


class ShardedOp(Op):
    """An operation whose shards are independent."""

    def plan_forward(
        self, xs: list[Array], shards: list[Shard], *, overwrite: bool, halo: Padding
    ) -> PlannedOp:
        kernels = [
            self.kernel(x, shard, overwrite=overwrite, halo=halo)
            for x, shard in zip(xs, shards, strict=True)
        ]
        return ByShard(kernels, shards)

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, halo: Padding) -> Kernel:
        """The operation's kernel for one shard."""
        raise NotImplementedError


def wanted_halo(ops: Sequence[Op]) -> Padding:
    """The halo that the first operation of ``ops`` that is not in place wants around its input."""
    return next((op.halo for op in ops if not op.in_place), NO_HALO)


class Chain(PlannedOp):
    """A sequence of operations; the first ``frozen`` ones have no backward pass."""

    def __init__(
        self,
        ops: Sequence[Op],
        xs: list[Array],
        shards: list[Shard],
        *,
        overwrite: bool,
        frozen: int = 0,
    ) -> None:
        self.ops, self.shards, self.frozen = ops, shards, frozen
        self.links: list[PlannedOp] = []
        self.ys = xs
        for number, op in enumerate(ops):
            halo = wanted_halo(ops[number + 1 :])
            link = op.plan_forward(self.ys, shards, overwrite=overwrite, halo=halo)
            follows = op.is_relu and link.ys[0] is self.ys[0] and number > 0
            if follows and self.links[-1].absorb_relu():  # while a block is in cache
                link.forward = []
            self.links.append(link)
            self.ys = link.ys
            overwrite = not op.saves_output
        self.forward = [
            stage.owned_by(op.name)
            for op, link in zip(ops, self.links, strict=True)
            for stage in link.forward
        ]

    def plan_backward(
        self, dys: list[Array], *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> list[Array] | None:
        self.backward: list[Stage] = []
        current: list[Array] | None = dys
        links = list(zip(self.ops, self.links, strict=True))[self.frozen :]
        for op, link in reversed(links):
            assert current is not None
            needed = needs_input_grad or link is not self.links[self.frozen]
            dxs = link.plan_backward(
                current, needs_input_grad=needed, can_overwrite_grad=can_overwrite_grad
            )
            self.backward.extend(stage.owned_by(op.name) for stage in link.backward)
            aliased = dxs is not None and dxs[0] is current[0]
            if can_overwrite_grad and not aliased:
                self._release(current)
            can_overwrite_grad = can_overwrite_grad or not aliased
            current = dxs
        return current

    @property
    def post_step(self) -> list[Task]:
        return [commit for link in self.links[self.frozen :] for commit in link.post_step]

    def walk(self) -> Iterator[tuple[Op, PlannedOp]]:
        """Every operation with its plan, nested ones first, in the order in which they run."""
        for op, link in zip(self.ops, self.links, strict=True):
            for chain in link.chains:
                yield from chain.walk()
            yield op, link

    def first_non_finite(self) -> str | None:
        """The name of the first layer whose output holds infinity or NaN."""
        for op, link in self.walk():
            if not all(np.isfinite(y).all() for y in link.ys):
                return op.name
        return None

    def _release(self, arrays: list[Array]) -> None:
        for array, shard in zip(arrays, self.shards, strict=True):
            shard.arena.release(array)
