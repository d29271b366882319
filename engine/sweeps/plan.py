"""A sweep file: what to search, where, and how; read, checked and written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import msgspec

from cnn_tui import presets
from cnn_tui.engine.decoding import RunName
from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.formats import SWEEP_FILE
from cnn_tui.engine.specs.codec import parse_toml
from cnn_tui.engine.specs.files import read_text
from cnn_tui.engine.specs.fitting import with_data
from cnn_tui.engine.specs.network import MAX_FILE_BYTES, Network
from cnn_tui.engine.specs.paths import with_setting
from cnn_tui.engine.specs.presets import resolve
from cnn_tui.engine.specs.values import fields_of
from cnn_tui.engine.specs.wording import did_you_mean, expected, listed, nearest, plain, show
from cnn_tui.engine.sweeps.lines import Value
from cnn_tui.engine.sweeps.point import as_text, is_structure, make_point, resolve_field
from cnn_tui.engine.sweeps.requests import MOST_TRIALS
from cnn_tui.engine.sweeps.space import SpaceField, dotted, grid_size, read_space

SamplerName = Literal["grid", "random", "tpe", "qmc"]
PrunerName = Literal["none", "median", "asha", "hyperband"]
Objective = Literal["accuracy", "loss", "parameters", "macs"]
DIRECTIONS: dict[Objective, Literal["maximize", "minimize"]] = {
    "accuracy": "maximize",
    "loss": "minimize",
    "parameters": "minimize",
    "macs": "minimize",
}
_MOST_NAME = 40
_OBJECTIVES = '"accuracy", "loss", or one of them with "parameters" or "macs" as a list of two'


class Search(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[search]``: how points are chosen, and what is best."""

    sampler: SamplerName = "tpe"
    pruner: PrunerName = "none"
    trials: Annotated[int, msgspec.Meta(ge=1, le=MOST_TRIALS)] | None = None
    """Number of trials; of a grid all its points, if it is not given."""
    seeds: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    """Runs of each trial, with seeds that count up; the objective is their mean."""
    objective: Objective | tuple[Objective, Objective] = "accuracy"
    seed: Annotated[int, msgspec.Meta(ge=0, lt=2**31)] = 0
    """Seed of the sampler."""

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """The objectives as a tuple: the first is trained for, the second is a cost."""
        return self.objective if isinstance(self.objective, tuple) else (self.objective,)


class SweepPlan(NamedTuple):
    """A sweep file that was read and checked."""

    name: str
    description: str
    base: Network
    """The network of the base, with the data and the fixed settings of the sweep."""
    base_name: str
    data: str
    """The data as the file names them; empty for those of the base."""
    fixed: Mapping[str, Value]
    """``[set]``, with the settings of the pattern: what every point has."""
    search: Search
    space: tuple[SpaceField, ...]

    @property
    def trials(self) -> int:
        """How many trials the sweep is to have."""
        if self.search.sampler == "grid":
            return min(self.search.trials or MOST_TRIALS, grid_size(self.space))
        return self.search.trials or 20

    @property
    def epochs(self) -> int:
        """Epochs of a run, unless they are in the space."""
        return int(self.fixed.get("epochs") or self.base.training.epochs)

    def with_trials(self, trials: int) -> SweepPlan:
        """The plan with another number of trials."""
        return self._replace(search=msgspec.structs.replace(self.search, trials=trials))

    def network(self, values: Mapping[str, Value]) -> Network:
        """The network of a point, with the name of the sweep.

        Raises:
            SpecError: if the values do not fit each other.
        """
        network = make_point(self.base, {**self.fixed, **values})
        return msgspec.structs.replace(network, name=self.name)


def sweep_presets() -> dict[str, Path]:
    """The sweep files of the package, by name."""
    folder = Path(presets.__file__).with_name("sweeps")
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_sweep(name: str) -> SweepPlan:
    """Read the sweep file ``name``, or the one of the package that is called so.

    Raises:
        SpecError: as for :func:`read_plan`, or if there is neither.
    """
    known = sweep_presets()
    path = known.get(name, Path(name).expanduser())
    if name not in known and not path.exists():
        hint = did_you_mean(name, known, f"Sweeps of the package: {listed(known)}.")
        raise SpecError(f"There is no sweep file {plain(name)}.", hint)
    text = read_text(path, MAX_FILE_BYTES, hint="Give a sweep in TOML.")
    return read_plan(text, plain(str(path)), path.parent)


def read_plan(text: str, where: str, beside: Path, base: Network | None = None) -> SweepPlan:
    """Read the text of a sweep file.

    Args:
        text: TOML.
        where: the begin of messages.
        beside: the folder in which a ``base`` that is a file is looked for.
        base: in place of the one that the file names.

    Raises:
        SpecError: the first mistake in it.
    """
    data = parse_toml(text, where, SWEEP_FILE)
    _refuse_unknown(data, where)
    base_name = _text(data, "base", where, "a preset or an architecture file")
    network = base or _base(base_name, beside, where)
    named = _text(data, "data", where, "a dataset") if "data" in data else ""
    if named and base is None:
        network = with_data(network, named)
    search = _search(data.get("search", {}), where)
    space = read_space(_table(data, "space", where), where)
    fixed = {f"pattern.{key}": value for key, value in _table(data, "pattern", where).items()}
    fixed |= dotted(_table(data, "set", where))
    plan = SweepPlan(
        _name(data, base_name, where),
        str(data.get("description", "")),
        network,
        base_name,
        named,
        fixed,
        search,
        space,
    )
    _check(plan, where)
    return plan


