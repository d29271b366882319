"""Sweeps: two workers against one, the overhead, and what 1,000 workers do to the coordinator.

speed     16 short trials on 1 and on 2 workers, and the same runs back to back
crowd     a real scheduler with many workers in few processes, whose trials only sleep
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import msgspec
from distributed import Client, LocalCluster, get_worker

from cnn_tui.engine.data.catalog import load_network_data
from cnn_tui.engine.runs.train import new_run, train_recorded
from cnn_tui.engine.sweeps import placing
from cnn_tui.engine.sweeps.begin import new_sweep
from cnn_tui.engine.sweeps.cluster import Cluster
from cnn_tui.engine.sweeps.leading import Where, lead_sweep
from cnn_tui.engine.sweeps.plan import SweepPlan, read_plan
from cnn_tui.engine.sweeps.state import read_sweep
from cnn_tui.engine.sweeps.work import RunOutcome, TrialJob
from cnn_tui.engine.training.control import Control

SHORT = """
name = "short"
base = "digits-convnet"
[search]
sampler = "random"
trials = {trials}
[set]
epochs = {epochs}
[space]
lr = {{ log-uniform = [0.001, 0.1] }}
"""


def plan(trials: int, epochs: int) -> SweepPlan:
    return read_plan(SHORT.format(trials=trials, epochs=epochs), "short", Path())


def swept(what: SweepPlan, workers: int) -> tuple[float, float]:
    """Seconds of a sweep, and of those the start and the end of the cluster."""
    _, dataset, _ = load_network_data(what.base)
    with tempfile.TemporaryDirectory() as root:
        folder = new_sweep(Path(root), what, None)
        began = time.perf_counter()
        with Where(workers=workers).cluster(what) as cluster:
            # One thread each, so that one worker and two differ in nothing else.
            cluster = cluster._replace(threads=1)
            up = time.perf_counter()
            lead_sweep(folder, what, dataset, cluster, lambda line: None, lambda sweep: None)
            led = time.perf_counter() - up
        return time.perf_counter() - began - led, led


def back_to_back(what: SweepPlan) -> float:
    """Seconds of the same runs, one after the other in this process, on one thread."""
    _, dataset, _ = load_network_data(what.base)
    with tempfile.TemporaryDirectory() as root:
        lrs = [0.001 * 100 ** (i / what.trials) for i in range(what.trials)]
        began = time.perf_counter()
        for lr in lrs:
            network, control = what.network({"lr": lr}), Control()
            with new_run(Path(root), network, dataset, control=control) as recorder:
                train_recorded(network, dataset, recorder, control, lambda event: None, threads=1)
        return time.perf_counter() - began


def speed(epochs: int, rounds: int) -> None:
    """The least of some rounds each, as whatever else the machine does only ever adds."""
    what = plan(16, epochs)
    swept(plan(2, 1), 2)  # what is read from the disk is in memory afterwards
    found: dict[str, list[float]] = {"1 worker": [], "2 workers": [], "back to back": []}
    for _ in range(rounds):
        found["1 worker"].append(swept(what, 1)[1])
        cluster, two = swept(what, 2)
        found["2 workers"].append(two)
        found["back to back"].append(back_to_back(what))
        print("   ".join(f"{name} {times[-1]:.2f} s" for name, times in found.items()), flush=True)
    one, two, alone = (min(times) for times in found.values())
    print(f"16 trials of {epochs} epochs; start and end of a cluster {cluster:.1f} s")
    print(f"overhead of 1 worker against them {one / alone - 1:.1%} (wanted: below 5%)")
    print(f"2 workers are {one / two:.2f} times as fast as 1 (wanted: 1.8)")


def sleep_on_worker(job: TrialJob, topic: str, dataset: object = None) -> RunOutcome:
    """A trial that only reports: an epoch each second."""
    worker = get_worker()
    worker.log_event(topic, {"number": job.number, "seed": job.seed, "at": str(worker.name)})
    curve = []
    for epoch in range(1, job.network.training.epochs + 1):
        time.sleep(1.0)
        figures = (epoch, 1 - 1 / (epoch + 1 + job.number % 7), 1.0 / epoch)
        curve.append(figures)
        worker.log_event(topic, {"number": job.number, "seed": job.seed, "epochs": [figures]})
    return RunOutcome(state="completed", curve=tuple(curve))


def crowd(slots: int, trials: int, epochs: int, pruner: str) -> None:
    """Threads stand for workers: to the coordinator both are slots that report."""
    placing.run_on_worker = sleep_on_worker  # type: ignore[assignment]
    what = plan(trials, epochs)
    what = what._replace(search=msgspec.structs.replace(what.search, pruner=pruner))
    _, dataset, _ = load_network_data(what.base)
    with tempfile.TemporaryDirectory() as root:
        folder = new_sweep(Path(root), what, None)
        local = LocalCluster(
            n_workers=2,
            threads_per_worker=slots // 2,
            dashboard_address="127.0.0.1:0",
            memory_limit=0,
            silence_logs=50,
        )
        with local as cluster, Client(cluster, set_as_default=False) as client:
            before = resource.getrusage(resource.RUSAGE_SELF)
            began = time.perf_counter()
            at = Cluster(client, 1, "")
            lead_sweep(folder, what, dataset, at, lambda line: None, lambda sweep: None)
            seconds = time.perf_counter() - began
            after = resource.getrusage(resource.RUSAGE_SELF)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        memory = after.ru_maxrss / 1024
        messages = trials * (epochs + 2)
        journal, lines = folder.journal_file.stat().st_size, folder.trials_file.stat().st_size
        read = time.perf_counter()
        state = read_sweep(folder)
        read = time.perf_counter() - read
    print(f"{slots} slots, {trials} trials of {epochs} epochs of 1 s, pruner {pruner}")
    print(f"  {seconds:.1f} s, at best {epochs * -(-trials // slots)} s")
    print(
        f"  {messages / seconds:.0f} messages a second, {cpu / messages * 1e3:.2f} ms of CPU each"
    )
    print(f"  coordinator and scheduler: {cpu / seconds:.0%} of a core, {memory:.0f} MB")
    kilobytes = (journal / trials / 1024, lines / trials / 1024)
    print("  a trial: {:.1f} KB of journal, {:.1f} KB of lines".format(*kilobytes))
    print(f"  {len(state.trials)} trials are read in {read * 1000:.0f} ms")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("speed", "crowd"))
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--slots", type=int, default=100)
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--pruner", default="none")
    given = parser.parse_args()
    if given.what == "speed":
        speed(given.epochs, given.rounds)
    else:
        crowd(given.slots, given.trials, given.epochs, given.pruner)
