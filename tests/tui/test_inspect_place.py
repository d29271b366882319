"""Where somebody looks: what keys choose, what each view keeps of it, and how it is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cnn_tui.engine.insight.confusion import Confusion, Mistake
from cnn_tui.engine.insight.examples import Examples
from cnn_tui.tui.inspect.canvas import Canvas
from cnn_tui.tui.inspect.confusion import ConfusionSeen
from cnn_tui.tui.inspect.mistakes import MistakesSeen
from cnn_tui.tui.inspect.place import Place
from cnn_tui.tui.inspect.source import Surroundings
from cnn_tui.tui.inspect.table import View, view_named

FACTS = Surroundings(
    name="small",
    state="small-1, 40",
    states=("20", "40", "60"),
    at=1,
    convs=("conv1", "conv2"),
    windowed=("conv1", "pool1", "conv2"),
    layers=("conv1", "relu1", "pool1", "conv2", "relu2", "fc1"),
    weighted=("conv1", "conv2", "fc1"),
    first="relu1",
    last="conv2",
    images=100,
    classes=("cat", "dog", "owl"),
    input_size=(8, 8),
)


def named(name: str) -> View:
    found = view_named(name)
    assert found
    return found


@pytest.mark.parametrize(
    ("view", "chosen", "layer"),
    [
        ("filters", "", "conv1"),
        ("maps", "", "relu1"),
        ("grad-cam", "", "conv2"),
        ("filters", "relu2", "conv2"),
        ("filters", "pool1", "conv1"),
        ("step", "fc1", "conv2"),
        ("filters", "gone", "conv1"),
        ("confusion", "relu2", ""),
    ],
)
def test_a_view_takes_the_chosen_layer_or_the_nearest_before(
    view: str, chosen: str, layer: str
) -> None:
    place = Place()
    place.choose_filters((), chosen)
    assert place.layer(named(view), FACTS) == layer
    assert place.layer(named(view), None) == chosen


def test_layers_images_classes_states_and_canvases_go_round() -> None:
    place, filters = Place(), named("filters")
    assert [place.next_layer(filters, FACTS, 1) and place.layer(filters, FACTS) for _ in "12"] == [
        "conv2",
        "conv1",
    ]
    assert not place.next_layer(named("confusion"), FACTS, 1)
    assert place.next_image(FACTS, -1) and place.wanted.image == 99
    for name in ("cat", "dog", "owl", ""):
        place.next_class(FACTS, 1)
        assert place.wanted.of_class == name
    for state in ("60", "20"):
        assert place.next_state(FACTS, 1) and place.state == state
    place.next_size(FACTS, 1)
    assert place.wanted.size == (16, 24)
    place.next_size(FACTS, -2)
    assert place.wanted.size == (48, 64)


def test_without_data_or_other_states_nothing_is_chosen() -> None:
    place, bare = Place(), replace(FACTS, images=0, states=("40",), at=0)
    assert not place.next_image(bare, 1) and not place.next_state(bare, 1)
    assert (place.wanted.image, place.state) == (0, "")


def test_from_a_picture_of_ones_own_the_keys_lead_back_to_the_data() -> None:
    place = Place()
    place.choose_image(Path("cat.png"))
    assert "image < cat.png >" in place.words(named("maps"), FACTS, None, "", 200)
    assert place.next_image(FACTS, 1) and place.wanted.image == 0


@pytest.mark.parametrize(
    ("view", "number", "wanted"),
    [
        ("filters", 3, {"filters": (3,), "layer": "conv1"}),
        ("confusion", 5, {"pair": (1, 2)}),
        ("mistakes", 17, {"image": 17, "of_class": ""}),
    ],
)
def test_enter_takes_what_is_under_the_cursor_along(
    view: str, number: int, wanted: dict[str, object]
) -> None:
    place = Place()
    place.open(named(view), FACTS, number)
    assert {name: getattr(place.wanted, name) for name in wanted} == wanted


def test_filters_are_taken_out_of_a_convolution_and_put_back() -> None:
    place = Place()
    place.choose_filters((), "relu2")
    place.open(named("filters"), FACTS, 2)
    assert (place.wanted.filters, place.wanted.layer, place.ablates) == ((2,), "conv2", True)
    place.choose_flagged("conv1")
    assert (place.wanted.filters, place.wanted.layer, place.ablates) == ((), "conv1", True)
    place.undo()
    assert not place.ablates


def test_the_window_of_the_stepper_stays_in_the_output() -> None:
    place = Place()
    place.move((0, 5), (4, 6), -1, 1)
    assert place.wanted.at == (0, 5)
    place.move((0, 5), (4, 6), 2, -3)
    assert place.wanted.at == (2, 2)


def test_in_little_room_the_words_of_the_state_go_first() -> None:
    place, maps = Place(), named("maps")
    forms = [place.words(maps, FACTS, None, "page 1 of 2", width) for width in (90, 80, 74, 10)]
    assert "state < step 40 > 2 of 3" in forms[0] and "page 1 of 2" in forms[0]
    assert "state" not in forms[1] and "< step 40 > 2 of 3" in forms[1]
    assert forms[2].endswith("< step 40 >") and "step" not in forms[3]
    assert [len(form) for form in forms] == sorted((len(form) for form in forms), reverse=True)
    only = replace(FACTS, states=("40",), at=0)
    assert place.words(named("confusion"), only, None, "", 80) == "step 40"


def confusion(*chosen: int, classes: tuple[str, ...] = ("cat", "dog")) -> Confusion:
    """Images of the class 0, with the classes that a network gives to them."""
    targets = np.zeros(len(chosen), np.int64)
    return Confusion("validation", classes, targets, np.eye(len(classes))[list(chosen)])


def test_the_most_frequent_mistake_is_named() -> None:
    (said,) = ConfusionSeen(confusion(0, 1, 1)).said
    assert said.endswith('2 wrong. Most often "cat" is taken for "dog": 2 times.')
    (right,) = ConfusionSeen(confusion(0, 0)).said
    assert right == "100.0% of 2 images of the validation split are right, 0 wrong."


def test_too_many_classes_for_a_matrix_are_pairs() -> None:
    seen = ConfusionSeen(confusion(0, 7, 7, 3, classes=tuple("abcdefghij")))

    def texts(width: int) -> list[str]:
        lines = seen.drawn(Canvas(width, 30, "ascii", chosen=3)).lines
        return ["".join(text for text, _ in line) for line in lines]

    assert "given class" in texts(80)[0] and any(">1" in row for row in texts(80))
    pairs = texts(40)
    assert "taken for" in pairs[0]
    assert [row.split() for row in pairs[1:3]] == [["a", "h", "2"], ["a", "d", "1"]]
    assert seen.pair(7) == (0, 7) and seen.drawn(Canvas(80, 30)).order == [7, 3]


def seen(found: Confusion, count: int, pair: tuple[int, int] | None = None) -> MistakesSeen:
    worst = tuple(Mistake(at, 0, 1, 2.5, ((1, 0.9), (0, 0.1))) for at in range(count))
    images = np.zeros((count, 1, 4, 4))
    numbers = np.arange(count)
    examples = Examples(images.astype(np.float32), numbers, images.astype(np.uint8), numbers)
    return MistakesSeen(found, worst, examples, pair)


def test_what_is_said_of_mistakes() -> None:
    some, none = confusion(0, 1, 1), confusion(0, 0)
    assert seen(none, 0).said == ("All 2 images of the validation split are right.",)
    assert seen(some, 0, (1, 0)).said[0].startswith("No such mistake among 3 images")
    assert seen(some, 1).said[0].endswith("are wrong; the worst is here.")
    assert seen(some, 2, (0, 1)).said[0].endswith("are wrong, 2 of them in this way.")
    assert seen(some, 2, (0, 1)).where == '"cat" taken for "dog"' and not seen(some, 2).where
    assert seen(some, 2).said[1].endswith('the network says "dog" 90.0%, "cat" 10.0%.')


def test_no_mistakes_are_no_picture() -> None:
    empty = seen(confusion(0, 0), 0)
    assert empty.pixels() is None
    assert empty.drawn(Canvas(80, 24)).lines == [((" no mistakes", "dim"),)]
    assert seen(confusion(1), 1).pixels() is not None
