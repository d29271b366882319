"""Architecture files at their limits: version, size, number of layers, nesting, and mistakes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.formats import ARCHITECTURE
from cnn_tui.engine.specs.codec import load_network, loads_network, parse_toml, save_network
from cnn_tui.engine.specs.inside import walk_layers
from cnn_tui.engine.specs.layers import layer_type
from cnn_tui.engine.specs.network import MAX_FILE_BYTES, MAX_LAYERS, MAX_NESTING, Network


def refusal(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        loads_network(text, "net.toml")
    return caught.value


def test_a_version_up_to_the_known_one() -> None:
    for text in ("", f"format = {ARCHITECTURE}"):
        assert loads_network(text, "net.toml") == Network()
    for version in (2, 3):
        assert parse_toml(f"format = {version}\nx = 1", "net.toml", 3) == {"x": 1}
    with pytest.raises(SpecError, match="4") as later:
        parse_toml("format = 4", "net.toml", 3)
    assert later.value.message.startswith("net.toml ")
    for version in ("0", "-1", "true", "1.0", '"1"'):
        error = refusal(f"format = {version}")
        assert error.message.startswith(
            "net.toml: format: expected a whole number from 1, received"
        )
        assert error.hint == "Remove the line: a file without it is of format 1."


def test_a_file_of_256_kilobytes() -> None:
    assert loads_network("#" * MAX_FILE_BYTES, "net.toml") == Network()
    error = refusal("#" * (MAX_FILE_BYTES + 1))
    assert error.message == "net.toml is larger than 256 KB."
    assert error.hint == "At most 2,000 layers and 8 levels of nesting are allowed."


def layers(count: int) -> str:
    return "[" + '{type="relu"},' * count + "]"


def test_as_many_layers_as_allowed_are_read() -> None:
    text = f"layers = {layers(MAX_LAYERS)}"
    assert len(loads_network(text, "net.toml").layers) == MAX_LAYERS


COUNTED = [
    ("{type = 'repeat', layers = LAYERS}", 999),
    ("{type = 'repeat', times = 3, layers = LAYERS}", 666),
    ("{type = 'repeat', times = 1, layers = LAYERS}", 1999),
    ("{type = 'residual', branch = LAYERS}", 1999),
    ("{type = 'residual', branch = [{type = 'relu'}], shortcut = LAYERS}", 1998),
    ("{type = 'parallel', branches = [[], LAYERS]}", 1999),
    ("{type = 'repeat', layers = [{type = 'repeat', layers = LAYERS}]}", 499),
]


@pytest.mark.parametrize(("block", "most"), COUNTED)
def test_layers_in_blocks_and_copies_are_counted(block: str, most: int) -> None:
    text = f"layers = [{block}]"
    assert loads_network(text.replace("LAYERS", layers(most)), "net.toml")
    error = refusal(text.replace("LAYERS", layers(most + 1)))
    assert error.message == f"net.toml has more than {MAX_LAYERS:,} layers."


@pytest.mark.parametrize("times", ["0", "-5", '"x"'])
def test_of_an_invalid_number_of_copies_one_is_counted(times: str) -> None:
    text = f"layers = [{{type = 'repeat', times = {times}, layers = LAYERS}}]"
    assert "times: expected a whole number" in refusal(text.replace("LAYERS", layers(1999))).message
    assert "more than 2,000 layers" in refusal(text.replace("LAYERS", layers(2000))).message


@pytest.mark.parametrize("field", ["branch", "shortcut"])
def test_eight_levels(field: str) -> None:
    begin = "{type='residual', " + ("" if field == "branch" else "branch=[], ") + f"{field}=["
    for levels in (MAX_NESTING, MAX_NESTING + 1):
        text = "layers = [" + begin * levels + "{type='relu'}" + "]}" * levels + "]"
        if levels == MAX_NESTING:
            assert len(list(walk_layers(loads_network(text, "net.toml").layers))) == levels + 1
        else:
            assert refusal(text).message == "net.toml: blocks are nested too deeply."


def test_flatten_is_passed_over_wherever_it_stands() -> None:
    flat, relu = '{type = "flatten"}', '{type = "relu"}'
    inner = f"[{flat}, {relu}, {flat}, {relu}]"
    for block in (
        f"{{type = 'residual', branch = {inner}, shortcut = {inner}}}",
        f"{{type = 'parallel', branches = [{inner}, {inner}]}}",
        f"{{type = 'repeat', layers = {inner[:-1]}, {relu}, {relu}]}}",
    ):
        found = loads_network(f"layers = [{flat}, {block}, {flat}]", "net.toml").layers
        kinds = [layer_type(layer) for _, layer in walk_layers(found)]
        assert kinds[1:] == ["relu"] * 4
    named = refusal('layers = [{type = "flatten", name = "flat"}]')
    assert "layers[0].type: unknown type 'flatten'" in named.message


@pytest.mark.parametrize(
    ("count", "more"),
    [(1, ""), (2, " (and 1 more)"), (99, " (and 98 more)"), (100, " (and many more)")],
)
def test_how_many_mistakes_there_are(count: int, more: str) -> None:
    text = "\n".join(f"x{number} = 1" for number in range(count))
    assert refusal(text).message == f"net.toml: x0: unknown setting{more}."


@pytest.mark.parametrize(
    ("text", "line"), [("a = 1\nb = [1,\n", 3), ("a = 1\nb = [1,", 2), ("\n\nb = x", 3)]
)
def test_the_line_of_a_mistake_of_syntax(text: str, line: int) -> None:
    error = refusal(text)
    assert error.message.startswith(f"net.toml, line {line}: ") and "(at" not in error.message
    assert error.hint == "Write key = value, with text in quotes."


@pytest.mark.parametrize(
    "text",
    [
        "a = 1\na = 2\n",
        "[a]\n[a]\n",
        "a = {}\n[a]\n",
        "a = []\n[[a]]\n",
        "[[a]]\n[a]\n",
        "a = 1\nb = { c = 1, c = 2 }\n",
    ],
)
def test_what_is_there_twice_is_told_as_that(text: str) -> None:
    error = refusal(text)
    assert error.message == "net.toml, line 2: a setting or table that is there already."
    assert error.hint == "Give each once."


def test_a_number_that_python_does_not_read_is_told_as_that() -> None:
    text = f"[training]\nseed = {'9' * 5000}\n"
    assert refusal(text).message == "net.toml has a number of too many digits."


def test_a_link_is_followed_where_a_person_has_typed_it(tmp_path: Path) -> None:
    save_network(Network(name="mine"), tmp_path / "net.toml")
    link = tmp_path / "link.toml"
    link.symlink_to(tmp_path / "net.toml")
    assert load_network(link).name == "mine"
    with pytest.raises(SpecError, match=r"cannot be read: link\.toml is a link"):
        load_network(link, links=False)


def test_a_name_that_no_file_can_have_is_not_written(tmp_path: Path) -> None:
    for name in ("a\0b", "missing/net.toml"):
        with pytest.raises(SpecError, match="cannot be written") as caught:
            save_network(Network(), tmp_path / name)
        assert caught.value.hint == "Save under another name or in another folder."


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "net.toml")
    with pytest.raises(SpecError, match="not a file"):
        load_network(tmp_path / "net.toml")


def test_control_characters_in_a_path_are_written_out(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        load_network(tmp_path / "\x1b[31mred\n.toml")
    assert str(caught.value).isprintable()
