"""``.ci/release`` in a clone: what it changes, and that it changes nothing when it refuses."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from children import run

ROOT = Path(__file__).parents[1]
DIST = """#!/bin/sh
mkdir -p dist
for end in -py3-none-any.whl .tar.gz; do touch "dist/cnn_tui-{built}$end"; done
"""
"""In place of the real one, which tests/test_packaging.py tries by its parts."""
CHANGELOG = "# Changelog\n\n## 9.0.0, not yet released\n\n- A change.\n\n## 8.0.0, 2026-01-01\n"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    if not shutil.which("git"):
        pytest.skip("git is not here")
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "release", tmp_path / ".ci")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / ".gitignore").write_text("dist/\n")
    (tmp_path / ".ci" / "dist").write_text(DIST.format(built="9.1.0"))
    (tmp_path / ".ci" / "dist").chmod(0o755)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "All")
    return tmp_path


NOBODY = {
    f"GIT_{role}_{what}": "test@localhost"
    for role in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}


def git(folder: Path, *words: str) -> str:
    return run(["git", *words], cwd=folder, env={**os.environ, **NOBODY}).stdout


def release(folder: Path, version: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, **NOBODY}
    return run(["bash", ".ci/release", version], cwd=folder, env=environ, check=False)


def test_a_release_is_a_commit_a_tag_and_files_that_stay_here(repository: Path) -> None:
    done = release(repository, "9.1.0")
    assert done.returncode == 0, done.stderr
    assert 'version = "9.1.0"' in git(repository, "show", "v9.1.0:pyproject.toml")
    changes = git(repository, "show", "v9.1.0:CHANGELOG.md")
    assert "not yet released" not in changes and "\n## 9.1.0, 2" in changes
    assert git(repository, "log", "-1", "--format=%s").strip() == "Release 9.1.0"
    assert git(repository, "status", "--porcelain") == ""
    assert "twine upload dist/*" in done.stdout and "project.urls" in done.stdout


@pytest.mark.parametrize(
    ("version", "words"), [("", "such as 0.1.0"), ("1.0", "such as 0.1.0"), ("9.9.9", "as it was")]
)
def test_a_refused_release_changes_nothing(repository: Path, version: str, words: str) -> None:
    before = git(repository, "rev-parse", "HEAD")
    done = release(repository, version)
    assert done.returncode == 1 and words in done.stderr
    assert git(repository, "rev-parse", "HEAD") == before
    assert git(repository, "status", "--porcelain") == git(repository, "tag") == ""


def test_what_is_not_committed_and_a_changelog_without_news_are_refused(repository: Path) -> None:
    changes = repository / "CHANGELOG.md"
    changes.write_text(CHANGELOG.replace(", not yet released", ", 2026-02-02"))
    assert "not committed" in release(repository, "9.1.0").stderr
    git(repository, "commit", "-q", "-a", "-m", "No news")
    assert "not yet released" in release(repository, "9.1.0").stderr
