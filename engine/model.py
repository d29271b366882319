"""A network with weights: scores of images, and the loss and gradients of a batch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from cnn_tui.engine.batch_checks import (
    check_images,
    check_targets,
    gradient_not_finite,
    loss_not_finite,
)
from cnn_tui.engine.layers.base import Task
from cnn_tui.engine.layers.building import Operations
from cnn_tui.engine.opened import Opened
from cnn_tui.engine.ops.loss import Weighting
from cnn_tui.engine.ops.memory import Array
from cnn_tui.engine.parameters import Parameter
from cnn_tui.engine.plan import MakeLoss, Plan
from cnn_tui.engine.protocol import MOST_BYTES, BatchResult
from cnn_tui.engine.threads import WorkerPool

KEPT_PLANS = 3
"""Batch sizes whose plans are kept: the usual one, that of the last short batch, and one more."""


class Model:
    """A network with weights; its methods are those of :class:`~cnn_tui.engine.protocol.Engine`."""

    def __init__(
        self,
        parts: Operations,
        kept: Callable[[], Operations],
        make_loss: MakeLoss,
        threads: int,
    ) -> None:
        self.ops, self.store, self.buffers, self.mode = parts[:4]
        self.input_shape = parts.input_shape
        self.dtype = self.store.data.dtype
        self._kept, self._make_loss = kept, make_loss
        self._frozen = parts.frozen
        self._bytes_per_image = parts.largest_activation * self.dtype.itemsize
        self._macs = parts.macs
        self._workers = WorkerPool(threads)
        self._plans: OrderedDict[int, Plan] = OrderedDict()
        self._training_passes: dict[int, list[Sequence[Task]]] = {}

    @property
    def parameters(self) -> dict[str, Parameter]:
        """The learned arrays by name, in the order of the layers."""
        return {parameter.name: parameter for parameter in self.store.parameters}

    @property
    def threads(self) -> int:
        """Number of threads; they change the time, never a bit of the result."""
        return self._workers.threads

    def forward(self, images: Array, training: bool = False) -> Array:
        """Scores ``(N, classes)``; ``training`` uses batch statistics and applies dropout."""
        self._check_images(images)
        plan = self._plan(len(images))
        self.mode.training = training
        plan.images = images
        self._run(plan.forward)
        if training:
            self._commit(plan)
        return plan.logits

    def train_batch(
        self,
        images: Array,
        targets: np.ndarray,
        weights: Array | None = None,
        others: np.ndarray | None = None,
        other_weights: Array | None = None,
    ) -> BatchResult:
        """The loss and the gradients of a batch, as ``Engine.train_batch`` says."""
        plan = self._prepare_training(images, targets)
        if weights is not None:
            plan.weigh(Weighting(weights, others, other_weights))
        self._run(self._training_passes[plan.batch])
        result = BatchResult(
            sum(loss.total for loss in plan.losses) / plan.batch,
            sum(loss.correct for loss in plan.losses),
            plan.gradient_norm,
        )
        self._check_finite(plan, result)
        self._commit(plan)
        self.mode.step += 1
        return result

    def train_stages(self, images: Array, targets: np.ndarray) -> Iterator[tuple[str, bool]]:
        """Run :meth:`train_batch` stage by stage, as ``Engine.train_stages`` says."""
        plan = self._prepare_training(images, targets)
        for is_backward, stages in enumerate(plan.stages):
            for stage in stages:
                self._workers.run(stage.tasks)
                yield stage.owner, bool(is_backward)

    def _prepare_training(self, images: Array, targets: np.ndarray) -> Plan:
        self._check_images(images)
        plan = self.plan_training(len(images))
        check_targets(targets, len(images), len(plan.scores[0]))
        self.mode.training = True
        plan.images = images
        plan.targets[:] = targets
        plan.weigh(None)
        return plan

    def plan_training(self, batch: int) -> Plan:
        """The plan of a batch size, including its backward pass."""
        plan = self._plan(batch)
        if batch not in self._training_passes:
            self._training_passes[batch] = plan.bind_training(self._make_loss)
        return plan

    def loss_of(self, logits: Array, targets: np.ndarray) -> float:
        """Mean data loss of scores ``(N, classes)``; not finite if a score is not."""
        scores = np.ascontiguousarray(logits.T)
        kernel = self._make_loss(scores, np.empty_like(scores), targets, len(targets))
        self._workers.run([kernel.run])
        return kernel.total / len(targets)

    def opened(
        self,
        images: Array,
        *,
        training: bool = False,
        threads: int | None = None,
        limit: int = MOST_BYTES,
    ) -> Opened:
        """A copy of the network as it is now that shows what every layer makes of ``images``."""
        self._check_images(images)
        parts = self._kept()
        pairs = zip(parts.store.parameters, self.store.parameters, strict=True)
        for kept, own in pairs:
            np.copyto(kept.storage, own.storage)
        for name, buffer in self.buffers.items():
            np.copyto(parts.buffers[name], buffer)
        return Opened(
            parts,
            self._make_loss,
            images,
            training=training,
            threads=threads or self.threads,
            limit=limit,
        )

    def close(self) -> None:
        """End the threads; the model cannot run afterwards."""
        self._workers.close()

    def run_tasks(self, tasks: Sequence[Task]) -> None:
        """Run independent tasks on the model's threads."""
        self._workers.run(tasks)

    def _run(self, stages: Sequence[Sequence[Task]]) -> None:
        self._workers.run_stages(stages)

    def _plan(self, batch: int) -> Plan:
        if batch in self._plans:
            self._plans.move_to_end(batch)
            return self._plans[batch]
        while len(self._plans) >= KEPT_PLANS:
            dropped, _ = self._plans.popitem(last=False)
            self._training_passes.pop(dropped, None)
        plan = Plan(
            self.ops,
            self.store,
            batch,
            self.input_shape,
            self._bytes_per_image,
            self._macs,
            frozen=self._frozen,
        )
        self._plans[batch] = plan
        return plan

    def _commit(self, plan: Plan) -> None:
        for commit in plan.commits:
            commit()

    def _check_images(self, images: Array) -> None:
        check_images(images, self.dtype, self.input_shape)

    def _check_finite(self, plan: Plan, result: BatchResult) -> None:
        if not np.isfinite(result.loss):
            raise loss_not_finite(result.loss, plan.chain.first_non_finite())
        if np.isfinite(result.gradient_norm):
            return
        # Squares of finite numbers may overflow, so each value is checked.
        parameter = self.store.first_non_finite()
        if parameter is not None:
            raise gradient_not_finite(parameter.name)
