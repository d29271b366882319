"""Operations on a whole batch: shard by shard where possible, with a meeting point where not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from cnn_tui.engine.ops.kernel import Kernel, Shard
from cnn_tui.engine.ops.memory import UNFRAMED, Array, Padding

Task = Callable[[], None]


@dataclass(frozen=True)
class Stage:
    """Tasks that may run side by side.

    A stage ``by_shard`` has one task for each shard, which needs nothing of other shards, so that
    neighbouring ones are merged; any other stage is a meeting point.
    """

    tasks: Sequence[Task]
    by_shard: bool = True
    owner: str = ""
    """The layer whose work it is, for those who measure; empty for what is no layer's."""

    def owned_by(self, name: str) -> Stage:
        """The stage as a layer's, unless it is one's inside that layer already."""
        return self if self.owner else replace(self, owner=name)


def merge(stages: Sequence[Stage]) -> list[Sequence[Task]]:
    """Join runs of neighbouring stages by shard into one task for each shard."""
    merged: list[Sequence[Task]] = []
    run: list[Stage] = []
    for stage in [*stages, Stage((), by_shard=False)]:
        if stage.by_shard:
            run.append(stage)
            continue
        if run:
            chains = zip(*(part.tasks for part in run), strict=True)
            merged.append([_chained(chain) for chain in chains])
            run = []
        if stage.tasks:
            merged.append(stage.tasks)
    return merged


def _chained(tasks: tuple[Task, ...]) -> Task:
    def run() -> None:
        for task in tasks:
            task()

    return run


class PlannedOp:
    """An operation bound to a batch: outputs by shard, and what to run in each direction."""

    ys: list[Array]
    forward: list[Stage]
    backward: list[Stage]

    @property
    def post_step(self) -> list[Task]:
        """What to run once a training pass is known to be finite: updates of running state."""
        return []

    @property
    def chains(self) -> tuple[Chain, ...]:
        """The chains inside, in the order in which they run."""
        return ()

    def plan_backward(
        self, dys: list[Array], *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> list[Array] | None:
        """Lay out ``backward``; returns ``dx`` by shard where it is needed."""
        raise NotImplementedError


class Op:
    """One step of a layer, not yet bound to a batch."""

    name: str
    monotone = False
    """Whether it never puts two values of a channel in another order, so that it commutes with a
    maximum: then a max pool may come first and leave it less to do, to the same result."""
    saves_output = False
    """Whether the backward pass reads ``y``, so that the next operation must not overwrite it."""

    in_place = False
    """Whether ``y`` takes the place of ``x`` where it may."""

    @property
    def frame(self) -> Padding:
        """The frame that it likes its input to lie in."""
        return UNFRAMED

    def plan_forward(
        self, xs: list[Array], shards: list[Shard], *, overwrite: bool, frame: Padding
    ) -> PlannedOp:
        """Bind to inputs by shard.

        ``overwrite``: ``y`` may take the place of ``x``. ``frame``: what ``y`` is to lie in.
        """
        raise NotImplementedError

    def prepare(self) -> None:
        """Bring what is derived from the weights up to date; before every pass."""

    @property
    def derived_bytes(self) -> int:
        """How much that takes, as far as it is laid out."""
        return 0


class ByShard(PlannedOp):
    """One kernel for each shard."""

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
                shard.memory,
                needs_input_grad=needs_input_grad,
                can_overwrite_grad=can_overwrite_grad,
            )
        self.backward = [Stage([kernel.backward for kernel in self.kernels])]
        dxs = [kernel.dx for kernel in self.kernels if kernel.dx is not None]
        return dxs or None


class ShardedOp(Op):
    """An operation that treats every shard by itself."""

    def plan_forward(
        self, xs: list[Array], shards: list[Shard], *, overwrite: bool, frame: Padding
    ) -> PlannedOp:
        kernels = [
            self.kernel(x, shard, overwrite=overwrite, frame=frame)
            for x, shard in zip(xs, shards, strict=True)
        ]
        return ByShard(kernels, shards)

    def kernel(self, x: Array, shard: Shard, *, overwrite: bool, frame: Padding) -> Kernel:
        """The kernel of one shard."""
        raise NotImplementedError


def wanted_frame(ops: Sequence[Op]) -> Padding:
    """The frame that the first of ``ops`` to leave its place likes its input to lie in."""
    return next((op.frame for op in ops if not op.in_place), UNFRAMED)


class Chain(PlannedOp):
    """Operations one after another."""

    def __init__(
        self, ops: Sequence[Op], xs: list[Array], shards: list[Shard], *, overwrite: bool
    ) -> None:
        self.ops, self.shards = ops, shards
        self.links: list[PlannedOp] = []
        self.ys = xs
        for number, op in enumerate(ops):
            frame = wanted_frame(ops[number + 1 :])
            link = op.plan_forward(self.ys, shards, overwrite=overwrite, frame=frame)
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
        for op, link in zip(reversed(self.ops), reversed(self.links), strict=True):
            assert current is not None
            needed = needs_input_grad or link is not self.links[0]
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
        return [commit for link in self.links for commit in link.post_step]

    def walk(self) -> Iterator[tuple[Op, PlannedOp]]:
        """Every operation with what it is bound to, in the order in which they run."""
        for op, link in zip(self.ops, self.links, strict=True):
            for chain in link.chains:
                yield from chain.walk()
            yield op, link

    def first_non_finite(self) -> str | None:
        """The name of the first layer with an output that is infinite or NaN."""
        for op, link in self.walk():
            if not all(np.isfinite(y).all() for y in link.ys):
                return op.name
        return None

    def _release(self, arrays: list[Array]) -> None:
        for array, shard in zip(arrays, self.shards, strict=True):
            shard.memory.release(array)
