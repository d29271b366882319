"""A network in a notebook: its layers, totals and faults, and nothing of a stranger's markup."""

from __future__ import annotations

from cnn_tui.engine.specs.html import network_html
from cnn_tui.engine.specs.layers import FC, Conv, Residual
from cnn_tui.engine.specs.network import Network

INDENT = "&nbsp;" * 4


def cells(*texts: str) -> str:
    return f"<tr>{''.join(f'<td>{text}</td>' for text in texts)}</tr>"


def test_layers_inside_a_block_are_indented_and_totals_stand_above() -> None:
    block = Residual(branch=(Conv(out_channels=1, padding=1),))
    network = Network(name="small", input=(1, 4, 4), layers=(block, FC(out_features=2)))
    assert network_html(network) == (
        "<p><b>small</b>: input 1x4x4, 44 parameters, 176 multiply-adds</p>"
        "<table><tr><th>layer</th><th>settings</th><th>output</th><th>parameters</th></tr>"
        + cells("residual1", "identity", "1x4x4", "10")
        + cells(f"{INDENT}residual1.conv1", "1  3x3 s1 p1", "1x4x4", "10")
        + cells("fc2", "2", "2", "34")
        + "</table>"
    )


def test_a_fault_follows_the_table_and_what_it_makes_unknown_is_open() -> None:
    pool = Conv(name="<b>", out_channels=1, kernel_size=9)
    text = network_html(Network(name="<i>", input=(1, 4, 4), layers=(pool, FC(out_features=2))))
    assert cells("&lt;b&gt;", "", "?", "0") in text
    assert "<b>&lt;i&gt;</b>" in text and "<i>" not in text
    assert text.count("<li>") == 2 and text.endswith("</li></ul>")