_KEYS = ("name", "description", "base", "data", "search", "set", "pattern", "space")


def _refuse_unknown(data: Mapping[str, object], where: str) -> None:
    for key in data:
        if key not in _KEYS:
            hint = did_you_mean(key, _KEYS, f"Known: {listed(_KEYS, 'and')}.")
            raise SpecError(f"{where}: unknown setting {show(key)}.", hint)


def _text(data: Mapping[str, object], key: str, where: str, what: str) -> str:
    value = data.get(key)
    if not isinstance(value, str) or not value:
        received = show(value) if key in data else "nothing"
        raise SpecError(f"{where}: {key}: expected {what}, received {received}.")
    return value


def _table(data: Mapping[str, object], key: str, where: str) -> Mapping[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise SpecError(f"{where}: {key}: expected a table, received {show(value)}.")
    return value


def _name(data: Mapping[str, object], base: str, where: str) -> str:
    name = data.get("name", f"{Path(base).stem}-sweep"[:_MOST_NAME])
    try:
        convert = msgspec.convert(name, RunName)
    except msgspec.ValidationError:
        convert = ""
    if not convert or len(convert) > _MOST_NAME:
        raise SpecError(
            f"{where}: name: expected up to {_MOST_NAME} letters, digits, dots, dashes and "
            f"underscores, received {show(name)}."
        )
    return convert


def _base(name: str, beside: Path, where: str) -> Network:
    try:
        own = beside / name
        return resolve(str(own) if own.is_file() or name.endswith(".toml") else name)
    except SpecError as error:
        raise SpecError(f"{where}: base: {error.message}", error.hint) from None


def _search(table: object, where: str) -> Search:
    if not isinstance(table, dict):
        raise SpecError(f"{where}: search: expected a table, received {show(table)}.")
    fields = fields_of(Search)
    for key, value in table.items():
        if key not in fields:
            hint = did_you_mean(key, fields, f"Known: {listed(fields, 'and')}.")
            raise SpecError(f"{where}: search: unknown setting {show(key)}.", hint)
        _require(value, key, fields[key].type, where)
    search: Search = msgspec.convert(table, Search)
    _require_objectives(search, where)
    return search


def _require(value: object, key: str, kind: Any, where: str) -> None:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        wanted = _OBJECTIVES if key == "objective" else expected(kind)
        names = [str(name) for name in getattr(kind, "__args__", ())]
        near = nearest(value, names)
        hint = f"Did you mean {near[0]}?" if near and key != "objective" else ""
        text = f"{where}: search.{key}: expected {wanted}, received {show(value)}."
        raise SpecError(text, hint) from None


def _require_objectives(search: Search, where: str) -> None:
    first, *rest = search.objectives
    if first not in ("accuracy", "loss") or any(o in ("accuracy", "loss") for o in rest):
        raise SpecError(
            f"{where}: search.objective: expected {_OBJECTIVES}, received {show(search.objective)}."
        )
    if rest and search.pruner != "none":
        raise SpecError(
            f"{where}: search.pruner: Optuna prunes only sweeps of one objective.",
            'Write pruner = "none", or objective = "accuracy".',
        )


def _check(plan: SweepPlan, where: str) -> None:
    """Refuse what no point can have, before anything runs."""
    both = plan.fixed.keys() & {field.name for field in plan.space}
    if both:
        raise SpecError(f"{where}: {min(both)} is fixed and in the space.", "Take one out.")
    if plan.search.sampler == "grid":
        _require_grid(plan, where)
    free = any(is_structure(field.name) for field in plan.space)
    network = _tried(plan.base, {}, plan.fixed, f"{where}: set")
    for field in plan.space:
        if not free:
            _require_field(network, field, where)
        elif is_structure(field.name):
            for value in field.edges():
                _tried(plan.base, plan.fixed, {field.name: value}, f"{where}: space")


def _tried(
    base: Network, fixed: Mapping[str, Value], values: Mapping[str, Value], where: str
) -> Network:
    structure = {name: value for name, value in fixed.items() if is_structure(name)}
    try:
        return make_point(base, {**structure, **values})
    except SpecError as error:
        raise SpecError(f"{where}: {error.message}", error.hint) from None


def _require_field(network: Network, field: SpaceField, where: str) -> None:
    try:
        path = resolve_field(network, field.name)
    except SpecError as error:
        raise SpecError(f"{where}: space: {error.message}", error.hint) from None
    for value in field.edges():
        try:
            with_setting(network, path, as_text(value))
        except SpecError as error:
            reason = error.message.removeprefix(f"{path}: ")
            raise SpecError(f"{where}: space.{field.name}: {reason}", error.hint) from None


def _require_grid(plan: SweepPlan, where: str) -> None:
    try:
        size = grid_size(plan.space)
    except SpecError as error:
        raise SpecError(f"{where}: {error.message}", error.hint) from None
    if size > MOST_TRIALS:
        raise SpecError(
            f"{where}: the grid has {size:,} points, more than {MOST_TRIALS:,}.",
            'Take fewer values, or sampler = "random" with a number of trials.',
        )
