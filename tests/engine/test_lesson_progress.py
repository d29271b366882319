"""What a person has solved: kept at once, by name, whatever happens to the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cnn_tui.engine.lessons.progress import Attempt, LessonProgress
from cnn_tui.engine.storage import Storage


@pytest.fixture
def progress(tmp_path: Path) -> LessonProgress:
    return LessonProgress(tmp_path / "new" / "lessons.json")


def test_tries_hints_and_the_solution_are_kept(progress: LessonProgress) -> None:
    assert progress.read() == {}
    progress.begun("padding")
    began = progress.of("padding").began
    progress.begun("padding")
    progress.tried("padding", solved=False)
    progress.hinted("padding", 2)
    progress.hinted("padding", 1)
    progress.saw_solution("padding")
    progress.tried("padding", solved=True)
    other = LessonProgress(progress.path).of("padding")
    assert other == Attempt(
        solved=True,
        tries=2,
        hints=2,
        solution_seen=True,
        began=began,
        solved_at=other.solved_at,
    )
    assert other.solved_at >= began > ""


def test_after_the_right_try_nothing_counts(progress: LessonProgress) -> None:
    solved = progress.tried("padding", solved=True)
    progress.tried("padding", solved=False)
    progress.hinted("padding", 3)
    progress.saw_solution("padding")
    assert progress.of("padding") == solved


def test_two_processes_do_not_undo_each_other(progress: LessonProgress) -> None:
    other = LessonProgress(progress.path)
    progress.tried("a", solved=True)
    other.tried("b", solved=True)
    assert set(progress.read()) == {"a", "b"}


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"lessons": 3}', "\x00" * 100, "[" * 9999],
)
def test_a_damaged_file_counts_as_none_and_is_set_aside(
    progress: LessonProgress, content: str
) -> None:
    progress.path.parent.mkdir()
    progress.path.write_text(content)
    assert progress.read() == {}
    progress.tried("padding", solved=True)
    assert progress.of("padding").solved
    assert progress.path.with_suffix(".damaged.json").read_text() == content


def test_a_file_of_a_later_version_is_left_as_it_is(progress: LessonProgress) -> None:
    progress.path.parent.mkdir()
    progress.path.write_text(later := '{"version": 99, "lessons": {"a": {"solved": true}}}')
    assert progress.read() == {}
    with pytest.raises(OSError, match="update cnn-tui"):
        progress.tried("padding", solved=True)
    assert progress.path.read_text() == later


def test_a_damaged_entry_is_left_out(progress: LessonProgress) -> None:
    progress.path.parent.mkdir()
    entries = {"a": {"solved": True}, "b": {"solved": "yes"}, "c": 3, "d": {"hints": 99}}
    progress.path.write_text(json.dumps({"version": 1, "lessons": entries}))
    assert progress.read() == {"a": Attempt(solved=True)}


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    class Full(Storage):
        def write(self, file: object, data: object) -> None:
            raise OSError(28, "No space left on device")

    path = tmp_path / "lessons.json"
    LessonProgress(path).tried("a", solved=True)
    with pytest.raises(OSError, match="No space"):
        LessonProgress(path, Full()).tried("b", solved=True)
    assert set(LessonProgress(path).read()) == {"a"}
    assert [one.name for one in tmp_path.iterdir()] == ["lessons.json"]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_text('{"lessons": {"a": {"solved": true}}}')
    (tmp_path / "lessons.json").symlink_to(tmp_path / "target")
    assert LessonProgress(tmp_path / "lessons.json").read() == {}
