"""Networks of Keras in source: sequential, functional, with functions and loops; or why not."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.reading import import_network
from cnn_tui.engine.importing.result import Imported, OpenSizeError
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.quick.write import to_quick

MNIST = """
    import numpy as np
    import keras
    from keras import layers

    num_classes = 10
    input_shape = (28, 28, 1)
    (x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()
    x_train = x_train.astype("float32") / 255
    model = keras.Sequential(
        [
            keras.Input(shape=input_shape),
            layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(num_classes, activation="softmax"),
        ]
    )
    model.summary()
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    for epoch in range(epochs):
        print(epoch)
    if score > 0.9:
        model.save("best")
    model.fit(x_train, y_train, batch_size=128, epochs=15, validation_split=0.1)
"""
CIFAR = """
    from tensorflow.keras import datasets, layers, models
    model = models.Sequential()
    model.add(layers.Conv2D(32, (3, 3), activation='relu', input_shape=(32, 32, 3)))
    model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Conv2D(64, (3, 3), activation='relu'))
    model.add(layers.MaxPooling2D((2, 2)))
    model.add(layers.Conv2D(64, (3, 3), activation='relu'))
    model.add(layers.Flatten())
    model.add(layers.Dense(64, activation='relu'))
    model.add(layers.Dense(10))
"""
RESNET = """
    from tensorflow import keras
    from tensorflow.keras import layers
    inputs = keras.Input(shape=(32, 32, 3), name="img")
    x = layers.Conv2D(32, 3, activation="relu")(inputs)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    block_1_output = layers.MaxPooling2D(3)(x)

    x = layers.Conv2D(64, 3, activation="relu", padding="same")(block_1_output)
    x = layers.Conv2D(64, 3, activation="relu", padding="same")(x)
    block_2_output = layers.add([x, block_1_output])

    x = layers.Conv2D(64, 3, activation="relu", padding="same")(block_2_output)
    x = layers.Conv2D(64, 3, activation="relu", padding="same")(x)
    block_3_output = layers.add([x, block_2_output])

    x = layers.Conv2D(64, 3, activation="relu")(block_3_output)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(256, activation="relu")(x)
    x = layers.Dropout(0.5)(x)
    outputs = layers.Dense(10)(x)
    model = keras.Model(inputs, outputs, name="toy_resnet")
