"""Operations that keep what they compute, so that a network can be looked into."""

from __future__ import annotations

from cnn_tui.engine.layers.base import Chain, Op, PlannedOp, Task
from cnn_tui.engine.ops.kernel import Shard
from cnn_tui.engine.ops.memory import NO_HALO, Arena, Array, Padding


class KeptOp(Op):
    """An operation that overwrites neither its input nor the gradient of its output."""

    def __init__(self, op: Op) -> None:
        self.op, self.name = op, op.name

    @property
    def halo(self) -> Padding:
        return self.op.halo

    def plan_forward(
        self, xs: list[Array], shards: list[Shard], *, overwrite: bool, halo: Padding
    ) -> PlannedOp:
        return PlannedKept(self.op.plan_forward(xs, shards, overwrite=False, halo=halo))

    def prepare(self) -> None:
        self.op.prepare()

    @property
    def derived_bytes(self) -> int:
        return self.op.derived_bytes


class PlannedKept(PlannedOp):
    """A kept operation bound to a batch: ``ys`` and, once planned, their gradients ``dys``."""

    dys: list[Array]

    def __init__(self, planned: PlannedOp) -> None:
        self.planned, self.ys, self.forward = planned, planned.ys, planned.forward

    @property
    def post_step(self) -> list[Task]:
        return self.planned.post_step

    @property
    def chains(self) -> tuple[Chain, ...]:
        return self.planned.chains

    def plan_backward(
        self, dys: list[Array], *, needs_input_grad: bool, can_overwrite_grad: bool
    ) -> list[Array] | None:
        self.dys = dys
        dxs = self.planned.plan_backward(dys, needs_input_grad=True, can_overwrite_grad=False)
        self.backward = self.planned.backward
        return dxs


class KeepingArena(Arena):
    """An arena in which the gradients live as long as the plan; only scratch is reused."""

    def gradient_of(self, x: Array) -> Array:
        """An array of its own for the gradient of ``x``, with the halo that was announced."""
        return self.allocate(x.shape, self._expected.get(int(x.ctypes.data), NO_HALO))
