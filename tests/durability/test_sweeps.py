"""Sweeps on a real scheduler with real workers, some of which are killed; killed coordinators."""

from __future__ import annotations

import importlib.metadata
import os
import re
import resource
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import distributed
import msgspec
import numpy as np
import pytest
from children import run
from clusters import begin_cluster, limiting_files
from processes import Training, final_weights

from cnn_tui.engine.data.catalog import load_network_data
from cnn_tui.engine.decoding import encode
from cnn_tui.engine.errors import SweepError
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.names import run_names
from cnn_tui.engine.sweeps import placing
from cnn_tui.engine.sweeps.begin import new_sweep
from cnn_tui.engine.sweeps.folder import SweepFolder, open_sweep
from cnn_tui.engine.sweeps.leading import Placement, lead_sweep
from cnn_tui.engine.sweeps.lines import SweepLine, TrialEnded, TrialReported
from cnn_tui.engine.sweeps.plan import load_sweep
from cnn_tui.engine.sweeps.state import read_sweep

pytestmark = pytest.mark.slow

SWEEP = """
name = "s"
base = "digits-convnet"
[search]
sampler = "random"
trials = 6
[set]
epochs = 3
"conv1.out_channels" = 8
[space]
lr = { log-uniform = [0.01, 0.1] }
"""
EVERY = ("--checkpoint-every", "10")


