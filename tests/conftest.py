"""What every test may use."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings

# Test folders are no packages, so that their helpers are found by name.
sys.path.append(str(Path(__file__).parent))
pytest_plugins = ["guard"]

# A shared machine may stall for a second: only wrong results fail, never slow ones.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
FUZZ = int(os.environ.get("CNN_TUI_FUZZ", "1"))
"""How many times as many examples as usual, other ones each time: `make fuzz`."""
settings.register_profile(
    "fuzz", settings.get_profile("steady"), derandomize=False, max_examples=100 * FUZZ
)
settings.load_profile("steady" if FUZZ == 1 else "fuzz")

# Under nohup a hang-up is ignored, and every program that the tests start would inherit that.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# PyTorch's threads wait for each other without a rest, and take turns with those of other tests:
# twice the CPU on two cores.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

_MNIST = Path(__file__).parents[1] / ".." / "shared" / "data" / "mnist"


@pytest.fixture
def mnist_dir() -> Path:
    """The folder of the real MNIST files, which are not part of the project."""
    if not _MNIST.is_dir():
        pytest.skip("the real MNIST files are not here (expected in ../shared/data/mnist)")
    return _MNIST


@pytest.fixture
def loopback() -> None:
    """This machine reaches itself by TCP, which one without any network may not."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        try:
            socket.create_connection(server.getsockname(), timeout=10).close()
        except OSError as error:
            pytest.skip(f"127.0.0.1 cannot be reached here: {error}")


@pytest.fixture(autouse=True, scope="session")
def own_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Runs and data go elsewhere than to the user's own folders; those of processes, too."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("XDG_DATA_HOME", str(home / "data"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
        monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        yield


class Printed(NamedTuple):
    """What a command line came to."""

    code: int
    out: str
    err: str


Cli = Callable[..., Printed]

_LONGEST_ID = 200


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a long value by its beginning: the ids of all tests are sent between the processes."""
    if isinstance(val, str | bytes) and len(val) > _LONGEST_ID:
        return f"{val[:40]!a}... ({len(val):,})"
    return None


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command line in this process: ``cli("check", "lenet5")``."""
    from cnn_tui.tui.cli.main import main

    def run(*args: object) -> Printed:
        capsys.readouterr()
        # A process of its own would take them with it: settings are kept in variables.
        with patch.dict(os.environ):
            code = main([str(arg) for arg in args])
        return Printed(code, *capsys.readouterr())

    return run
