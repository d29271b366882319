"""Lists of runs, and commands on runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import pytest
from run_events import epoch, started
from sessions import Session, noise_set, small_network

from cnn_tui.engine.errors import RunError
from cnn_tui.engine.formats import RUN
from cnn_tui.engine.runs import manage
from cnn_tui.engine.runs.compare import compare_runs
from cnn_tui.engine.runs.folder import RunFolder, RunInfo, open_run
from cnn_tui.engine.runs.history import RunEntry, latest_run, list_runs, matches, sort_runs
from cnn_tui.engine.runs.lock import Lock
from cnn_tui.engine.runs.names import check_name, folder_of, make_folder
from cnn_tui.engine.runs.summary import MOST_POINTS, Summary, summarize
from cnn_tui.engine.specs.layers import FC, Dropout, ReLU
from cnn_tui.engine.specs.network import Network, Recipe

DATA = noise_set()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Session:
    return Session(tmp_path_factory.mktemp("runs"), small_network(), DATA)


def written(root: Path, name: str, **figures: object) -> RunFolder:
    """The folder of a run that was never trained."""
    folder = RunFolder(root / name)
    folder.path.mkdir(parents=True)
    info = RunInfo(created="2026-01-01T00:00:00.000Z", version="1", arch="net", data="digits")
    folder.info_file.write_bytes(msgspec.json.encode(info))
    summary = Summary(**{"arch": "net", "data": "digits", "state": "completed", **figures})
    folder.summary_file.write_bytes(msgspec.json.encode(summary))
    return folder


def names(entries: list[RunEntry]) -> list[str]:
    return [entry.name for entry in entries]


def test_a_finished_run_in_figures(finished: Session) -> None:
    (entry,) = list_runs(finished.folder.path.parent, sizes=True)
    summary, end = entry.summary, finished.events[-1]
    assert (entry.name, entry.state) == ("small-1", "completed")
    assert (summary.step, summary.epoch, summary.epochs) == (9, 3, 3)
    assert summary.best_val_accuracy == end.best_val_accuracy
    assert (summary.test_loss, summary.test_accuracy) == (end.test_loss, end.test_accuracy)
    assert len(summary.curve) == 3 and entry.bytes > 1000


def test_without_its_summary_a_run_is_read_from_its_events(finished: Session) -> None:
    folder = finished.folder
    whole = msgspec.json.decode(folder.summary_file.read_bytes(), type=Summary)
    for damage in (b"", b"{", None):
        if damage is None:
            folder.summary_file.unlink()
        else:
            folder.summary_file.write_bytes(damage)
        (entry,) = list_runs(folder.path.parent)
        # The loss of the last step stands with the steps, which are many.
        assert entry.summary == msgspec.structs.replace(whole, loss=None)
    folder.summary_file.write_bytes(msgspec.json.encode(whole))


def test_a_run_that_says_it_goes_on_without_a_process_has_crashed(tmp_path: Path) -> None:
    folder = written(tmp_path, "run-1", state="running")
    folder.lock_file.write_bytes(b"")
    assert list_runs(tmp_path)[0].state == "crashed"
    lock = Lock.acquire(folder.lock_file, folder.summary_file)
    assert list_runs(tmp_path)[0].state == "running"
    lock.release()


def test_sorting_and_filtering(tmp_path: Path) -> None:
    for name, created, best, step in (("b", "2", 0.5, 9), ("a", "3", 0.9, 5), ("c", "1", None, 7)):
        written(tmp_path, name, created=created, best_val_accuracy=best, step=step)
    runs = list_runs(tmp_path)
    assert names(runs) == ["a", "b", "c"]
    assert names(sort_runs(runs, "name")) == ["a", "b", "c"]
    assert names(sort_runs(runs, "accuracy")) == ["a", "b", "c"]
    assert names(sort_runs(runs, "steps")) == ["b", "c", "a"]
    manage.annotate(RunFolder(tmp_path / "c"), tags=("good", "mnist"), note="Wide kernels")
    assert names([run for run in list_runs(tmp_path) if matches(run, "GOOD wide")]) == ["c"]
    assert names([run for run in list_runs(tmp_path) if matches(run, "good narrow")]) == []


def test_the_curve_of_a_long_run_stays_short() -> None:
    summary = Summary()
    summary.update(started())
    for number in range(1, 10_001):
        summary.update(epoch(number * 5))
    assert MOST_POINTS // 2 <= len(summary.curve) <= MOST_POINTS
    assert summary.epoch == 10_000


def test_what_is_no_run_is_left_out(tmp_path: Path) -> None:
    written(tmp_path, "good")
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / ".bin").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert names(list_runs(tmp_path)) == ["good"]
    assert list_runs(tmp_path / "missing") == []
    assert latest_run(tmp_path).name == "good"
    with pytest.raises(RunError, match="no run in"):
        latest_run(tmp_path / "missing")


@pytest.mark.parametrize(
    "name", ["", "..", ".hidden", "a/b", "a b", "x" * 65, "a\n", "é", "-\x1b["]
)
def test_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be called"):
        check_name(name)
    with pytest.raises(RunError):
        folder_of(tmp_path, name)


def test_a_link_to_a_run_elsewhere_is_one_under_its_own_name(tmp_path: Path) -> None:
    written(tmp_path / "elsewhere", "real")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "linked").symlink_to(tmp_path / "elsewhere" / "real")
    assert open_run(tmp_path / "root", "linked").path == tmp_path / "root" / "linked"
    assert [entry.name for entry in list_runs(tmp_path / "root")] == ["linked"]


def test_the_nearest_name_is_offered(tmp_path: Path) -> None:
    written(tmp_path, "lenet5-1")
    with pytest.raises(RunError, match="Did you mean lenet5-1"):
        open_run(tmp_path, "lenet-1")


def test_a_run_of_a_later_version_is_refused(tmp_path: Path) -> None:
    folder = written(tmp_path, "new")
    folder.info_file.write_text(f'{{"format":{RUN + 1},"what":1}}')
    with pytest.raises(RunError, match=f"its format is {RUN + 1}"):
        open_run(tmp_path, "new")
    folder.info_file.write_text("{")
    with pytest.raises(RunError, match="cannot be read"):
        open_run(tmp_path, "new")


def test_a_run_of_a_later_version_is_marked_in_the_list(tmp_path: Path) -> None:
    folder = written(tmp_path, "new")
    (old,) = list_runs(tmp_path)
    assert (old.unreadable, old.shown_state) == ("", "completed")
    folder.info_file.write_text(f'{{"format":{RUN + 1},"what":1}}')
    for summary_is_known in (True, False):
        (entry,) = list_runs(tmp_path)
        assert "was written by a later cnn-tui" in entry.unreadable
        assert entry.shown_state == "unreadable" and matches(entry, "unreadable")
        assert (entry.state == "completed") == summary_is_known
        folder.summary_file.unlink(missing_ok=True)


def test_numbers_go_on_after_the_highest(tmp_path: Path) -> None:
    made = [make_folder(tmp_path, "net").name for _ in range(2)]
    (tmp_path / "net-7").mkdir()
    (tmp_path / "net-x").mkdir()
    made.append(make_folder(tmp_path, "net").name)
    assert made == ["net-1", "net-2", "net-8"]
    assert make_folder(tmp_path, ".." + "n" * 80).name == "n" * 54 + "-1"


def test_rename_keeps_all_and_tells_the_reader(tmp_path: Path) -> None:
    written(tmp_path, "taken")
    folder = manage.rename_run(written(tmp_path, "old"), "new")
    assert folder.path == tmp_path / "new" and folder.info().arch == "net"
    assert "cnn-tui resume new" in (folder.path / "README.md").read_text()
    with pytest.raises(RunError, match="already a run taken"):
        manage.rename_run(folder, "taken")
    with pytest.raises(RunError, match="cannot be called"):
        manage.rename_run(folder, "../new")


def test_deleted_runs_wait_in_the_bin(tmp_path: Path) -> None:
    manage.delete_run(written(tmp_path, "run"))
    second = manage.delete_run(written(tmp_path, "run"))
    assert second.name == "run.2" and list_runs(tmp_path) == []
    assert manage.restore_run(tmp_path, "run").info().arch == "net"
    with pytest.raises(RunError, match="no run run in the bin"):
        manage.restore_run(tmp_path, "run")
    assert names(list_runs(tmp_path)) == ["run"]
    assert second.is_dir()


def test_a_run_that_is_trained_is_neither_renamed_nor_deleted(tmp_path: Path) -> None:
    folder = written(tmp_path, "run")
    lock = Lock.acquire(folder.lock_file, folder.summary_file)
    for change in (manage.delete_run, lambda run: manage.rename_run(run, "other")):
        with pytest.raises(RunError, match="is being trained"):
            change(folder)
    assert manage.annotate(folder, note="may be written").note == "may be written"
    lock.release()


def test_notes_have_limits(tmp_path: Path) -> None:
    folder = written(tmp_path, "run")
    assert manage.annotate(folder, tags=("b", "a", "b")).tags == ("b", "a")
    with pytest.raises(RunError, match="A tag cannot be called"):
        manage.annotate(folder, tags=("two words",))
    with pytest.raises(RunError, match="at most 10,000"):
        manage.annotate(folder, note="x" * 10_001)
    folder.notes_file.write_text("{")
    assert folder.notes().tags == ()


def test_runs_on_two_folders_of_ones_own_differ_in_their_data(
    finished: Session, tmp_path: Path
) -> None:
    folders = []
    for name in ("pets", "flowers"):
        copied = RunFolder(tmp_path / name)
        shutil.copytree(finished.folder.path, copied.path)
        own = {"data": "folder", "data_dir": f"/home/me/{name}.zip"}
        info = msgspec.structs.replace(copied.info(), **own)
        copied.info_file.write_bytes(msgspec.json.encode(info))
        folders.append(RunFolder(copied.path))
    (difference,) = compare_runs(folders).differences
    assert (difference.setting, difference.words) == ("data", ("pets", "flowers"))


def test_what_differs_between_runs(finished: Session, tmp_path: Path) -> None:
    layers = (Dropout(p=0.1), ReLU(), FC(out_features=3))
    described = Network(
        name="other", input=(1, 6, 6), data="noise", layers=layers, training=Recipe(epochs=1)
    )
    other = Session(tmp_path, described, DATA)
    found = compare_runs([finished.folder, other.folder])
    differences = {one.setting: one.values for one in found.differences}
    assert differences["training.epochs"] == ("3", "1")
    assert differences["layers[0].type"] == ("conv", "dropout")
    assert differences["layers[0].p"] == ("", "0.1")
    assert "training.optimizer" not in differences and "input" not in differences
    assert [curve.epochs for curve in found.curves] == [[1, 2, 3], [1]]
    assert summarize(other.folder.events_file, "").state == "completed"