"""
FUNCTIONS = """
    import tensorflow as tf
    from tensorflow.keras.layers import *
    from tensorflow.keras import Model
    WIDTHS = [8, 16]
    def conv_bn(x, filters, stride=1):
        x = Conv2D(filters, 3, strides=stride, padding="same", use_bias=False,
                   kernel_initializer="he_normal")(x)
        x = BatchNormalization()(x)
        return Activation("relu")(x)
    def se(x, filters, ratio=4):
        y = GlobalAveragePooling2D()(x)
        y = Dense(filters // ratio, activation="relu")(y)
        y = Dense(filters, activation="sigmoid")(y)
        y = Reshape((1, 1, filters))(y)
        return Multiply()([x, y])
    def build(classes=10):
        inputs = Input((16, 16, 3))
        x = Rescaling(1 / 255)(inputs)
        for width in WIDTHS:
            x = conv_bn(x, width)
            for i in range(2):
                if i == 1:
                    x = conv_bn(x, width, stride=2)
        x = se(x, 16)
        x = Concatenate()([Conv2D(4, 1)(x), MaxPooling2D(3, strides=1, padding="same")(x)])
        x = tf.nn.relu(x)
        x = Dense(classes)(Flatten()(x))
        return Model(inputs=inputs, outputs=Softmax()(x))
"""
EXAMPLES = {
    # The numbers of parameters are those of model.summary() in Keras's own documentation.
    "mnist": (MNIST, (1, 28, 28), 34_826),
    "cifar": (CIFAR, (3, 32, 32), 122_570),
    "resnet": (RESNET, (3, 32, 32), 223_242),
}


def imported(tmp_path: Path, text: str, name: str = "") -> Imported:
    path = tmp_path / "net.py"
    path.write_text(dedent(text))
    return import_network(path, None, name)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_of_keras_have_the_parameters_it_prints(name: str, tmp_path: Path) -> None:
    text, size, params = EXAMPLES[name]
    found = imported(tmp_path, text).network
    assert found.input == size
    assert check(found).valid and check(found).total_params == params


def test_a_softmax_at_the_end_is_part_of_the_loss(tmp_path: Path) -> None:
    assert imported(tmp_path, MNIST).notes == (
        "its softmax is left out: it is part of the loss here",
    )


def test_functions_loops_and_branches_are_followed(tmp_path: Path) -> None:
    found = imported(tmp_path, FUNCTIONS)
    line = to_quick(found.network.layers)
    norm = "nobias{} | batchnorm eps 0.001 momentum 0.01 | relu"
    for conv in ("conv 8 3x3 pad same ", "conv 8 3x3 s2 pad same ", "conv 16 3x3 s2 pad same "):
        assert conv + norm.format(" floor" * ("s2" in conv)) in line
    assert line.count("batchnorm") == 4
    assert "parallel { } { global_avgpool | fc 4 | relu | fc 16 | sigmoid } multiply" in line
    assert "parallel { conv 4 1x1 } { maxpool 3x3 s1 p1 floor } | relu | fc 10" in line
    assert any("Rescaling (line 19) is left out" in note for note in found.notes)
    assert any("windows lie up to one pixel off" in note for note in found.notes)
    assert check(found.network).valid


FORMS = {
    "m = Sequential([Input((8, 8, 1))])\nfor f, k in [(2, 1), (4, 3)]:\n  m.add(Conv2D(f, k))\n"
    "m.add(Flatten())",
    "m = Sequential([Input((8, 8, 1)), *[Conv2D(f, k) for f, k in zip((2, 4), (1, 3))]])",
    "i = x = Input((8, 8, 1))\nfor n, f in enumerate([2, 4]):\n  x = Conv2D(f, 1 + 2 * n)(x)\n"
    "m = Model(i, Flatten()(x))",
    "with scope():\n  i = Input((8, 8, 1))\n  x = Conv2D(2, 1)(i)\n"
    "  x = Conv2D(4, 3)(x) if True else x\nm = Model(i, Flatten()(x))",
}


@pytest.mark.parametrize("text", FORMS, ids=range(len(FORMS)))
def test_forms_of_the_same_program(text: str, tmp_path: Path) -> None:
    first, second = imported(tmp_path, text).network.layers[:2]
    assert (first.out_channels, first.kernel_size) == (2, 1)
    assert (second.out_channels, second.kernel_size) == (4, 3)


def test_one_of_several_is_named(tmp_path: Path) -> None:
    text = """
        a = Sequential([Input((8, 8, 1)), Flatten(), Dense(3)])
        b = Sequential([Input((8, 8, 1)), Flatten(), Dense(4)])
    """
    assert imported(tmp_path, text).network.layers[0].out_features == 4
    assert imported(tmp_path, text, "a").network.layers[0].out_features == 3
    with pytest.raises(SpecError, match="has no network named c"):
        imported(tmp_path, text, "c")


REFUSED = {
    "Conv2D(8, n)": "line 3: n is not a literal",
    "Conv2D(8, 3, colour=1)": "line 3: Conv2D has an unsupported argument colour",
    "Conv2D(8, 0)": "line 3: Conv2D has a wrong kernel_size",
    "Conv2D(8, 3, activation='mish')": "line 3: Conv2D has the activation 'mish'",
    "Conv2D(8, 3), UpSampling2D(), Conv2DTranspose(3, 3)":
        "layers without a counterpart: line 3: UpSampling2D and line 3: Conv2DTranspose",
    "Conv2D(8, 3, data_format='channels_first')": "data_format",
    "Conv2D(8, 3), Dense(3)": "receives a volume of 8x6x6; flatten it",
    "Conv2D(8, 30)": "larger than its input",
    "3": "is no layer of a chain",
    "ReLU(max_value=3)": "a limit other than 6",
    "Softmax(), ReLU()": "in this position",
}  # fmt: skip


@pytest.mark.parametrize("layer", REFUSED)
def test_what_has_no_counterpart_is_named_with_its_line(layer: str, tmp_path: Path) -> None:
    text = f"from keras.layers import *\nm = Sequential([Input((8, 8, 1)),\n{layer}])"
    with pytest.raises(SpecError) as caught:
        imported(tmp_path, text)
    assert REFUSED[layer] in str(caught.value) and "\n" not in str(caught.value)
    assert "net.py" in str(caught.value)


WHOLE = {
    "x = Dense(3)": "has no network. Write it as keras.Sequential",
    "m = Sequential([Dense(3)])\nl = Dense(3)\nn = Sequential([l, l])": "is used twice",
    "i = Input((8, 8, 1))\nm = Model(i, [Dense(1)(i), Dense(2)(i)])": "has no single output",
    "i = Input((8, 8, 1))\nm = Model(i, Dense(3)(j))": "line 2: j is not a literal",
    "m = Sequential()\nfor k in sizes:\n  m.add(Dense(k))": "line 2: sizes is not a literal",
    "m = Sequential()\nwhile k:\n  m.add(Dense(3))": "layers are made in a while loop",
    "d = Dense(3)\nfor k in range(1000000):\n  i = ReLU()": "takes more than 20,000 steps",
    "def f():\n  return f()\nm = Sequential([f(), Dense(2)])": "",
    "m = Sequential([Conv2D(3, 3)])": "does not declare the size of its images",
}


@pytest.mark.parametrize("text", WHOLE)
def test_programs_that_are_no_network(text: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        imported(tmp_path, text)
    assert WHOLE[text] in str(caught.value) and "\n" not in str(caught.value)


def test_an_open_size_has_the_smallest_that_fits(tmp_path: Path) -> None:
    with pytest.raises(OpenSizeError) as caught:
        imported(tmp_path, "m = Sequential([Conv2D(3, 5), Flatten(), Dense(2)])")
    assert caught.value.smallest == (1, 5, 5)


def test_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "open('ran', 'w')\nm = Sequential([Dense(open('ran', 'w').write('x'))])"
    with pytest.raises(SpecError, match="not a literal"):
        imported(tmp_path, text)
    assert not Path("ran").exists()
