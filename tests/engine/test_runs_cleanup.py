"""Which files of runs can be deleted, and which must stay."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sessions import Session, assert_same, figures, noise_set, small_network

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.files import disk_use
from cnn_tui.engine.formats import RUN
from cnn_tui.engine.runs import manage
from cnn_tui.engine.runs.checkpoints import kept_states
from cnn_tui.engine.runs.cleanup import clean_up, list_bin, spares
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.history import list_runs
from cnn_tui.engine.runs.lock import Lock
from cnn_tui.engine.runs.recorder import Policy
from cnn_tui.engine.runs.train import with_epochs

DATA = noise_set()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A completed run, one that was stopped, and the same completed run for longer."""
    root = tmp_path_factory.mktemp("runs")
    Session(root, small_network(), DATA)
    Session(root, small_network(), DATA, stop_at=5)
    Session(root, small_network(epochs=5), DATA)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "runs")
    return tmp_path / "runs"


def test_the_size_of_a_folder_is_that_of_its_files(root: Path) -> None:
    sizes = [path.stat().st_size for path in root.rglob("*") if path.is_file()]
    assert disk_use(root) == sum(sizes)
    assert sum(entry.bytes for entry in list_runs(root, sizes=True)) == sum(sizes)
    (root / "loop").symlink_to(root)
    assert disk_use(root) < sum(sizes) + 1000
    assert disk_use(root / "missing") == 0


def test_a_completed_run_spares_all_states_but_its_best(root: Path) -> None:
    (found,) = spares(root)
    assert (found.kind, found.runs) == ("states", 2)
    assert all("/small-2/" not in path for path in found.paths)
    before = disk_use(root)
    freed = clean_up([found])
    assert freed == found.bytes == before - disk_use(root)
    assert spares(root) == ()
    (state,) = kept_states(RunFolder(root / "small-1"))
    assert state.best


def test_a_run_of_a_later_version_spares_nothing(root: Path) -> None:
    RunFolder(root / "small-1").info_file.write_text(f'{{"format":{RUN + 1}}}')
    (found,) = spares(root)
    assert all("/small-1/" not in path for path in found.paths)


def test_it_still_goes_on_from_its_best_to_the_same_bits(root: Path) -> None:
    clean_up(spares(root))
    folder = RunFolder(root / "small-1")
    longer = Session(folder, with_epochs(folder.network(), 5), DATA)
    whole = Session(root, small_network(epochs=5), DATA)
    assert_same(longer.weights, whole.weights)
    assert figures(longer.folder) == figures(RunFolder(root / "small-3"))


def test_without_a_best_state_the_last_stays(root: Path) -> None:
    (root / "small-1" / "best.safetensors").unlink()
    (root / "small-3" / "best.safetensors").unlink()
    assert spares(root) == ()


def test_the_bin_is_listed_and_emptied(root: Path) -> None:
    manage.delete_run(RunFolder(root / "small-2"))
    manage.delete_run(RunFolder(root / "small-1"))
    (root / ".bin" / "odd").mkdir()
    assert {one.name: one.arch for one in list_bin(root)} == {
        "small-1": "small", "small-2": "small", "odd": "",
    }  # fmt: skip
    bin_ = spares(root)[0]
    assert (bin_.kind, bin_.runs) == ("bin", 3)
    assert bin_.bytes == disk_use(root / ".bin") == sum(one.bytes for one in list_bin(root))
    assert clean_up([bin_]) == bin_.bytes
    assert list_bin(root) == []
    assert [entry.name for entry in list_runs(root)] == ["small-3"]


def test_states_that_were_set_aside_are_spared(root: Path) -> None:
    folder = RunFolder(root / "small-2")
    (folder.checkpoints / "step-000000001.safetensors.damaged").write_bytes(b"12345")
    (folder.path / "best.safetensors.later").write_bytes(b"123")
    found = spares(root)[-1]
    assert (found.kind, found.runs, found.bytes) == ("leftovers", 1, 8)
    assert clean_up([found]) == 8 and len(kept_states(folder)) == 2


def test_what_is_trained_by_now_is_left_alone(root: Path) -> None:
    found = spares(root)
    folder = RunFolder(root / "small-1")
    lock = Lock.acquire(folder.lock_file, folder.summary_file)
    kept = disk_use(folder.checkpoints)
    assert clean_up(found) == found[0].bytes - kept
    assert len(kept_states(folder)) == 2
    lock.release()


def test_what_has_gone_meanwhile_counts_nothing(root: Path) -> None:
    found = spares(root)
    lost = disk_use(root / "small-1" / "checkpoints")
    shutil.rmtree(root / "small-1")
    assert clean_up(found) == found[0].bytes - lost
    assert spares(root / "nowhere") == () and list_bin(root / "nowhere") == []


def test_what_cannot_be_deleted_is_named(root: Path) -> None:
    found = spares(root)
    odd = RunFolder(root / "small-1").states[-1]
    odd.unlink()
    odd.mkdir()
    with pytest.raises(RunError, match=f"{odd} cannot be deleted: Is a directory"):
        clean_up(found)


def test_a_run_goes_on_from_any_of_its_states(tmp_path: Path) -> None:
    whole = Session(tmp_path, small_network(), DATA)
    for choice in (0, 1, 2):
        first = Session(
            tmp_path, small_network(), DATA, policy=Policy(steps=2), stop_at=8, settle=True
        )
        step = kept_states(first.folder)[choice].step
        last = Session(first.folder, small_network(), DATA, from_step=step)
        assert last.events[0].from_step == step
        assert_same(last.weights, whole.weights)
        assert figures(last.folder) == figures(whole.folder)


def test_what_comes_after_the_chosen_state_is_set_aside(tmp_path: Path) -> None:
    first = Session(tmp_path, small_network(), DATA)
    best = min(kept_states(first.folder), key=lambda state: state.step)
    assert best.best and best.step < 9
    again = Session(first.folder, small_network(), DATA, from_step=best.step, stop_at=best.step + 1)
    assert [path.suffix for path in first.folder.checkpoints.iterdir()].count(".later") == 1
    assert kept_states(again.folder)[0].step == best.step + 1
    last = Session(first.folder, small_network(), DATA)
    assert last.events[0].from_step == best.step + 1
    assert_same(last.weights, first.weights)


def test_a_step_of_which_there_is_no_state(tmp_path: Path) -> None:
    first = Session(tmp_path, small_network(), DATA)
    before = {path: path.read_bytes() for path in first.folder.path.rglob("*.safetensors")}
    again = Session(first.folder, small_network(), DATA, from_step=4)
    assert again.events[-1].reason == "failed"
    assert "no intact state of step 4. It has states of steps" in again.events[-1].message
    assert {path: path.read_bytes() for path in before} == before
