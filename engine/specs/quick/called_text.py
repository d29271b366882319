"""Reads the text of a call of another program, which is parsed and never run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from math import prod

import msgspec

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.shapes import format_shape
from cnn_tui.engine.specs.flow import FeatureMap
from cnn_tui.engine.specs.infer import infer
from cnn_tui.engine.specs.layers import FC, Layer
from cnn_tui.engine.specs.quick.called import Called
from cnn_tui.engine.specs.quick.calls import called
from cnn_tui.engine.specs.quick.keras_calls import KERAS, KERAS_NAMES
from cnn_tui.engine.specs.tokens import Token
from cnn_tui.engine.specs.wording import plain

_HOLDERS = ("Sequential", "ModuleList", "OrderedDict")


def calls_in(token: Token, *, keras: bool) -> Iterator[Called]:
    """Yield what each call in a text makes, in order: one, or those inside a ``Sequential``.

    With ``keras`` plain names that PyTorch has as well, such as ``LeakyReLU``, are those of Keras.

    Raises:
        EntryError: if one is unknown, or has an argument without a counterpart.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            node = ast.parse(token.text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise token.error("This is no call of PyTorch or Keras.", _EXAMPLE) from None
    yield from _calls(node, token, keras)


_EXAMPLE = "Example: Conv2d(3, 32, 3, padding=1)."


def _calls(node: ast.expr, token: Token, keras: bool) -> Iterator[Called]:
    match node:
        case ast.Call(func=ast.Call() as inner):  # layers.Dense(10)(x)
            yield from _calls(inner, token, keras)
        case ast.Call(func=ast.Attribute(attr="add"), args=[layer]):  # model.add(...)
            yield from _calls(layer, token, keras)
        case ast.Call(func=func) if _last(func) in _HOLDERS:
            for item in node.args:
                yield from _calls(item, token, keras)
        case ast.List(elts=items):
            for item in items:
                yield from _calls(item, token, keras)
        case ast.Tuple(elts=[ast.Constant(value=str()), module]):
            yield from _calls(module, token, keras)
        case ast.Call():
            yield _call(node, token, keras)
        case _:
            raise token.error(f"{_short(node)} is no call of PyTorch or Keras.", _EXAMPLE)


def _call(node: ast.Call, token: Token, keras: bool) -> Called:
    name = ast.unparse(node.func)
    try:
        words = {word.arg or "**": _value(word.value) for word in node.keywords}
        # A plain name may be either's: what stands beside it tells, as its arguments do.
        of_keras = name in KERAS and (keras or not KERAS_NAMES.keys().isdisjoint(words))
        return called(name, [_value(value) for value in node.args], words, keras=of_keras)
    except SpecError as error:
        raise token.error(f"{plain(name)} {error.message}.", error.hint) from None


def _value(node: ast.expr) -> object:
    """The value of a literal; of ``tf.nn.relu`` its name."""
    if isinstance(node, ast.Attribute):
        return node.attr
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        raise SpecError(f"has the argument {_short(node)}, which is not a literal") from None


def _last(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


def _short(node: ast.expr) -> str:
    text = plain(ast.unparse(node))
    return text if len(text) <= 40 else f"{text[:40]}..."


def check_receives(made: Called, flow: FeatureMap, token: Token) -> None:
    """Compare the input size that a call declares with the one it receives.

    Raises:
        EntryError: if they differ.
    """
    shape = flow.shape
    if made.receives is None or shape is None:
        return
    fc = any(isinstance(layer, FC) for layer in made.layers)
    actual = prod(shape) if fc else shape[0]
    if made.receives != actual:
        what = "features" if fc else "channels"
        text = f"It declares {made.receives} input {what}, but receives {actual:,}"
        raise token.error(f"{text} ({format_shape(shape)}).", f"Write {actual}.")


def rounded_down(layer: Layer, flow: FeatureMap) -> Layer:
    """Round sizes down, as PyTorch and Keras do, where a window would not fit otherwise."""
    if "fraction" in infer(layer, flow).codes:
        return msgspec.structs.replace(layer, rounding="floor")
    return layer