def sweep_file(folder: Path, text: str = SWEEP) -> Path:
    path = folder / "s.toml"
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a scheduler with two workers; each has a nanny that replaces it."""
    yield begin_cluster(tmp_path_factory.mktemp("dask"), 2)[1]


@pytest.fixture(autouse=True, scope="module")
def what_a_test_starts_ends_with_it(nothing_outlives_its_module: None) -> Iterator[None]:
    """In place of the fixture for every test: the scheduler serves the whole module."""
    yield
    from children import end_started

    end_started()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> SweepFolder:
    """A sweep on processes of this machine."""
    root = tmp_path_factory.mktemp("undisturbed")
    training = Training("sweep", sweep_file(root), "--runs-dir", root, "--workers", "2", *EVERY)
    assert training.finish() == (0, "")
    return open_sweep(root, "s-1")


def require_equal(first: SweepFolder, second: SweepFolder) -> None:
    """The same trials with the same figures and weights, to the bit, and one folder each."""
    trials = {folder.name: read_sweep(folder).trials for folder in (first, second)}
    one, other = (
        {t.number: (t.values, t.state, t.best, t.curve) for t in read_sweep(folder).trials}
        for folder in (first, second)
    )
    assert one == other, trials
    names = {trial.run for trial in read_sweep(first).trials}
    for folder in (first, second):
        assert set(run_names(folder.runs)) - {"s.toml"} == names
    for name in names:
        weights = [final_weights(RunFolder(folder.runs / name)) for folder in (first, second)]
        assert weights[0].keys() == weights[1].keys()
        assert all(np.array_equal(weights[0][key], weights[1][key]) for key in weights[0])


def test_workers_that_are_killed_change_nothing(
    undisturbed: SweepFolder, scheduler: str, tmp_path: Path
) -> None:
    training = Training(
        *("sweep", sweep_file(tmp_path), "--runs-dir", tmp_path, "--scheduler", scheduler, *EVERY)
    )
    workers: dict[int, str] = {}
    killed: set[int] = set()
    with distributed.Client(scheduler, set_as_default=False) as client:
        while event := training.read():
            number = event.get("number")
            if event["event"] == "trial_started":
                workers[number] = event["worker"]
            elif event["event"] == "trial_reported" and number % 3 == 0 and number not in killed:
                killed.add(number)
                address = f"tcp://{workers[number]}"
                client.run(
                    lambda: os.kill(os.getpid(), signal.SIGKILL),
                    workers=[address],
                    on_error="ignore",
                )
    assert training.finish() == (0, "")
    folder = open_sweep(tmp_path, "s-1")
    assert killed == {0, 3}
    assert any(trial.attempts > 1 for trial in read_sweep(folder).trials)
    require_equal(undisturbed, folder)


def test_a_coordinator_that_is_killed_or_stopped_is_taken_up(
    undisturbed: SweepFolder, tmp_path: Path
) -> None:
    here = ("--runs-dir", tmp_path, "--workers", "2", *EVERY)
    first = Training("sweep", sweep_file(tmp_path), *here)
    while first.wait_for("trial_ended")["number"] < 1:
        pass
    first.process.kill()
    first.finish()
    folder = open_sweep(tmp_path, "s-1")
    begun = read_sweep(folder)
    assert begun.phase == "interrupted"
    ended = {trial.number for trial in begun.trials if trial.state == "finished"}
    second = Training("sweep", "resume", "s-1", *here)
    second.wait_for("trial_reported")
    # As from a terminal: also to the workers, which must not end with it.
    os.killpg(second.process.pid, signal.SIGINT)
    assert second.finish() == (130, "")
    stopped = read_sweep(folder)
    assert stopped.phase == "stopped"
    assert {trial.state for trial in stopped.trials} <= {"waiting", "finished"}
    third = Training("sweep", "resume", "s-1", *here)
    assert third.finish() == (0, "")
    started = {e["number"] for e in second.events + third.events if e["event"] == "trial_started"}
    assert not ended & started
    require_equal(undisturbed, folder)


def test_a_scheduler_that_is_lost_is_one_line_and_loses_nothing(
    undisturbed: SweepFolder, tmp_path: Path
) -> None:
    (tmp_path / ".dask").mkdir()
    lost, address = begin_cluster(tmp_path / ".dask", 1)
    here = ("--runs-dir", tmp_path, *EVERY)
    training = Training("sweep", sweep_file(tmp_path), *here, "--scheduler", address)
    training.wait_for("trial_reported")
    lost.kill()
    code, err = training.finish()
    assert code == 1
    assert err.startswith(f"cnn-tui: error: The scheduler at {address} is lost")
    assert err.count("\n") == 1
    assert Training("sweep", "resume", "s-1", *here, "--workers", "2").finish() == (0, "")
    require_equal(undisturbed, open_sweep(tmp_path, "s-1"))


def test_a_run_that_fails_three_times_is_marked_and_the_sweep_goes_on(
    undisturbed: SweepFolder, tmp_path: Path
) -> None:
    shutil.copytree(undisturbed.runs / "s-1-1", tmp_path / "s-1-0")
    here = ("--runs-dir", tmp_path, "--workers", "1", "--trials", "2")
    assert Training("sweep", sweep_file(tmp_path), *here).finish() == (0, "")
    first, second = read_sweep(open_sweep(tmp_path, "s-1")).trials
    assert (first.state, first.attempts, second.state) == ("failed", 3, "finished")
    assert "has another network than its trial" in first.reason


def test_the_best_trial_alone_has_the_same_bits(undisturbed: SweepFolder) -> None:
    best = read_sweep(undisturbed).best
    assert best is not None
    alone = Training("reproduce", best.run, "--runs-dir", undisturbed.runs)
    assert alone.finish()[0] == 0
    assert "same-bits" in {event.get("code") for event in alone.events}
    # Its name must not be one of a later trial.
    assert alone.events[0]["run"] == "s-1"
    run(["rm", "-r", undisturbed.runs / "s-1"])


def test_workers_without_the_folder_send_their_runs(
    undisturbed: SweepFolder, scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = load_sweep(str(sweep_file(tmp_path)))
    folder = new_sweep(tmp_path, plan, None)
    _, dataset, _ = load_network_data(plan.base)
    monkeypatch.setattr(placing.Placer, "_is_shared", lambda self: False)

    def begun(coordinator: object) -> None:
        # The coordinator has read its own token: now the workers find another one.
        info = msgspec.structs.replace(folder.info(), token="of another folder")
        folder.info_file.write_bytes(encode(info))

    with Placement(scheduler=scheduler).cluster(plan) as cluster:
        phase = lead_sweep(folder, plan, dataset, cluster, lambda line: None, begun, 10)
    assert phase == "finished"
    require_equal(undisturbed, folder)


def test_a_full_disk_on_a_worker_is_one_line_and_loses_nothing(
    tmp_path: Path, scheduler: str
) -> None:
    path = sweep_file(tmp_path, SWEEP.replace("epochs = 3", "epochs = 12"))
    plan = load_sweep(str(path)).with_trials(1)
    folder = new_sweep(tmp_path, plan, None)
    _, dataset, _ = load_network_data(plan.base)
    ends: list[TrialEnded] = []

    with Placement(scheduler=scheduler).cluster(plan) as cluster:

        def tell(line: SweepLine) -> None:
            if isinstance(line, TrialEnded):
                ends.append(line)
            elif isinstance(line, TrialReported) and folder.run_of("s-1-0").states:
                cluster.client.run(limiting_files(1_000))

        lead_sweep(folder, plan, dataset, cluster, tell, lambda _: None, checkpoint_every=10)
        cluster.client.run(limiting_files(resource.RLIM_INFINITY))
    (end,) = ends
    assert end.state == "failed" and "\n" not in end.reason
    assert "could not be written: File too large" in end.reason
    alone = Training("resume", "s-1-0", "--runs-dir", tmp_path)
    assert alone.finish()[0] == 0
    assert alone.events[0]["from_step"] > 0 and alone.events[-1]["reason"] == "completed"


def test_a_complete_sweep_gets_more_trials(tmp_path: Path) -> None:
    here = ("--runs-dir", tmp_path, "--workers", "2")
    path = sweep_file(tmp_path, SWEEP.replace("epochs = 3", "epochs = 1\nlimit = 200"))
    assert Training("sweep", path, "--trials", "2", *here).finish() == (0, "")
    folder = open_sweep(tmp_path, "s-1")
    before = read_sweep(folder).trials
    code, err = Training("sweep", "resume", "s-1", "--trials", "2", *here).finish()
    assert code == 1 and "The sweep s-1 has 2 trials already." in err
    more = Training("sweep", "resume", "s-1", "--trials", "4", *here)
    assert more.finish() == (0, "")
    after = read_sweep(folder)
    assert after.trials[:2] == before and after.total == len(after.trials) == 4
    assert {event["number"] for event in more.events if event["event"] == "trial_started"} == {2, 3}


def test_another_version_is_one_line_before_anything_begins(
    scheduler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = load_sweep(str(sweep_file(tmp_path)))

    def refused() -> str:
        with pytest.raises(SweepError) as error, Placement(scheduler=scheduler).cluster(plan):
            pass
        assert "\n" not in str(error.value)
        return str(error.value)

    with monkeypatch.context() as here:
        here.setattr(distributed, "__version__", "2024.1.0")
        assert re.fullmatch(
            rf"the scheduler at {scheduler} has distributed [0-9.]+, this machine 2024\.1\.0\. "
            r"Install the same on both: pip install distributed==2024\.1\.0",
            refused(),
        )
    with distributed.Client(scheduler, set_as_default=False) as client:
        client.run(showing_package(False))
        try:
            assert "has no cnn-tui, this machine" in (words := refused())
            assert 'Install it there: pip install "cnn-tui[cluster]==' in words
        finally:
            client.run(showing_package(True))


def showing_package(there: bool) -> Callable[[], None]:
    """Lets a worker have the metadata of this package, or not."""

    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    def show() -> None:
        own = importlib.metadata.distribution("cnn-tui").version
        importlib.metadata.version = (lambda name: own) if there else missing

    return show


def test_optuna_dashboard_reads_the_folder(undisturbed: SweepFolder) -> None:
    dashboard = pytest.importorskip("optuna_dashboard._storage_url")
    storage = dashboard.get_storage(
        str(undisturbed.journal_file), storage_class="JournalFileStorage"
    )
    (study,) = storage.get_all_studies()
    assert study.study_name == "s-1"
    assert len(storage.get_all_trials(study._study_id)) == len(read_sweep(undisturbed).trials)


_IMPATIENT = """
import sys
from cnn_tui.engine.sweeps import cluster
from cnn_tui.tui.cli.main import main
cluster._PATIENCE = 0.5
sys.exit(main(sys.argv[1:]))
"""


def test_a_scheduler_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    words = ["sweep", str(sweep_file(tmp_path)), "--runs-dir", str(tmp_path)]
    words += ["--scheduler", "tcp://127.0.0.1:9"]
    done = run([sys.executable, "-c", _IMPATIENT, *words], check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("cnn-tui: error: There is no scheduler at tcp://127.0.0.1:9")
    assert done.stderr.count("\n") == 1
    assert not run_names(tmp_path / ".sweeps")
