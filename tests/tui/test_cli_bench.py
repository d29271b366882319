"""``cnn-tui bench``."""

from __future__ import annotations

import json

import pytest


def test_figures_as_json(cli) -> None:
    options = ("--batch-size", "16", "--steps", "5", "--threads", "1")
    code, out, err = cli("bench", "digits-convnet", *options, "--json")
    result = json.loads(out)
    assert (code, err) == (0, "")
    assert list(result) == [
        "arch", "batch_size", "threads", "steps",
        "step_ms_median", "step_ms_min", "images_per_second", "peak_rss_mb",
    ]  # fmt: skip
    assert (result["arch"], result["batch_size"]) == ("digits-convnet", 16)
    assert (result["threads"], result["steps"]) == (1, 5)
    assert 0 < result["step_ms_min"] <= result["step_ms_median"]
    per_second = 16 / result["step_ms_median"] * 1000
    assert result["images_per_second"] == pytest.approx(per_second, rel=0.01)
    assert result["peak_rss_mb"] > 10


def test_figures_in_words(cli) -> None:
    code, out, err = cli("bench", "svm-linear", "--steps", "2")
    assert (code, err) == (0, "")
    assert out.startswith("svm-linear, batch 64") and "images/s" in out


@pytest.mark.parametrize("option", ["--batch-size", "--steps", "--threads"])
def test_zero_is_wrong_usage(cli, option: str) -> None:
    assert cli("bench", "lenet5", option, "0").code == 2


def test_what_will_not_fit_in_memory_is_not_tried(cli) -> None:
    code, out, err = cli("bench", "vgg16", "--batch-size", "65536")
    assert (code, out) == (1, "")
    assert "GB" in err and err.count("\n") == 1
