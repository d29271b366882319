"""Networks made in code may hold anything: each wrong value is a problem, and no check raises."""

from __future__ import annotations

import math
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.check import check, check_with_data
from cnn_tui.engine.specs.codec import save_network
from cnn_tui.engine.specs.layers import FC, LAYER_TYPES, Conv, Layer, ReLU, Residual
from cnn_tui.engine.specs.network import LOSS_TYPES, Network, Recipe

REQUIRED = {
    "out_channels": 4,
    "out_features": 4,
    "branch": (ReLU(),),
    "branches": ((ReLU(),), ()),
    "layers": (ReLU(),),
    "padding": 1,
    "groups": 2,
    "times": 2,
}
KINDS = (*LAYER_TYPES.values(), *LOSS_TYPES.values(), Recipe, Network)
NEVER = (
    *(b"", b"x", bytearray(b"x"), math.nan, 10**400, 1j, object(), {1, 2}, frozenset("ab")),
    *(Path("x"), UUID(int=0), {}, {"type": "relu"}, Conv, range(3)),
)
"""Values that no field takes."""
ANY = st.sampled_from(NEVER) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple),
    max_leaves=6,
)


def made(kind: type[msgspec.Struct], values: dict[str, object], *, inside: bool = False) -> Network:
    """A network in which one description has other values."""
    needed = {
        field.name: REQUIRED[field.name] for field in msgspec.structs.fields(kind) if field.required
    }
    part = kind(**{**needed, **values})
    if kind is Network:
        return Network(**{"layers": (FC(out_features=10),), **values})
    if kind is Recipe:
        return Network(layers=(FC(out_features=10),), training=part)
    if kind in LOSS_TYPES.values():
        return Network(layers=(FC(out_features=10),), loss=part)
    layers: tuple[Layer, ...] = (Residual(branch=(part,)),) if inside else (part,)
    return Network(layers=(Conv(out_channels=4), *layers, FC(out_features=10)))


@pytest.mark.parametrize("kind", KINDS)
def test_what_no_field_takes_is_a_problem_of_that_field(kind: type[msgspec.Struct]) -> None:
    for name in kind.__struct_fields__:
        for wrong in NEVER:
            network = made(kind, {name: wrong})
            for report in (check(network), check_with_data(network)):
                assert any(name in issue.message for issue in report.issues), (name, wrong)


@pytest.mark.parametrize("name", Network.__struct_fields__)
def test_none_is_saved_or_shown_wrongly(tmp_path: Path, name: str) -> None:
    for wrong in NEVER:
        network = made(Network, {name: wrong})
        with pytest.raises(SpecError):
            save_network(network, tmp_path / "a.toml")
        assert "<li>" in network._repr_html_()
    assert not list(tmp_path.iterdir())


@given(st.data(), st.sampled_from(KINDS), st.booleans())
def test_no_values_make_the_check_raise(
    data: st.DataObject, kind: type[msgspec.Struct], inside: bool
) -> None:
    chosen = st.dictionaries(st.sampled_from(kind.__struct_fields__), ANY, max_size=3)
    network = made(kind, data.draw(chosen), inside=inside)
    for report in (check(network), check_with_data(network)):
        assert report.valid == (not report.issues)


def test_a_network_whose_layers_cannot_be_listed_has_faults_of_its_own_and_counts_nothing() -> None:
    report = check(Network(layers="conv"))  # type: ignore[arg-type]
    assert not report.valid and report.layers == ()
    assert (report.total_params, report.total_macs) == (0, 0)
    assert {issue.layer for issue in report.issues} == {0}
