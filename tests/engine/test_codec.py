"""Architecture files: what is refused, in which words, and that saving is all or nothing."""

import os
import stat
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import networks

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.codec import (
    dumps_network,
    load_network,
    loads_network,
    save_network,
)
from cnn_tui.engine.specs.layers import FC, Conv, MaxPool, ReLU
from cnn_tui.engine.specs.network import MAX_FILE_BYTES, MAX_LAYERS, Network, Recipe

LENET = """
name = "lenet"
input = [1, 28, 28]
layers = [
  { type = "conv", out_channels = 6, kernel_size = 5, padding = "same" },
  { type = "maxpool" },
  { type = "fc", out_features = 10 },
]
[training]
lr = 1
"""


def refusal(text: str) -> SpecError:
    with pytest.raises(SpecError) as caught:
        loads_network(text, "net.toml")
    error = caught.value
    assert str(error).isprintable(), "one line without control characters"
    assert error.message.startswith("net.toml")
    assert len(str(error)) < 400
    return error


def test_reads_a_file():
    network = loads_network(LENET, "net.toml")
    assert network.layers[0] == Conv(out_channels=6, kernel_size=5, padding="same")
    assert network.layers[1] == MaxPool()
    assert network.training.lr == 1.0


@pytest.mark.parametrize(
    ("text", "path", "words"),
    [
        ('layers = [{ type = "conv", out_channels = 6, kernal_size = 5 }]',
         "layers[0].kernal_size", "Did you mean kernel_size?"),
        ('layers = [{ type = "relu" }, { type = "cnov", out_channels = 6 }]',
         "layers[1].type", "unknown type 'cnov'. Did you mean 'conv'?"),
        ('layers = [{ type = "dense", out_features = 6 }]', "layers[0].type", "mean 'fc'?"),
        ('layers = [{ type = "conv", filters = 6, out_channels = 6 }]', "layers[0].filters",
         "Did you mean out_channels?"),
        ("[training]\nlearning_rate = 0.1", "training.learning_rate", "Did you mean lr?"),
        ('layers = [{ out_channels = 6 }]', "layers[0].type", "missing"),
        ('layers = [{ type = "conv" }]', "layers[0].out_channels", "missing. Give a whole number"),
        ('layers = [{ type = "conv", out_channels = 0 }]', "layers[0].out_channels",
         "expected a whole number from 1 to 65536, received 0"),
        ('layers = [{ type = "conv", out_channels = 2.5 }]', "layers[0].out_channels", "2.5"),
        ('layers = [{ type = "conv", out_channels = true }]', "layers[0].out_channels", "true"),
        ('layers = [{ type = "maxpool", kernel_size = 1000000000 }]', "layers[0].kernel_size",
         "from 1 to 1024, or a pair of them, [height, width], received 1000000000"),
        ('layers = [{ type = "maxpool", kernel_size = [1, 2, 3] }]', "layers[0].kernel_size",
         "received [1, 2, 3]"),
        ('layers = [{ type = "maxpool", stride = -1 }]', "layers[0].stride", "received -1"),
        ('layers = [{ type = "conv", out_channels = 1, padding = "smae" }]', "layers[0].padding",
         "Did you mean 'same'?"),
        ('layers = [{ type = "residual", branch = [{ type = "convv" }] }]',
         "layers[0].branch[0].type", "Did you mean 'conv'?"),
        ('layers = [{ type = "residual", branch = 3 }]', "layers[0].branch", "a list of layers"),
        ('layers = [3]', "layers[0]", "expected a table with a type, received 3"),
        ('layers = "conv"', "layers", "expected a list of layers, received 'conv'"),
        ('[layers]\ntype = "conv"', "layers", "received a table"),
        ('input = [1, 28]', "input", "[channels, height, width], received [1, 28]"),
        ('input = [1, 28, 0]', "input[2]", "received 0"),
        ('nane = "x"', "nane", "Did you mean name?"),
        ('name = "two words"', "name", "letters, digits"),
        ('name = "line\\n"', "name", "received 'line\\n'"),
        ('name = 1979-05-27', "name", "received a date or time"),
        ('training = []', "training", "expected a table of settings, received []"),
        ('[training]\nlr = nan', "training.lr", "received nan"),
        ('[training]\nlr = inf', "training.lr", "received inf"),
        ('[training]\nlr = 1e400', "training.lr", "received inf"),
        ('[training]\nlr = 0', "training.lr", "a number above 0 up to 1000000, received 0"),
        ('[training]\noptimizer = "Adam"', "training.optimizer", "Did you mean 'adam'?"),
        ('[training]\nbetas = [0.9, 1.0]', "training.betas[1]", "below 1, received 1.0"),
        ('[loss]\ntype = "svn"', "loss.type", "Did you mean 'svm'?"),
        ('[loss]\ntype = ["svm"]', "loss.type", "unknown type ['svm']"),
        (f'data = "{"x" * 201}"', "data", "text of at most 200 characters"),
    ],
)  # fmt: skip
def test_bad_value_is_refused_with_its_path(text, path, words):
    error = refusal(text)
    assert f"net.toml: {path}: " in error.message
    assert words in str(error)


