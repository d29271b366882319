"""``cnn-tui train`` and the bare command, in this process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

QUICK = """
name = "quick"
input = [1, 8, 8]

[[layers]]
type = "fc"
out_features = 10

[training]
epochs = 2
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "quick.toml"
    path.write_text(QUICK)
    return path


def events(out: str) -> list[dict]:
    return [json.loads(line) for line in out.splitlines()]


def test_json_is_one_event_per_line_without_batches(cli, file: Path) -> None:
    code, out, err = cli("train", file, "--json")
    stream = events(out)
    assert (code, err) == (0, "")
    assert stream[0]["event"] == "run_started"
    assert stream[0]["arch"] == "quick" and stream[0]["train_images"] == 1257
    assert "batch_completed" not in {event["event"] for event in stream}
    epochs = [event for event in stream if event["event"] == "epoch_completed"]
    assert [event["epoch"] for event in epochs] == [1, 2]
    assert set(epochs[0]) >= {
        "train_loss", "train_accuracy", "val_loss", "val_accuracy", "images_per_second", "seconds",
    }  # fmt: skip
    assert [event["event"] for event in stream].count("run_ended") == 1
    assert stream[-1]["event"] == "run_ended" and stream[-1]["reason"] == "completed"
    assert 0.5 < stream[-1]["test_accuracy"] <= 1


def test_options_override_the_recipe(cli, file: Path) -> None:
    options = ("--epochs", 3, "--batch-size", 100, "--lr", 0.005, "--seed", 7, "--threads", 1)
    stream = events(cli("train", file, "--json", *options).out)
    started = stream[0]
    assert (started["epochs"], started["batch_size"], started["batches"]) == (3, 100, 13)
    assert (started["lr"], started["seed"], started["threads"]) == (0.005, 7, 1)
    assert sum(event["event"] == "epoch_completed" for event in stream) == 3


def test_same_seed_same_numbers(cli, file: Path) -> None:
    def losses(*args: str) -> list[float]:
        stream = events(cli("train", file, "--json", *args).out)
        return [e["val_loss"] for e in stream if e["event"] == "epoch_completed"]

    assert losses("--seed", "1") == losses("--seed", "1")
    assert losses("--seed", "1") != losses("--seed", "2")


def test_plain_lines_hold_the_header_each_epoch_and_the_test(cli, file: Path) -> None:
    code, out, err = cli("train", file)
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert out.replace("\n", "").isprintable()
    assert lines[0].startswith("quick on digits: 650 parameters")
    assert [line[:9] for line in lines[1:3]] == ["epoch   1", "epoch   2"]
    assert "test loss" in lines[-1] and "%" in lines[-1]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--epochs", "0"),
        ("--batch-size", "-3"),
        ("--batch-size", "99999999"),
        ("--lr", "0"),
        ("--lr", "nan"),
        ("--lr", "inf"),
        ("--seed", "-1"),
        ("--threads", "0"),
    ],
)
def test_values_outside_their_limits_are_wrong_usage(
    cli, file: Path, option: str, value: str
) -> None:
    code, out, err = cli("train", file, option, value)
    assert (code, out) == (2, "")
    assert option in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("lenet5", "--data", "digits"), ("1x28x28", "1x8x8")),
        (("lenet5", "--data", "mnist"), ("--data-dir",)),
        (("digits-convnet", "--data", "digtis"), ("digits",)),
        (("digits-convnet", "--data-dir", "/"), ("built in",)),
        (("digits-convnet", "--data", "mnist", "--data-dir", "/nowhere"), ("/nowhere", "mnist")),
        (("lenet", "--epochs", "1"), ("lenet5",)),
    ],
)
def test_data_that_does_not_fit_is_one_line_and_exit_code_1(
    cli, args: tuple[str, ...], words: tuple[str, ...]
) -> None:
    code, out, err = cli("train", *args)
    assert (code, out) == (1, "")
    assert err.startswith("cnn-tui: error: ") and err.count("\n") == 1
    assert all(word in err for word in words)


def test_classes_that_differ_from_the_data(cli, file: Path) -> None:
    file.write_text(QUICK.replace("out_features = 10", "out_features = 7"))
    code, out, err = cli("train", file)
    assert (code, out) == (1, "")
    assert "7" in err and "10" in err and err.count("\n") == 1


def test_layers_that_do_not_fit_are_not_trained(cli, file: Path) -> None:
    conv = 'type = "conv"\nout_channels = 2\nstride = 2\n\n[[layers]]\ntype = "fc"'
    file.write_text(QUICK.replace('type = "fc"', conv))
    code, out, err = cli("train", file)
    assert (code, out) == (1, "")
    assert "layer 1" in err and "= 3.5" in err and err.count("\n") == 1


def test_run_that_blows_up_fails_in_words(cli, file: Path) -> None:
    file.write_text(QUICK + '[loss]\ntype = "svm"\nsquared = true\n')
    code, out, err = cli("train", file, "--json", "--lr", "1e5", "--epochs", "50")
    assert code == 1
    last = events(out)[-1]
    assert (last["event"], last["reason"]) == ("run_ended", "failed")
    assert last["message"] and err.startswith("cnn-tui: error: ") and err.count("\n") == 1


def test_without_a_terminal_the_network_is_trained(cli, file: Path) -> None:
    code, out, err = cli(file)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert "no terminal" in lines[0] and "quick" in lines[0]
    assert lines[1].startswith("quick on digits") and "test loss" in lines[-1]


def test_network_to_open_must_exist(cli) -> None:
    code, out, err = cli("digits-convnett")
    assert (code, out) == (1, "")
    assert "digits-convnet" in err and err.count("\n") == 1


def test_real_mnist_trains_from_its_folder(cli, mnist_dir: Path, file: Path) -> None:
    file.write_text(QUICK.replace("[1, 8, 8]", "[1, 28, 28]"))
    options = ("--data", "mnist", "--data-dir", mnist_dir, "--epochs", "1", "--batch-size", "500")
    code, out, err = cli("train", file, "--json", *options)
    assert code == 0
    # The bytes of its archives may be others than the official ones: that is said once.
    assert err == "" or (err.startswith("cnn-tui: note: ") and err.count("\n") == 1)
    assert events(out)[0]["train_images"] == 55_000
    assert events(out)[-1]["test_accuracy"] > 0.8


def test_what_no_memory_holds_is_said_before_it_is_tried(cli, tmp_path: Path) -> None:
    path = tmp_path / "huge.toml"
    wide = '[[layers]]\ntype = "fc"\nout_features = 65536\n'
    path.write_text(f"input = [1, 8, 8]\n{6 * wide}{wide.replace('65536', '10')}")
    code, out, err = cli("train", path, "--no-record")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "GB of memory" in err and "free" in err
