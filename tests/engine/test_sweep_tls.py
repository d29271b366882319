"""A sweep's connection to a scheduler by TLS."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from children import run
from distributed import LocalCluster, Security

from cnn_tui.engine.errors import SweepError
from cnn_tui.engine.sweeps.cluster import Tls, remote_cluster

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the files")


def certificate(folder: Path) -> Tls:
    """A certificate that is its own authority."""
    folder.mkdir()
    cert, key = folder / "cert.pem", folder / "key.pem"
    kind = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    made = run(["openssl", *kind, "-keyout", str(key), "-out", str(cert)])
    assert made.returncode == 0, made.stderr
    return Tls(cert, cert, key)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return certificate(tmp_path_factory.mktemp("tls") / "own")


@pytest.fixture(scope="module")
def address(own: Tls) -> Iterator[str]:
    """The address of a scheduler and a worker in this process, which talk by TLS alone."""
    cert, key = str(own.cert), str(own.key)
    pairs = {
        f"tls_{who}_{what}": path
        for who in ("scheduler", "worker", "client")
        for what, path in (("cert", cert), ("key", key))
    }
    security = Security(tls_ca_file=cert, require_encryption=True, **pairs)
    with LocalCluster(
        n_workers=1,
        threads_per_worker=1,
        processes=False,
        protocol="tls://",
        host="127.0.0.1",
        security=security,
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
        worker_dashboard_address=None,
    ) as cluster:
        yield cluster.scheduler_address


def test_a_scheduler_is_reached_by_tls(own: Tls, address: str) -> None:
    assert address.startswith("tls://")
    with remote_cluster(address, own) as cluster:
        assert cluster.client.submit(abs, -7).result() == 7


def test_a_certificate_of_another_authority_is_one_line(address: str, tmp_path: Path) -> None:
    with pytest.raises(SweepError) as caught, remote_cluster(address, certificate(tmp_path / "a")):
        pass
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    empty, missing = tmp_path / "empty.pem", tmp_path / "missing.pem"
    empty.touch()
    for files, words in ((Tls(empty, missing, empty), str(missing)), (Tls(*[empty] * 3), "--tls")):
        with pytest.raises(SweepError, match=words), remote_cluster("tls://127.0.0.1:1", files):
            pass