def test_further_mistakes_are_counted():
    text = 'layers = [{ type = "conv" }, { type = "fc" }, { type = "relu", x = 1 }]'
    assert "and 2 more" in refusal(text).message
    text = "\n".join(f"x{number} = 1" for number in range(500))
    assert refusal(text).message == "net.toml: x0: unknown setting (and many more)."


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = \n", 2),
        ("a = 1\n\n\nb 2", 4),
        ("name = unquoted", 1),
        ("layers = [\n  { type = 'conv' }\n", 3),
        ("a = 1\na = 2", 2),
        ("a = '\x1b[31m'", 1),
        ("\x1b]0;title\x07", 1),
    ],
)
def test_syntax_error_names_its_line(text, line):
    assert f"net.toml, line {line}: " in refusal(text).message


def test_escape_sequences_never_reach_a_message():
    for text in (
        '"\\u001b[31mred" = 1',
        'layers = [{ type = "\\u001b]0;x\\u0007" }]',
        'name = "\\u202egnp"',
        'layers = [{ type = "conv", "\\n\\n" = 3, out_channels = 1 }]',
    ):
        refusal(text)


@pytest.mark.parametrize(
    "text",
    [
        "[[layers]]\n" * 1_000_000,
        "[[layers]]\n" * 20_000,
        "layers = [" + "{}," * 80_000 + "]",
        "layers = [" + '{type="relu"},' * (MAX_LAYERS + 1) + "]",
        "layers = [" + '{type="residual",branch=[' * 20 + "]}" * 20 + "]",
        "layers = " + "[" * 10_000,
        "layers = " + "[" * 10_000 + "]" * 10_000,
        "x = " + "{a=" * 10_000,
        ".".join(["a"] * 10_000) + " = 1",
        ".".join(['"a"'] * 10_000) + " = 1",
        "[" + " . ".join(["a"] * 10_000) + "]",
        "x = " + "9" * 100_000,
        "x = 0x" + "f" * 100_000,
        'layers = [{ type = "conv", out_channels = 0x' + "f" * 100_000 + " }]",
        "x = " + "1" * 100_000 + ".0",
        "a" * 200_000,
        "#" * (MAX_FILE_BYTES + 1),
    ],
    ids=lambda text: text[:24].replace("\n", " "),
)
def test_monstrous_files_are_refused(text):
    refusal(text)


def test_keys_of_many_parts_are_refused_before_they_are_parsed():
    for part in ("a", '"a b"', "'a b'", "a ", " a"):
        key = ".".join([part] * 40)
        for text in (f"{key} = 1", f"x = 1\n[{key}]", f"x = {{{key} = 1}}"):
            assert "more than 32 parts" in refusal(text).message


def test_long_description_is_no_long_key():
    text = "# " + "." * 500 + '\ndescription = "' + "a.b, c. And e.g. so on ... " * 50 + '"'
    assert loads_network(text, "net.toml").description.startswith("a.b")


