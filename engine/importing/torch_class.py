"""Reads a class of ``nn.Module`` whose ``forward`` applies modules, and joins their values."""

from __future__ import annotations

import ast

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.importing.class_init import Names, bound
from cnn_tui.engine.importing.forward import ClassForward
from cnn_tui.engine.importing.signatures import ImportedModule
from cnn_tui.engine.importing.syntax import calls_of, methods_of
from cnn_tui.engine.importing.torch_source import TorchSource
from cnn_tui.engine.specs.wording import listed, plain


def class_chain(source: TorchSource, node: ast.ClassDef) -> tuple[ImportedModule, tuple[str, ...]]:
    """Return the modules that ``forward`` applies, in order, and remarks about the rest.

    Raises:
        SpecError: if its branches cross, or a module is not made by a literal call.
    """
    init = methods_of(node).get("__init__")
    made = [(call, bound(source, init, call)) for call in calls_of(source.tree, node.name)]
    # A call in a function may give nothing but that function's own arguments.
    made = [(call, given) for call, given in made if given or not call.args] or made
    names = made[0][1] if made else {}
    for call, given in made:
        if given != names:
            lines = " and ".join(map(str, sorted([made[0][0].lineno, call.lineno])))
            text = f"{source.where}: {plain(node.name)} is made with other arguments in lines "
            raise SpecError(f"{text}{lines}.", "Leave one of them.")
    try:
        flow = ClassForward(source, node, names)
        return ImportedModule("Sequential", source.where, parts=flow.read()), flow.notes
    except SpecError as error:
        lacking = _lacking(init, names)
        if not lacking:
            raise
        hint = f"{node.name} needs {listed(lacking, 'and')}: add a call with literals to the file."
        raise SpecError(error.message, plain(hint)) from None


def _lacking(init: ast.FunctionDef | None, given: Names) -> list[str]:
    """The arguments of ``__init__`` of which neither a value nor a default is known."""
    names = [argument.arg for argument in init.args.args[1:]] if init else []
    required = names[: len(names) - len(init.args.defaults)] if init else []
    return [name for name in required if name not in given]
