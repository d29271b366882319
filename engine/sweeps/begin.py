"""Beginning a sweep, or taking one up again: what both have in common."""

from __future__ import annotations

import secrets
from pathlib import Path

from cnn_tui.engine.errors import SweepError
from cnn_tui.engine.runs.stamp import package_version, utc_now
from cnn_tui.engine.specs.codec import dumps_network, load_network
from cnn_tui.engine.specs.files import read_text
from cnn_tui.engine.specs.network import MAX_FILE_BYTES
from cnn_tui.engine.sweeps.folder import SweepFolder, SweepInfo, create_sweep
from cnn_tui.engine.sweeps.plan import SweepPlan, read_plan
from cnn_tui.engine.sweeps.state import SweepState
from cnn_tui.engine.sweeps.writing import dumps_sweep


def new_sweep(root: Path, plan: SweepPlan, data_dir: Path | None) -> SweepFolder:
    """Create the folder of a new sweep beside the runs in ``root``.

    Raises:
        RunError: if it cannot be written.
    """
    info = SweepInfo(
        created=utc_now(),
        version=package_version(),
        data_dir=str(data_dir.resolve()) if data_dir else "",
        token=secrets.token_hex(16),
    )
    return create_sweep(root, plan.name, info, dumps_sweep(plan), dumps_network(plan.base))


def plan_of(folder: SweepFolder) -> SweepPlan:
    """The plan of a sweep, from its own folder: the files that it was made of may have changed.

    Raises:
        SpecError: if its files cannot be read.
    """
    base = load_network(folder.base_file, links=False)
    text = read_text(folder.sweep_file, MAX_FILE_BYTES, links=False)
    return read_plan(text, str(folder.sweep_file), folder.path, base)


def extended(plan: SweepPlan, state: SweepState, trials: int) -> SweepPlan:
    """The plan of a sweep that continues until it has ``trials`` in all.

    Raises:
        SweepError: if it has as many already, or they are the points of a grid.
    """
    if plan.search.sampler == "grid":
        raise SweepError(f"{state.name} is a grid, which has no more points than it has.")
    if trials <= state.total:
        raise SweepError(
            f"The sweep {state.name} has {state.total:,} trials already.",
            f"Give more than that: --trials {2 * state.total}",
        )
    return plan.with_trials(trials)


def require_extra() -> None:
    """Import Dask and Optuna.

    Raises:
        SweepError: if they are not installed; the hint says how to.
    """
    try:
        import distributed  # noqa: F401
        import optuna  # noqa: F401
    except ImportError as error:
        raise SweepError(
            f"A sweep needs Dask and Optuna, which are not installed: {error.name} is missing.",
            'Install them with: pip install "cnn-tui[cluster]"',
        ) from None
