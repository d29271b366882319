"""``runs``, ``watch``, ``compare`` and ``resume`` in this process."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

QUICK = """
name = "quick"
input = [1, 8, 8]
layers = [{ type = "fc", out_features = 10 }]

[training]
epochs = 2
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two finished runs."""
    from cnn_tui.tui.cli.main import main

    root = tmp_path_factory.mktemp("cli-runs")
    file = root / "quick.toml"
    file.write_text(QUICK)
    for options in ([], ["--lr", "0.003"]):
        assert main(["train", str(file), "--runs-dir", str(root / "runs"), *options]) == 0
    return root / "runs"


def lines(out: str) -> list[dict]:
    return [json.loads(line) for line in out.splitlines()]


def test_train_names_the_run_and_its_folder(cli, tmp_path: Path) -> None:
    (tmp_path / "quick.toml").write_text(QUICK)
    out = cli("train", tmp_path / "quick.toml", "--json", "--runs-dir", tmp_path / "runs").out
    first = lines(out)[0]
    assert first["run"] == "quick-1" and Path(first["path"]) == tmp_path / "runs" / "quick-1"
    assert (tmp_path / "runs" / "quick-1" / "best.safetensors").exists()


def test_no_record_leaves_nothing(cli, tmp_path: Path) -> None:
    (tmp_path / "quick.toml").write_text(QUICK)
    options = ("--json", "--runs-dir", tmp_path / "runs", "--no-record")
    code, out, _ = cli("train", tmp_path / "quick.toml", *options)
    assert code == 0 and lines(out)[0]["run"] == ""
    assert not (tmp_path / "runs").exists()


def test_the_list(cli, runs: Path) -> None:
    code, out, err = cli("runs", "--runs-dir", runs)
    assert (code, err) == (0, "")
    header, *rows = out.splitlines()
    assert header.split()[:2] == ["run", "state"]
    assert [row.split()[:2] for row in rows] == [["quick-2", "completed"], ["quick-1", "completed"]]
    assert all("%" in row and "2/2" in row for row in rows)
    found = json.loads(cli("runs", "--runs-dir", runs, "--json", "--size").out)
    assert [run["name"] for run in found] == ["quick-2", "quick-1"]
    assert found[0]["bytes"] > 0 and found[0]["summary"]["epoch"] == 2


def test_the_list_sorted_and_filtered(cli, runs: Path) -> None:
    out = cli("runs", "--runs-dir", runs, "--sort", "name", "--json").out
    assert [run["name"] for run in json.loads(out)] == ["quick-1", "quick-2"]
    assert json.loads(cli("runs", "--runs-dir", runs, "--filter", "nosuch", "--json").out) == []
    assert "No run matches" in cli("runs", "--runs-dir", runs, "--filter", "nosuch").out
    assert "No runs in" in cli("runs", "--runs-dir", runs / "none").out


def test_an_encoding_without_blocks_gets_plain_curves(
    cli, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cnn_tui.tui.dashboard.series import PLAIN_BARS, sparkline

    assert sparkline([1, 2, 3], 3, "ascii") == PLAIN_BARS[0] + PLAIN_BARS[3] + PLAIN_BARS[-1]
    assert sparkline([1, 1], 9) == "▁▁" and sparkline([], 9) == ""
    assert len(sparkline(range(1000), 16)) == 16
    assert "█" not in sparkline(range(1000), 16), "lines of bars would run together"


def test_watching_a_finished_run_tells_all_of_it(cli, runs: Path) -> None:
    code, out, err = cli("watch", "quick-1", "--runs-dir", runs)
    assert (code, err) == (0, "")
    assert out.splitlines()[0].startswith("quick on digits")
    assert [line[:9] for line in out.splitlines()[1:3]] == ["epoch   1", "epoch   2"]
    assert out.splitlines()[-1].startswith("completed")
    stream = lines(cli("watch", "--runs-dir", runs, "--json").out)
    assert stream[0]["run"] == "quick-2" and stream[-1]["event"] == "run_ended"


def test_watching_a_crashed_run_says_so_last(cli, runs: Path, tmp_path: Path) -> None:
    crashed = tmp_path / "quick-1"
    shutil.copytree(runs / "quick-1", crashed)
    events = (crashed / "events.jsonl").read_bytes().splitlines(keepends=True)
    (crashed / "events.jsonl").write_bytes(b"".join(events[:-1]))
    code, out, _ = cli("watch", "quick-1", "--runs-dir", tmp_path)
    assert code == 0
    assert out.splitlines()[-1].startswith("crashed after step 40")


def test_compare_shows_what_differs(cli, runs: Path) -> None:
    code, out, err = cli("compare", "quick-1", "quick-2", "--runs-dir", runs)
    assert (code, err) == (0, "")
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    assert rows["quick-1"] == ["quick-2"]
    assert rows["lr"] == ["0.01", "0.003"]
    assert "training.epochs" not in rows
    found = json.loads(cli("compare", "quick-1", "quick-2", "--runs-dir", runs, "--json").out)
    assert len(found["curves"]) == 2 and found["differences"][0]["setting"] == "training.lr"


def test_resume_with_more_epochs(cli, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "quick-1", tmp_path / "quick-1")
    options = ("--runs-dir", tmp_path, "--epochs", 3, "--json", "--threads", 1)
    code, out, err = cli("resume", "quick-1", *options)
    assert (code, err) == (0, "")
    stream = lines(out)
    assert stream[0]["from_step"] == 40 and stream[0]["epochs"] == 3
    assert [e["epoch"] for e in stream if e["event"] == "epoch_completed"] == [3]


def test_resume_of_a_complete_run_says_how_to_train_on(cli, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "quick-1", tmp_path / "quick-1")
    code, _, err = cli("resume", "quick-1", "--runs-dir", tmp_path)
    assert code == 0 and "quick-1 has all its 2 epochs: a larger --epochs continues it" in err


def test_resume_with_another_batch_size(cli, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "quick-1", tmp_path / "quick-1")
    options = ("--runs-dir", tmp_path, "--epochs", 3, "--batch-size", 200, "--json")
    code, out, err = cli("resume", "quick-1", *options)
    assert (code, err) == (0, "")
    stream = lines(out)
    (changed,) = (event for event in stream if event["event"] == "setting_changed")
    assert (changed["name"], changed["old"], changed["new"]) == ("batch_size", 64, 200)
    assert stream[-1]["step"] == 40 + 7  # 1,257 images


def test_resume_of_a_run_on_a_folder_of_pictures(cli, tmp_path: Path) -> None:
    image_module = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    for number in range(60):
        folder = tmp_path / "pictures" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        image_module.new("L", (8, 8), number * 4).save(folder / f"{number}.png")
    (tmp_path / "quick.toml").write_text(QUICK.replace("features = 10", "features = 2"))
    here = ("--runs-dir", tmp_path / "runs", "--json")
    args = ("train", tmp_path / "quick.toml", "--data", tmp_path / "pictures", *here)
    assert cli(*args).code == 0
    code, out, err = cli("resume", "quick-1", "--epochs", 3, *here)
    assert code == 0, err
    assert lines(out)[0]["from_step"] == lines(out)[0]["batches"] * 2
    image_module.new("L", (8, 8), 99).save(tmp_path / "pictures" / "a" / "0.png")
    code, _, err = cli("resume", "quick-1", "--epochs", 4, *here)
    assert code == 1 and "other images or labels" in err


def test_rename_tag_note_delete_restore(cli, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "quick-1", tmp_path / "quick-1")
    here = ("runs", "--runs-dir", tmp_path)
    for args in (
        ("rename", "quick-1", "good"), ("tag", "good", "a", "b"), ("note", "good", "two words"),
        ("delete", "good"), ("restore", "good"),
    ):  # fmt: skip
        assert cli(*here, *args)[::2] == (0, ""), args
    (run,) = json.loads(cli(*here, "--json").out)
    assert (run["name"], run["tags"], run["note"]) == ("good", ["a", "b"], "two words")
    shutil.copytree(runs / "quick-2", tmp_path / "quick-2")
    for option in ((), ("--size",)):
        table = cli(*here, *option).out.splitlines()
        assert {line.split()[0]: line.endswith("  a b") for line in table[1:3]} == {
            "good": True, "quick-2": False,
        }  # fmt: skip
    assert (
        "good is restored" in cli(*here, "delete", "good").out + cli(*here, "restore", "good").out
    )


def spare_state(folder: Path) -> None:
    """One more state, as a run has them whose best epoch was not the last."""
    shutil.copy(folder / "best.safetensors", folder / "checkpoints" / "step-000000040.safetensors")


def test_disk_use_and_what_can_be_spared(cli, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs, tmp_path, dirs_exist_ok=True)
    spare_state(tmp_path / "quick-2")
    here = ("runs", "--runs-dir", tmp_path)
    assert cli(*here, "bin").out == "The bin is empty.\n"
    assert "bin is empty" in cli(*here, "empty-bin").out
    cli(*here, "delete", "quick-1")
    last = cli(*here, "--size").out.splitlines()[-1]
    assert last.startswith("1 run, 0.") and "in the bin 1 run, 0." in last
    assert cli(*here, "bin").out.splitlines()[1].split()[:2] == ["quick-1", "quick"]
    (binned,) = json.loads(cli(*here, "bin", "--json").out)
    found = json.loads(cli(*here, "clean", "--json").out)
    assert found["freed"] == 0
    assert [spare["kind"] for spare in found["spare"]] == ["bin", "states"]
    assert found["spare"][0]["bytes"] == binned["bytes"] > 0


def test_cleaning_up_says_what_and_asks(cli, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs, tmp_path, dirs_exist_ok=True)
    spare_state(tmp_path / "quick-2")
    here = ("runs", "--runs-dir", tmp_path)
    cli(*here, "delete", "quick-1")
    for command in (("empty-bin",), ("clean",)):
        code, out, err = cli(*here, *command)
        assert code == 1 and "the bin, with 1 run: 0." in out
        assert "no terminal to ask on" in err and "--yes" in err and err.count("\n") == 1
    assert (tmp_path / ".bin" / "quick-1").is_dir()
    out = cli(*here, "empty-bin", "--yes").out
    assert "MB freed" in out and not (tmp_path / ".bin" / "quick-1").exists()
    code, out, _ = cli(*here, "clean", "--states", "--yes")
    assert code == 0 and "all checkpoints but the best" in out and "MB freed" in out
    assert [one["best"] for one in json.loads(cli(*here, "states", "quick-2", "--json").out)] == [
        True
    ]
    assert cli(*here, "clean").out == "There is nothing to clean up.\n"


def test_states_are_listed_and_gone_back_to(cli, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "quick-1", tmp_path / "quick-1")
    here = ("runs", "--runs-dir", tmp_path)
    rows = cli(*here, "states", "quick-1").out.splitlines()
    assert rows[0].split() == ["step", "after", "MB"]
    steps = [one["step"] for one in json.loads(cli(*here, "states", "quick-1", "--json").out)]
    resume = ("resume", "quick-1", "--runs-dir", tmp_path, "--json")
    code, out, err = cli(*resume, "--from", 7)
    assert code == 1 and "no intact state of step 7" in err and err.count("\n") == 1
    assert lines(out)[-1]["reason"] == "failed"
    code, out, _ = cli(*resume, "--from", steps[-1])
    assert code == 0 and lines(out)[0]["from_step"] == steps[-1]


def test_reproduce_says_whether_the_bits_are_the_same(cli, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "quick-1", tmp_path / "quick-1")
    here = ("--runs-dir", tmp_path)
    code, out, err = cli("reproduce", "quick-1", *here)
    assert (code, err) == (0, "")
    assert (
        "+ The same bits as quick-1: all 40 steps are equal, and so are the weights after step 40"
        in out
    )
    stream = lines(cli("reproduce", "quick-1", "--json", "--threads", 1, *here).out)
    assert stream[0]["again_of"] == "quick-1" and stream[0]["run"] == "quick-3"
    assert stream[-2]["code"] == "same-bits" and stream[-1]["event"] == "run_ended"
    found = json.loads(cli("runs", *here, "--json").out)
    assert [run["summary"]["again_of"] for run in found] == ["quick-1", "quick-1", ""]


def test_reproduce_with_one_value_changed_compares(cli, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "quick-1", tmp_path / "quick-1")
    code, out, err = cli("reproduce", "quick-1", "--set", "lr=0.1", "--runs-dir", tmp_path)
    assert (code, err) == (0, "")
    assert "+ lr 0.1 in place of 0.01: best validation" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["quick-1", "quick-2"] in rows and ["lr", "0.01", "0.1"] in rows


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ("lr", 2, "expected NAME=VALUE"),
        ("=3", 2, "expected NAME=VALUE"),
        ("lr=", 2, "expected NAME=VALUE"),
        ("lr=0.01", 1, "lr is 0.01 in quick-1 already"),
        ("lr=fast", 1, "training.lr: expected a number"),
        ("lrr=1", 1, "no setting 'lrr'"),
        ("layers[0].out_features=3", 1, "10 classes"),
        ("data=shape", 1, "Did you mean shapes"),
    ],
)
def test_changes_that_cannot_be_made(cli, runs: Path, change: str, code: int, words: str) -> None:
    before = sorted(runs.iterdir())
    found, out, err = cli("reproduce", "quick-1", "--set", change, "--runs-dir", runs)
    assert (found, out) == (code, "")
    assert words in err and err.count("\n") == 1
    assert sorted(runs.iterdir()) == before


def test_layers_are_compared_by_what_they_are(cli, runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs, tmp_path, dirs_exist_ok=True)
    file = tmp_path / "quick-2" / "network.toml"
    more = '{ type = "fc", out_features = 32 },\n  { type = "relu" },\n  '
    file.write_text(file.read_text().replace("{", f"{more}{{", 1))
    out = cli("compare", "quick-1", "quick-2", "--runs-dir", tmp_path).out
    rows = [line.split() for line in out.splitlines()]
    assert ["layer", "1", "-", "fc", "32"] in rows and ["layer", "2", "-", "relu"] in rows
    assert not any(row[0].startswith("layers[") for row in rows)
    found = json.loads(cli("compare", "quick-1", "quick-2", "--runs-dir", tmp_path, "--json").out)
    assert found["architecture"][0] == {"layer": 1, "values": ["", "fc 32"]}


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("watch", "quik-1"), ("no run 'quik-1'", "Did you mean quick-1")),
        (("resume", "../quick-1"), ("cannot be called",)),
        (("compare", "quick-1", "nosuch"), ("no run 'nosuch'",)),
        (("resume", "quick-1", "--data-dir", "/"), ("built in",)),
        (
            ("resume", "quick-1", "--epochs", "1"),
            ("in epoch 2 already: it cannot end at 1", "--from STEP"),
        ),
        (("watch", "--runs-dir", "/nowhere"), ("no run in /nowhere",)),
    ],
)
def test_mistakes_are_one_line(cli, runs: Path, args: tuple[str, ...], words: list[str]) -> None:
    options = () if "--runs-dir" in args else ("--runs-dir", runs)
    code, out, err = cli(*args, *options)
    assert (code, out) == (1, "")
    assert err.startswith("cnn-tui: error: ") and err.count("\n") == 1
    assert all(word in err for word in words)


@pytest.mark.parametrize("action", [("pause",), ("continue",), ("stop",), ("lr", "0.1")])
def test_a_run_without_a_trainer_takes_no_commands(cli, runs: Path, action: list[str]) -> None:
    name, *value = action
    code, _, err = cli("runs", "--runs-dir", runs, name, "quick-1", *value)
    assert code == 1 and "The run quick-1 is not being trained now." in err and err.count("\n") == 1


@pytest.mark.parametrize("value", ["0", "-1", "nan", "1e9", "x"])
def test_a_learning_rate_must_be_one(cli, runs: Path, value: str) -> None:
    code, _, err = cli("runs", "--runs-dir", runs, "lr", "quick-1", "--", value)
    assert code in (1, 2) and err.count("\n") == 1
