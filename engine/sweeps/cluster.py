"""The cluster of a sweep: processes of this machine, or whatever a Dask scheduler has."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import dask
import distributed
from distributed import Client, LocalCluster, Security

from cnn_tui.engine.cores import default_threads
from cnn_tui.engine.errors import SweepError, reason_of
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.sweeps.worker import can_read, version

_PATIENCE = 10.0
"""Seconds to wait for a scheduler."""


class Tls(NamedTuple):
    """The files of a connection by TLS, as ``dask worker`` takes them."""

    ca_file: Path
    cert: Path
    key: Path


class Cluster(NamedTuple):
    """A connection to a scheduler."""

    client: Client
    threads: int
    """Threads of each run; 0 where each worker shares out its cores."""
    address: str
    """The address of a scheduler that somebody else has begun; empty for a local cluster."""


@contextmanager
def local_cluster(workers: int | None = None, most: int | None = None) -> Iterator[Cluster]:
    """Processes of this machine, which end with this one.

    BLAS gets one thread in each before NumPy is imported, as Dask's nannies see to; the engine
    shares the cores out.

    Args:
        workers: number of processes; one a core if None.
        most: no more processes than this.
    """
    cores = default_threads()
    count = workers or max(1, min(cores, most or cores))
    _quieten()
    with (
        # Its profiler stops a worker's training a hundred times a second.
        dask.config.set({"distributed.worker.profile.enabled": False}),
        LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            # Any free port; without an address Dask warns when its usual one is taken.
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            worker_dashboard_address=None,
            # A trial says itself when memory is short; Dask would kill its process.
            memory_limit=0,
            silence_logs=logging.CRITICAL,
            preload=["cnn_tui.engine.sweeps.worker_setup"],
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield Cluster(client, max(1, cores // count), "")


@contextmanager
def remote_cluster(address: str, tls: Tls | None = None) -> Iterator[Cluster]:
    """A scheduler that is there already, with workers that have this package.

    Raises:
        SweepError: if it cannot be reached, or it or its workers have other versions.
    """
    if address.startswith("tls://") and tls is None:
        raise SweepError(
            f"The scheduler at {address} wants TLS.", "Give the files: --tls CA CERT KEY"
        )
    _quieten()
    security = _security(tls)
    try:
        client = Client(address, timeout=_PATIENCE, security=security, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise SweepError(
            f"There is no scheduler at {address}: {_first_line(error)}.",
            "Start one with: dask scheduler",
        ) from None
    with client:
        _require_versions(client, address)
        yield Cluster(client, 0, address)


def reads_data(cluster: Cluster, network: Network, data_dir: Path | None) -> bool:
    """Whether every worker of another machine can read the data of a network itself."""
    if not cluster.address:
        return True
    answers = cluster.client.run(can_read, network, data_dir, on_error="ignore")
    return all(answers.values())


def _security(tls: Tls | None) -> Security | None:
    if tls is None:
        return None
    hint = "Give those of the certificate authority, the certificate and its key."
    if missing := [str(file) for file in tls if not file.is_file()]:
        raise SweepError(f"The files of --tls cannot be used: there is no {missing[0]}.", hint)
    try:
        ssl.create_default_context(cafile=tls.ca_file).load_cert_chain(tls.cert, tls.key)
    except OSError as error:
        raise SweepError(
            f"The files of --tls cannot be used: {_first_line(error)}.", hint
        ) from None
    return Security(
        tls_ca_file=str(tls.ca_file),
        tls_client_cert=str(tls.cert),
        tls_client_key=str(tls.key),
        require_encryption=True,
    )


def _require_versions(client: Client, address: str) -> None:
    found: Any = client.get_versions()
    here = distributed.__version__
    others = {"the scheduler": found["scheduler"], **found["workers"]}
    for who, facts in others.items():
        there = facts["packages"].get("distributed") if facts else None
        if there != here:
            raise SweepError(
                f"{who} at {address} has distributed {there}, this machine {here}.",
                f"Install the same on both: pip install distributed=={here}",
            )
    _require_package(client)


def _require_package(client: Client) -> None:
    def find() -> str:  # sent by value: the package may be missing there
        import importlib.metadata

        try:
            return importlib.metadata.version("cnn-tui")
        except importlib.metadata.PackageNotFoundError:
            return ""

    answers: dict[str, Any] = client.run(find, on_error="return")
    for worker, there in answers.items():
        if there != version():
            what = f"has cnn-tui {there}" if there else "has no cnn-tui"
            raise SweepError(
                f"The worker {worker} {what}, this machine {version()}.",
                f'Install it there: pip install "cnn-tui[cluster]=={version()}"',
            )


def _first_line(error: Exception) -> str:
    return reason_of(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__


def _quieten() -> None:
    """No lines of Dask between ours: what matters of them is in the state of the sweep."""
    for name in ("distributed", "tornado", "asyncio", *logging.root.manager.loggerDict):
        # Dask gives some of its loggers a level of their own.
        if name.partition(".")[0] in ("distributed", "tornado", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