@given(st.text() | st.text(alphabet='[]{}=.,"\n0a#\\', max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        loads_network(text, "net.toml")
    except SpecError as error:
        assert str(error).isprintable()


@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "net.toml"
    path.write_bytes(data)
    try:
        load_network(path)
    except SpecError as error:
        assert str(error).isprintable()


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    | st.sampled_from(["conv", "fc", "same", "residual"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(
        ["type", "layers", "branch", "out_channels", "kernel_size", "lr", "training", "loss", "x"]
    ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def _toml(value: object) -> str:
    match value:
        case None:
            return '""'
        case bool():
            return str(value).lower()
        case str():
            return '"' + "".join(f"\\U{ord(one):08x}" for one in value) + '"'
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    return str(value)


@given(st.dictionaries(st.sampled_from(["layers", "input", "loss", "training", "name"]), VALUES))
def test_any_toml_is_read_or_refused(data):
    text = "\n".join(f"{key} = {_toml(value)}" for key, value in data.items())
    try:
        network = loads_network(text, "net.toml")
    except SpecError as error:
        assert str(error).isprintable()
    else:
        check(network)


@given(
    st.text(), st.floats(1e-300, 1e6), st.integers(0, 2**53 - 1), st.text('\x7f\x00\\"\n\r\u2028')
)
def test_values_are_written_as_toml(text, lr, seed, odd):
    network = Network(description=text, data=odd, training=Recipe(lr=lr, seed=seed))
    found = tomllib.loads(dumps_network(network))
    assert (found.get("description", ""), found["data"]) == (text, odd)
    written = {"lr": 0.01, "seed": 0} | found.get("training", {})
    assert (written["lr"], written["seed"]) == (lr, seed)
    assert isinstance(written["lr"], float) and isinstance(written["seed"], int)


@pytest.mark.slow
@given(networks())
def test_networks_survive_being_written_and_read(network):
    text = dumps_network(network)
    back = loads_network(text, "net.toml")
    assert dumps_network(back) == text
    assert check(back) == check(network)
    assert (back.name, back.description, back.data) == (
        network.name, network.description, network.data,
    )  # fmt: skip
    assert (back.loss, back.training, back.input) == (
        network.loss, network.training, network.input,
    )  # fmt: skip
    assert len(back.layers) == len(network.layers)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "net.toml"


def test_saves_what_loads_back(path):
    network = Network(name="mine", description='"quoted"\n\x00\x7f ünï', layers=(ReLU(),))
    save_network(network, path)
    assert load_network(path) == network
    assert tomllib.loads(path.read_text("utf-8"))["name"] == "mine"
    assert [*path.parent.iterdir()] == [path]


def test_reads_with_a_byte_order_mark_and_dos_line_ends(path):
    path.write_bytes(b"\xef\xbb\xbfname = 'mine'\r\nlayers = []\r\n")
    assert load_network(path).name == "mine"


def test_saving_keeps_permissions_and_links(path):
    real = path.with_name("real.toml")
    real.write_text("")
    real.chmod(0o640)
    path.symlink_to(real)
    save_network(Network(name="mine"), path)
    assert path.is_symlink()
    assert load_network(real).name == "mine"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "network",
    [
        Network(layers=(Conv(out_channels=0),)),
        Network(layers=(ReLU(),) * (MAX_LAYERS + 1)),
        Network(description="\ud800"),
        Network(name="two words"),
    ],
    ids=["value", "layers", "surrogate", "name"],
)
def test_what_could_not_be_read_back_is_not_saved(path, network):
    path.write_text("precious")
    with pytest.raises(SpecError):
        save_network(network, path)
    assert path.read_text() == "precious"
    assert [*path.parent.iterdir()] == [path]


def test_unwritable_place_is_refused(path):
    with pytest.raises(SpecError, match="cannot be written"):
        save_network(Network(), path.parent / "missing" / "net.toml")
    with pytest.raises(SpecError, match="cannot be written"):
        save_network(Network(), path.parent)
    assert [*path.parent.iterdir()] == []


def test_failed_write_leaves_the_old_file(path, monkeypatch):
    path.write_text("precious")

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(SpecError, match=r"no space left on device"):
        save_network(Network(), path)
    assert path.read_text() == "precious"
    assert [*path.parent.iterdir()] == [path]


def test_unreadable_files_are_refused(path):
    with pytest.raises(SpecError, match="There is no file"):
        load_network(path)
    with pytest.raises(SpecError, match="not a file"):
        load_network(path.parent)
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(SpecError, match="not UTF-8"):
        load_network(path)
    path.write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    with pytest.raises(SpecError, match="larger than 256 KB"):
        load_network(path)


def test_flatten_is_passed_over() -> None:
    text = 'layers = [{ type = "relu" }, { type = "flatten" }, { type = "fc", out_features = 10 }]'
    assert [type(layer) for layer in loads_network(text, "file").layers] == [ReLU, FC]
