"""Reads networks of Keras from Python source: ``Sequential`` and functional chains.

Statements are followed as far as literals decide them, and never run: assignments, loops over
literals, ``if`` and calls of functions of the file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import cast

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.keras_layers import FREE, LEFT_OUT, KerasModel, Maker, parts_of
from cnn_tui.engine.importing.literals import NotLiteralError
from cnn_tui.engine.importing.loops import loop_names
from cnn_tui.engine.importing.result import Size
from cnn_tui.engine.importing.signatures import ImportedModule
from cnn_tui.engine.importing.torch_source import SHARED, TorchSource
from cnn_tui.engine.importing.torch_values import Value, joined, parts_to
from cnn_tui.engine.specs.layers import Merge
from cnn_tui.engine.specs.network import MAX_LAYERS
from cnn_tui.engine.specs.quick.calls import called
from cnn_tui.engine.specs.quick.keras_calls import KERAS, KERAS_NAMES, keras_activation

Names = dict[str, object]
"""Values of variables: of the network, layers, models, literals, or why they are unknown."""

_MERGES: dict[str, Merge] = {
    **{"Add": "add", "add": "add", "Concatenate": "concat", "concatenate": "concat"},
    **{"Multiply": "multiply", "multiply": "multiply"},
}
_PLAIN = "Write them one after the other, or in a for loop over literals."
_MOST_STEPS = 20_000
"""Statements followed: a loop in a loop may take very long."""


class KerasProgram:
    """The statements of a file, followed in their order."""

    def __init__(self, source: TorchSource) -> None:
        self._source = source
        self._functions = {
            node.name: node for node in source.tree.body if isinstance(node, ast.FunctionDef)
        }
        self._steps = 0
        self._size: Size | None = None
        self.remarks: list[str] = []

    def model(self, name: str) -> KerasModel | None:
        """The model of a variable, or one that a function without arguments returns."""
        names: Names = {}
        self._follow(self._source.tree.body, names, tolerant=True)
        models = {key: value for key, value in names.items() if isinstance(value, KerasModel)}
        if name in models or (models and not name):
            return models[name or list(models)[-1]]
        for key in [name] if name else list(self._functions)[::-1]:
            function = self._functions.get(key)
            if function is not None and len(function.args.defaults) == len(function.args.args):
                made = self._called(function, [], {}, names)
                if isinstance(made, KerasModel):
                    return made
        return None

    def _follow(self, body: Sequence[ast.stmt], names: Names, *, tolerant: bool = False) -> object:
        """Follow statements up to a return, whose value is the result; None without one.

        ``tolerant`` passes over what makes no layers, and keeps the reason why a variable is
        unknown until it is used.
        """
        for line in body:
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise SpecError(f"{self._source.where} takes more than {_MOST_STEPS:,} steps.")
            if isinstance(line, ast.Return):
                return self._value(line.value, names) if line.value else None
            if isinstance(line, ast.For | ast.If) and tolerant and not self._makes_layers(line):
                continue
            result: object = None
            match line:
                case ast.If():
                    result = self._follow(self._chosen(line, names), names, tolerant=tolerant)
                case ast.For():
                    result = self._looped(line, names, tolerant=tolerant)
                case ast.With():
                    result = self._follow(line.body, names, tolerant=tolerant)
                case ast.While() if self._makes_layers(line):
                    where = f"{self._source.where}, line {line.lineno}"
                    raise SpecError(f"{where}: layers are made in a while loop.", _PLAIN)
                case _:
                    self._statement(line, names, tolerant=tolerant)
            if result is not None:
                return result
        return None

    def _makes_layers(self, line: ast.stmt) -> bool:
        """Whether a statement calls a layer, ``add`` or a function of the file."""
        names = {self._last(node.func) for node in ast.walk(line) if isinstance(node, ast.Call)}
        return bool(names & {*KERAS, *_MERGES, *self._functions, "Sequential", "Model", "add"})

    def _looped(self, line: ast.For, names: Names, *, tolerant: bool) -> object:
        for item in self._items(line.iter, names):
            names |= loop_names(line.target, item)
            result = self._follow(line.body, names, tolerant=tolerant)
            if result is not None:
                return result
        return None

    def _items(self, node: ast.expr, names: Names) -> Iterable[object]:
        match node:
            case ast.Call(func=ast.Name(id="range"), args=arguments, keywords=[]):
                numbers = [self._literal(argument, names) for argument in arguments]
                if all(type(number) is int for number in numbers) and 0 < len(numbers) < 3:
                    return range(*cast(list[int], numbers))
            case ast.Call(func=ast.Name(id="enumerate"), args=[inner]):
                return enumerate(self._items(inner, names))
            case ast.Call(func=ast.Name(id="zip"), args=arguments):
                return zip(*(self._items(one, names) for one in arguments), strict=False)
            case _:
                items = self._value(node, names)
                if isinstance(items, list | tuple):
                    return items
        raise self._source.error(node, "is no range or list of literals")

    def _chosen(self, line: ast.If, names: Names) -> Sequence[ast.stmt]:
        if ast.unparse(line.test) in ("__name__ == '__main__'", '__name__ == "__main__"'):
            return line.body
        return line.body if self._literal(line.test, names) else line.orelse

    def _statement(self, line: ast.stmt, names: Names, *, tolerant: bool) -> None:
        match line:
            case ast.Assign(targets=targets, value=value):
                known = self._assigned(value, names, tolerant=tolerant)
                names |= {one.id: known for one in targets if isinstance(one, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                names[name] = self._assigned(value, names, tolerant=tolerant)
            case ast.AugAssign(target=ast.Name(id=name) as target, op=op, value=value):
                both = ast.BinOp(ast.copy_location(ast.Name(name), target), op, value)
                both = ast.copy_location(both, line)
                names[name] = self._assigned(both, names, tolerant=tolerant)
            case ast.Expr(ast.Call(ast.Attribute(ast.Name(name), "add"), [layer], [])) if (
                isinstance(names.get(name), KerasModel)
            ):
                self._append(cast(KerasModel, names[name]), self._value(layer, names), layer)

    def _assigned(self, node: ast.expr, names: Names, *, tolerant: bool) -> object:
        try:
            return self._value(node, names)
        except SpecError as error:
            model = isinstance(node, ast.Call) and self._last(node.func) in ("Sequential", "Model")
            if tolerant and not model:
                return error
            raise

    def _last(self, node: ast.expr) -> str:
        return self._source.meaning(node).rpartition(".")[2]

    def _append(self, model: KerasModel, made: object, node: ast.expr) -> None:
        if isinstance(made, KerasModel):
            model.parts += made.parts
        elif isinstance(made, Maker) and made.merge is None:
            self._use(made, node)
            model.parts += made.parts
        else:
            raise self._source.error(node, "is no layer of a chain")
        model.size = model.size or made.size

    def _use(self, maker: Maker, node: ast.expr) -> None:
        if maker.used and any(part.has_weights for part in maker.parts):
            raise self._source.error(node, SHARED)
        maker.used = True

    def _literal(self, node: ast.expr, names: Names) -> object:
        known = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in names.items()
            if not isinstance(value, Value | Maker | KerasModel | SpecError)
        }
        try:
            return self._source.within(known).value(node)
        except NotLiteralError:
            raise self._source.error(node, "is not a literal") from None

    def _value(self, node: ast.expr, names: Names) -> object:
        match node:
            case ast.Name(id=name) if isinstance(names.get(name), SpecError):
                raise cast(SpecError, names[name])
            case ast.Name(id=name) if name in names:
                return names[name]
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [made for item in items for made in self._spread(item, names)]
            case ast.ListComp(elt=made, generators=[ast.comprehension(ifs=[]) as loop]):
                several = islice(self._items(loop.iter, names), MAX_LAYERS)
                each = ({**names, **loop_names(loop.target, item)} for item in several)
                return [self._value(made, inside) for inside in each]
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._value(body if self._literal(test, names) else orelse, names)
            case ast.BinOp(left=left, op=ast.Add() | ast.Mult() as op, right=right):
                sides = [self._value(side, names) for side in (left, right)]
                if any(isinstance(side, Value) for side in sides):
                    merge: Merge = "add" if isinstance(op, ast.Add) else "multiply"
                    return joined(self._values(sides, node), merge, self._source.at(node))
            case ast.Call(func=ast.Name(id=name)) if name in self._functions:
                values = [self._value(argument, names) for argument in node.args]
                words = {word.arg or "": self._value(word.value, names) for word in node.keywords}
                return self._called(self._functions[name], values, words, names)
            case ast.Call():
                return self._call(node, names)
        return self._literal(node, names)

    def _spread(self, node: ast.expr, names: Names) -> Iterable[object]:
        """The values that an entry of a list stands for: several for ``*layers``."""
        if isinstance(node, ast.Starred):
            return self._items(node.value, names)
        return [self._value(node, names)]

    def _called(
        self, function: ast.FunctionDef, given: Sequence[object], words: Names, above: Names
    ) -> object:
        arguments = [argument.arg for argument in function.args.args]
        inside = dict(above)
        for name, default in zip(arguments[::-1], function.args.defaults[::-1], strict=False):
            inside[name] = self._assigned(default, above, tolerant=True)
        inside |= dict(zip(arguments, given, strict=False)) | words
        return self._follow(function.body, inside)

    def _call(self, node: ast.Call, names: Names) -> object:
        """The layer, model or value that a call makes."""
        meaning = self._source.meaning(node.func)
        name = meaning.rpartition(".")[2]
        held = names.get(meaning) if isinstance(node.func, ast.Name) else None
        if isinstance(node.func, ast.Call) or isinstance(held, Maker | KerasModel):
            return self._applied(self._value(node.func, names), node, names)
        if name == "Input":
            self._size = self._declared(node, names) or self._size
            return Value()
        if name == "Sequential":
            return self._sequential(node, names)
        if name == "Model":
            return self._functional(node, names)
        if name in _MERGES and node.args and name.islower():
            return self._merged(node, _MERGES[name], node.args[0], names)
        if name in _MERGES:
            return Maker((), _MERGES[name])
        if len(node.args) == 1 and isinstance(value := self._maybe(node.args[0], names), Value):
            return self._activated(node, name, value)
        return self._layer(node, meaning, names)

    def _maybe(self, node: ast.expr, names: Names) -> object:
        return names.get(node.id) if isinstance(node, ast.Name) else None

    def _activated(self, node: ast.Call, name: str, value: Value) -> Value:
        """A function such as ``tf.nn.relu`` of a value."""
        try:
            made = keras_activation(name)
        except SpecError:
            return value.then(ImportedModule(name, self._source.at(node), known=False))
        return value.then(ImportedModule("Layers", self._source.at(node), layers=made.layers))

    def _applied(self, made: object, node: ast.Call, names: Names) -> Value:
        if len(node.args) != 1:
            raise self._source.error(node, "is not applied to exactly one value")
        if isinstance(made, Maker) and made.merge is not None:
            return self._merged(node, made.merge, node.args[0], names)
        value = self._value(node.args[0], names)
        if not isinstance(value, Value) or not isinstance(made, Maker | KerasModel):
            raise self._source.error(node, "is no layer applied to a value")
        if isinstance(made, Maker):
            self._use(made, node)
        for part in made.parts:
            value = value.then(part)
        return value

    def _merged(self, node: ast.Call, merge: Merge, listed: ast.expr, names: Names) -> Value:
        values = self._value(listed, names)
        given = values if isinstance(values, list) else [values]
        return joined(self._values(given, node), merge, self._source.at(node))

    def _values(self, given: Sequence[object], node: ast.expr) -> list[Value]:
        values = [value for value in given if isinstance(value, Value)]
        if len(values) < len(given) or not values:
            raise self._source.error(node, "joins what are not values of the network")
        return values

    def _sequential(self, node: ast.Call, names: Names) -> KerasModel:
        model = KerasModel()
        listed = self._value(node.args[0], names) if node.args else []
        for made in listed if isinstance(listed, list) else [listed]:
            if isinstance(made, Value):  # keras.Input(...)
                model.size = self._size
            else:
                self._append(model, made, node)
        return model

    def _functional(self, node: ast.Call, names: Names) -> KerasModel:
        words = {word.arg: word.value for word in node.keywords}
        outputs = words.get("outputs", node.args[1] if len(node.args) > 1 else None)
        made = self._value(outputs, names) if outputs is not None else None
        if isinstance(made, list) and len(made) == 1:
            made = made[0]
        if not isinstance(made, Value):
            raise self._source.error(node, "has no single output")
        return KerasModel(list(parts_to(made)), self._size)

    def _layer(self, node: ast.Call, meaning: str, names: Names) -> Maker:
        name, where = meaning.rpartition(".")[2], self._source.at(node)
        if name in LEFT_OUT:
            self.remarks.append(f"{name} (line {node.lineno}) is left out: {LEFT_OUT[name]}")
            return Maker((), size=self._declared(node, names))
        words = {word.arg or "**": self._setting(word, names) for word in node.keywords}
        values = [self._literal(value, names) for value in node.args]
        own_name = words.pop("name", "")
        if name == "Reshape":
            return Maker((ImportedModule("Unflatten", where),))
        if name not in KERAS:
            return Maker((ImportedModule(name or "?", where, known=False),))
        try:
            made = called(name, values, words, keras=True)
        except SpecError as error:
            raise self._source.error(node, error.message, error.hint) from None
        if made.note and made.layers and not made.is_softmax:
            self.remarks.append(f"line {node.lineno}: {made.note}")
        parts = tuple(parts_of(made.layers, where, str(own_name), name))
        if made.is_softmax:
            parts += (ImportedModule("Softmax", where),)
        return Maker(parts, size=self._declared(node, names))

    def _setting(self, word: ast.keyword, names: Names) -> object:
        """A literal; of ``tf.nn.relu`` its name, and nothing of what changes no result."""
        if isinstance(word.value, ast.Attribute):
            return word.value.attr
        if word.arg in KERAS_NAMES or word.arg not in FREE:
            return self._literal(word.value, names)
        return None

    def _declared(self, node: ast.Call, names: Names) -> Size | None:
        """The image size of ``input_shape=(H, W, C)`` or ``Input((H, W, C))``."""
        words = {word.arg: word.value for word in node.keywords}
        given = words.get("input_shape", words.get("shape"))
        if given is None and self._source.meaning(node.func).rpartition(".")[2] == "Input":
            given = node.args[0] if node.args else None
        match self._literal(given, names) if given is not None else None:
            case (int(height), int(width), int(channels)):
                return channels, height, width
        return None
