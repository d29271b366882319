"""Every invalid value of a description, with its path: what was expected, and what to do."""

from __future__ import annotations

import msgspec
import pytest

from cnn_tui.engine.specs.layers import Conv, Layer, Parallel, ReLU, Repeat, Residual
from cnn_tui.engine.specs.network import Network, Recipe
from cnn_tui.engine.specs.values import (
    fields_of,
    network_problems,
    table_problems,
    value_problems,
)

CONV = {"type": "conv", "out_channels": 1}
WHOLE = "expected a whole number from 1 to 65536, received 0"
WRONG: list[tuple[object, list[tuple[str, str, str]]]] = [
    ([], [("", "expected a table of settings, received []", "")]),
    ({"training": {"epochs": 3}, "loss": {"type": "svm"}, "layers": [CONV]}, []),
    ({"type": "conv"}, [("type", "unknown setting", "Known settings: ")]),
    ({"layers": [{**CONV, "filters": 3}]},
     [("layers[0].filters", "unknown setting", "Did you mean out_channels?")]),
    ({"layers": [{"type": "fc", "out_features": 1, "filters": 3}]},
     [("layers[0].filters", "unknown setting", "Known settings: out_features, bias and name.")]),
    ({"training": {"learning_rate": 3}},
     [("training.learning_rate", "unknown setting", "Did you mean lr?")]),
    ({"x" * 65: 1}, [("x" * 64, "unknown setting", "Known")]),
    ({"": 1, "ä": 1, 3: 1}, [
        ("''", "unknown setting", "Known"), ("'ä'", "unknown setting", "Known"),
        ("3", "unknown setting", "Known"),
    ]),
    ({"layers": [{"type": "fc"}]},
     [("layers[0].out_features", "missing", "Give a whole number from 1 to 65536.")]),
    ({"layers": [CONV, {"type": "fc", "out_features": 0}, 3]}, [
        ("layers[1].out_features", WHOLE, ""),
        ("layers[2]", "expected a table with a type, received 3", "Write each layer as { type"),
    ]),
    ({"layers": {}}, [("layers", "expected a list of layers, received a table", "Write each")]),
    ({"layers": ["fc"]}, [("layers[0]", "expected a table with a type", "Write each")]),
    ({"layers": [{**CONV, "in_channels": 1}]},
     [("layers[0].in_channels", "unknown setting", "It follows from the layer before")]),
    ({"layers": [{**CONV, "activation": "relu"}]},
     [("layers[0].activation", "unknown setting", "a layer of its own")]),
    ({"layers": [{"type": "softmax"}]},
     [("layers[0].type", "unknown type 'softmax'", "The loss computes it")]),
    ({"layers": [{**CONV, "padding": "valid"}]},
     [("layers[0].padding", "expected a whole number", "Did you mean 0?")]),
    ({"layers": [{**CONV, "bias": "false"}]},
     [("layers[0].bias", "expected true or false", "Write it without quotes.")]),
    ({"lr": 0.1, "learning_rate": 0.1}, [
        ("lr", "unknown setting", "It belongs to [training], as lr."),
        ("learning_rate", "unknown setting", "It belongs to [training], as lr."),
    ]),
    ({"training": {"lr": "1e-3", "epochs": "3", "momentum": "x"}}, [
        ("training.epochs", "expected a whole number", "Write it without quotes."),
        ("training.lr", "expected a number", "Write it without quotes."),
        ("training.momentum", "expected a number", ""),
    ]),
    ({"loss": "svm"}, [("loss", "expected a table with a type", 'Write { type = "svm" }.')]),
    ({"layers": [{"type": "residual", "branch": [], "shortcut": [{"type": "fc"}]}]},
     [("layers[0].shortcut[0].out_features", "missing", "Give")]),
    ({"layers": [{"type": "residual", "branch": [], "shortcut": "proj"}]},
     [("layers[0].shortcut", "expected \"identity\"", "Did you mean 'projection'?")]),
    ({"layers": [{"type": "parallel", "branches": [[CONV], [{"type": "fc"}]]}]},
     [("layers[0].branches[1][0].out_features", "missing", "Give")]),
    ({"layers": [{"type": "parallel", "branches": [[]] * 26}]}, []),
    ({"layers": [{"type": "parallel", "branches": [[]] * 27}]},
     [("layers[0].branches", "expected 1 to 26 lists of layers, received 27",
       "An empty list passes its input on.")]),
    ({"layers": [{"type": "parallel", "branches": []}]},
     [("layers[0].branches", "expected 1 to 26 lists of layers, received 0", "An empty")]),
    ({"layers": [{"type": "parallel", "branches": "x"}]},
     [("layers[0].branches", "expected 1 to 26 lists of layers, received 'x'", "An empty")]),
    ({"layers": [{"type": "dense"}]}, [("layers[0].type", "unknown type 'dense'", "'fc'")]),
    ({"layers": [{"type": "convv"}]}, [("layers[0].type", "unknown type 'convv'", "'conv'")]),
    ({"layers": [{"type": 3}]}, [("layers[0].type", "unknown type 3", "Known types: conv")]),
    ({"layers": [{}]}, [("layers[0].type", "missing", "Known types: conv")]),
    ({"loss": {"type": "relu"}}, [("loss.type", "unknown type 'relu'", "softmax and svm")]),
    ({"loss": 3}, [("loss", "expected a table with a type, received 3", "Write {")]),
    ({"training": 3}, [("training", "expected a table of settings, received 3", "")]),
    ({"training": {"optimizer": "Adm"}}, [("training.optimizer", "expected", "'adam'?")]),
    ({"training": {"betas": [0.5, 1.5]}},
     [("training.betas[1]", "expected a number from 0 below 1, received 1.5", "")]),
    ({"training": {"betas": [0.5]}},
     [("training.betas", "expected a list of 2 numbers, received [0.5]", "")]),
    ({"training": {"betas": []}},
     [("training.betas", "expected a list of 2 numbers, received []", "")]),
    ({"classes": ["a", 3, ""]}, [
        ("classes[1]", "expected text of at most 64 characters, received 3", ""),
        ("classes[2]", "expected text of at most 64 characters, received ''", ""),
    ]),
    ({"layers": [{**CONV, "padding": "smae"}]},
     [("layers[0].padding", "expected a whole number", "Did you mean 'same'?")]),
    ({"layers": [{**CONV, "kernel_size": []}]},
     [("layers[0].kernel_size", "expected a whole number", "")]),
    ({"layers": [{"type": "parallel", "branches": [[CONV]]}]}, []),
    ({"classes": [""]}, [("classes[0]", "expected text", "")]),
    ({"layers": [{**CONV, "kernel_size": [3, 0]}]},
     [("layers[0].kernel_size", "expected a whole number", "")]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "problems"), WRONG)
