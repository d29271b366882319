"""Labels as classes: every form that people write, and what is said of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cnn_tui.engine.data.labels import Classified, Labels, classify
from cnn_tui.engine.errors import DataError

Y = np.arange(40) % 4


def taken(train: Any, classes: tuple[str, ...] = (), **others: Any) -> Classified:
    given = {"train": train, **others}
    return classify({split: Labels(np.asarray(y), split) for split, y in given.items()}, classes)


def refused(message: str, train: Any, classes: tuple[str, ...] = (), **others: Any) -> None:
    with pytest.raises(DataError, match=message) as caught:
        taken(train, classes, **others)
    assert "\n" not in str(caught.value) and str(caught.value).isprintable()


@pytest.mark.parametrize(
    "labels",
    [Y, Y[:, None], Y.astype(float), Y.astype("u1"), np.eye(4)[Y], np.eye(4, dtype=bool)[Y]],
    ids=["whole", "column", "floats", "bytes", "one-hot", "one-hot booleans"],
)
def test_usual_forms_need_no_word(labels: np.ndarray) -> None:
    found = taken(labels)
    assert found.classes == ("0", "1", "2", "3") and found.notes == ()
    np.testing.assert_array_equal(found.labels["train"], Y)
    assert found.labels["train"].dtype == np.int64


def test_text_is_sorted() -> None:
    names = np.array(["eel", "cat", "dog", "cat"] * 3)
    for given in (names, names.astype("S")):
        found = taken(given)
        assert found.classes == ("cat", "dog", "eel")
        assert found.labels["train"][:4].tolist() == [2, 0, 1, 0]


def test_text_has_no_blanks_around_it_and_is_not_empty() -> None:
    names = np.array(["cat", " cat", "dog\n", "Dog"] * 3)
    found = taken(names)
    assert (
        found.classes == ("Dog", "cat", "dog") and "capitals only: Dog and dog." in found.notes[0]
    )
    refused("expected a label for each image, received empty text for image 2", ["a", "b", " "])


@pytest.mark.parametrize(
    ("labels", "classes", "note"),
    [
        (Y + 1, ("1", "2", "3", "4"), "Labels begin at 1: the 4 values 1 to 4 are taken as the"),
        (
            np.where(Y == 3, 7, Y),
            ("0", "1", "2", "7"),
            "Labels 3 to 6 never occur: the 4 values 0, 1, 2 and 7 are taken as the classes 0 to",
        ),
        (2 * (Y % 2) - 1, ("-1", "1"), "Labels begin at -1; label 0 never occurs: the 2 values"),
        (Y + 70_000, ("70000", "70001", "70002", "70003"), "Labels begin at 70000"),
    ],
)
def test_values_become_classes_with_a_word(
    labels: np.ndarray, classes: tuple[str, ...], note: str
) -> None:
    found = taken(labels)
    assert found.classes == classes
    assert len(found.notes) == 1 and found.notes[0].startswith(note)
    names = np.array(classes)[found.labels["train"]]
    assert names.tolist() == list(map(str, labels))


def test_classes_by_value_by_place_and_from_one() -> None:
    by_value = taken(np.where(Y == 3, 7, Y), tuple("01234567"))
    assert by_value.labels["train"].max() == 7
    assert by_value.notes == (
        "No training image of the classes 3 to 6: the network cannot learn them.",
    )
    assert taken(Y, ("a", "b", "c", "d")).labels["train"].tolist() == Y.tolist()
    from_one = taken(Y + 1, ("a", "b", "c", "d"))
    assert from_one.labels["train"].tolist() == Y.tolist()
    assert from_one.notes == ("Labels begin at 1, which is the class a.",)
    other_order = taken(np.array(["dog", "cat"] * 4), ("dog", "cat", "eel"))
    assert other_order.labels["train"][:2].tolist() == [0, 1]
    assert other_order.notes == (
        "No training image of the class eel: the network cannot learn it.",
    )


def test_what_splits_lack_is_told() -> None:
    found = taken(Y, test=Y[Y != 2], val=Y)
    assert found.notes == ("No test image of the class 2.",)
    single = taken(np.append(Y, 4))
    assert single.notes == ("Only one training image of the class 4: too few to learn from.",)


@pytest.mark.parametrize(
    ("message", "train", "classes", "others"),
    [
        ("exactly one 1 among the 3 columns .* 2 ones in row 5", None, (), {}),
        ("received 0.5 for image 2", [0.0, 1.0, 0.5], (), {}),
        ("received nan for image 1", [0.0, np.nan, 1.0], (), {}),
        (r"\(60 distinct numbers\). Quantities to predict", np.linspace(0, 1, 60), (), {}),
        ("60 distinct labels for 60 images are no classes. Quantities", np.arange(60), (), {}),
        ("two classes, received 3 for all 5 images", [3] * 5, (), {}),
        ("two classes, received none", np.array([], np.int64), (), {}),
        ("test: the label 9 of image 1 is not a class: no training", Y, (), {"test": [0, 9]}),
        (r"'x' of image 0 is not a class \(and 1 more\)", ["a", "b"] * 3, (), {"val": ["x", "y"]}),
        ("the label 3 of image 3 is not .*: the classes are a, b and c", Y, ("a", "b", "c"), {}),
        ("has 'a' twice. Name each class once", Y, ("a", "b", "a"), {}),
        ("from 2 to 65,536 classes, received 1", Y, ("a",), {}),
        ("val: expected numbers as in the training labels, received text", Y, (), {"val": ["a"]}),
        ("expected one label an image, received the shape", np.zeros((3, 2, 2)), (), {}),
        ("expected numbers of classes, received", [2.0**60, 0.0], (), {}),
    ],
)
def test_what_is_no_class_is_refused(
    message: str, train: Any, classes: tuple[str, ...], others: dict[str, Any]
) -> None:
    if train is None:
        train = np.eye(3)[Y % 3]
        train[5] = [1, 1, 0]
    refused(message, train, classes, **others)
