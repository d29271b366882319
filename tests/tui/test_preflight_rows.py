"""The checks of a pre-flight in a window of any size, and the verdict on them."""

from __future__ import annotations

import pytest

from cnn_tui.engine.training.checks.bench import CheckResult
from cnn_tui.tui.dashboard.preflight_rows import preflight_rows

NAMES = ("loss", "gradients", "overfit")
GOOD, WRONG, OPEN = (
    CheckResult(name, passed, f"{name} {words}.", (f"evidence of {name}",))
    for name, passed, words in (
        ("loss", True, "is right"),
        ("gradients", False, "are wrong"),
        ("overfit", None, "ran out of time"),
    )
)


def texts(
    *results: CheckResult,
    names: tuple[str, ...] = NAMES,
    width: int = 80,
    height: int = 20,
    over: bool = True,
    trouble: str = "",
) -> list[str]:
    rows = preflight_rows(names, results, width, height, seconds=1.5, over=over, trouble=trouble)
    return ["".join(text for text, _ in row).strip() for row in rows]


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        ((GOOD, WRONG, OPEN), "gradients is wrong."),
        ((GOOD,), "Stopped: 2 of 3 were not checked."),
        ((GOOD, GOOD, OPEN), "No check failed, but there was no time for overfit."),
        ((GOOD, GOOD, GOOD), "All checks passed: this network can be trained on this data."),
    ],
)
def test_the_verdict(results: tuple[CheckResult, ...], verdict: str) -> None:
    assert texts(*results)[-1] == verdict


def test_several_checks_that_fail_are_all_named() -> None:
    again = CheckResult("loss", False, "no")
    assert texts(again, WRONG, OPEN)[-1] == "loss and gradients are wrong."


def test_before_the_end_there_is_no_verdict_and_the_next_check_is_marked() -> None:
    rows = texts(GOOD, over=False)
    assert rows[-1].endswith("1 of 3   1.5 s")
    (under_way,) = (row for row in rows if row.startswith("..."))
    assert "gradients" in under_way
    assert texts(names=(), over=False) == ["reading the data ..."]


def test_evidence_of_what_did_not_pass_stays_longest() -> None:
    def evidence(height: int) -> set[str]:
        return {row for row in texts(GOOD, WRONG, OPEN, height=height) if "evidence" in row}

    assert len(evidence(20)) == 3
    assert evidence(8) == {"evidence of gradients", "evidence of overfit"}
    assert evidence(6) == set()


def test_in_a_low_window_the_verdict_is_last_to_go() -> None:
    for height in range(3, 20):
        rows = texts(GOOD, WRONG, OPEN, height=height)
        assert len(rows) <= height and rows[-1] == "gradients is wrong."


def test_in_a_narrow_window_the_name_stands_before_the_words() -> None:
    assert any("gradients: gradients are wrong." in row for row in texts(WRONG, width=60))


def test_trouble_is_told_in_the_place_of_the_verdict() -> None:
    assert texts(GOOD, trouble="The data is gone.")[-1] == "The data is gone."