def test_every_invalid_value_of_a_file(data: object, problems: list[tuple[str, ...]]) -> None:
    found = list(network_problems(data))
    assert [problem.path for problem in found] == [path for path, _, _ in problems]
    for problem, (_, text, remedy) in zip(found, problems, strict=True):
        assert problem.text.startswith(text)
        assert remedy in problem.remedy and bool(problem.remedy) == bool(remedy)


def test_a_table_of_any_kind_is_read_by_its_annotations() -> None:
    (problem,) = table_problems({"epochs": 0}, Recipe)
    assert problem.path == "epochs"
    assert fields_of(Recipe) is fields_of(Recipe), "msgspec takes long for them"


CODE: list[tuple[Layer | Network, list[str]]] = [
    (Conv(out_channels=0, kernel_size=0), ["out_channels", "kernel_size"]),
    (ReLU(name="two words"), ["name"]),
    (Residual(branch=(Conv(out_channels=0),)), []),
    (Residual(branch=(), shortcut=(Conv(out_channels=0),), stride=0), ["stride"]),
    (Residual(branch=(), shortcut="proj"), ["shortcut"]),  # type: ignore[arg-type]
    (Parallel(branches=((Conv(out_channels=0),), ())), []),
    (Parallel(branches=()), ["branches"]),
    (Parallel(branches=((),) * 26), []),
    (Parallel(branches=((),) * 27), ["branches"]),
    (Parallel(branches=3), ["branches"]),  # type: ignore[arg-type]
    (Repeat(layers=(Conv(out_channels=0),), times=0), ["times"]),
    (Network(layers=(Conv(out_channels=0),)), []),
    (Network(name="a b", training=Recipe(lr=0.0)), ["name", "training.lr"]),
    (Network(loss=3), ["loss"]),  # type: ignore[arg-type]
    (Network(training=Recipe(seed=2**70)), ["training.seed"]),
]


@pytest.mark.parametrize(("described", "paths"), CODE)
def test_invalid_values_of_a_description_made_in_code(
    described: Layer | Network, paths: list[str]
) -> None:
    assert [problem.path for problem in value_problems(described)] == paths


@pytest.mark.parametrize(
    ("data", "classes", "text"),
    [
        ("digits", (), ""),
        ("digits", tuple("abcdefghij"), ""),
        ("digits", ("a", "b", "c"), "expected the 10 classes of digits, received 3"),
        ("mine", ("a", "b"), ""),
        ("mine", ("a",), "expected at least two names, received one"),
        ("mine", ("a", "b", "c", "b", "c"), "'b' is listed twice"),
        ("mine", ("a", "a"), "'a' is listed twice"),
    ],
)
def test_lists_of_classes_that_no_data_can_have(
    data: str, classes: tuple[str, ...], text: str
) -> None:
    described = Network(data=data, classes=classes)
    assert [(one.path, one.text) for one in value_problems(described)] == (
        [("classes", text)] if text else []
    )
    invalid = msgspec.structs.replace(described, name="a b")
    assert [one.path for one in value_problems(invalid)] == ["name"], "first what is no value"


@pytest.mark.parametrize(("setting", "most"), [("shift", 5), ("cutout", 17)])
def test_augmentation_leaves_something_of_an_image(setting: str, most: int) -> None:
    for value, paths in ((most, []), (most + 1, [f"training.{setting}"])):
        described = Network(input=(3, 6, 9), data="mine").with_training(**{setting: value})
        assert [one.path for one in value_problems(described)] == paths
