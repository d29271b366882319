"""The table of well-known networks: years, depth as in the papers, and receptive fields."""

from __future__ import annotations

import pytest
from published import PARAMS

from cnn_tui.engine.specs.family import family
from cnn_tui.engine.specs.presets import load_preset

ROWS = {
    "Neocognitron": (1980, None, None),
    "LeNet-5": (1998, 5, 16),
    "AlexNet": (2012, 8, 195),
    "ZFNet": (2013, 8, 171),
    "VGG-16": (2014, 16, 212),
    "GoogLeNet": (2014, 22, 571),
    "All-CNN-C": (2015, 9, 27),
    "ResNet-20": (2015, 20, 81),
    "ResNet-50": (2015, 50, 427),
}
"""Year, layers with weights on the longest way, receptive field of the last convolution or pool."""


def test_years_depths_and_receptive_fields() -> None:
    assert {row.name: (row.year, row.depth, row.receptive_field) for row in family()} == ROWS


def test_sizes_are_those_of_the_preset() -> None:
    for row in family():
        assert row.idea and row.paper
        assert row.params == PARAMS.get(row.preset) and (row.macs is None) == (not row.preset)
        assert row.input == (load_preset(row.preset).input if row.preset else None)


def test_a_row_is_not_changed() -> None:
    with pytest.raises(AttributeError):
        family()[0].year = 1979
