"""A plugin of pytest: nothing that a test starts outlives it, and what does fails the tests."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest
from children import MARK, end_leftovers, end_started, watch


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput"):
        os.environ[MARK] += config.workerinput["workerid"] + "/"
        return
    os.environ[MARK] = f"{os.environ.get(MARK, '')}{secrets.token_hex(4)}/"
    config.add_cleanup(watch(os.environ[MARK]).communicate)


@pytest.fixture(autouse=True)
def what_a_test_starts_ends_with_it() -> Iterator[None]:
    yield
    end_started()


@pytest.fixture(autouse=True, scope="module")
def nothing_outlives_its_module() -> Iterator[None]:
    yield
    if left := end_leftovers(os.environ[MARK]):
        pytest.fail("still running after the tests:\n" + "\n".join(left), pytrace=False)


@pytest.hookimpl(trylast=True)  # After the workers have ended.
def pytest_sessionfinish(session: pytest.Session) -> None:
    if hasattr(session.config, "workerinput"):
        return
    if left := end_leftovers(os.environ[MARK]):
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        for words in left:
            reporter.ensure_newline()
            reporter.write_line(f"ERROR: still running after the tests: {words}", red=True)
        session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
