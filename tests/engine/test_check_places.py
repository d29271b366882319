"""check(): where a mistake is told, what data and edits add, and how many get fixes."""

import msgspec
import pytest
from small_nets import lenet, net

from cnn_tui.engine.specs.applying import apply_fix
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.flow import Edit
from cnn_tui.engine.specs.freezing import frozen_layers
from cnn_tui.engine.specs.known_data import DataFacts, facts_for
from cnn_tui.engine.specs.layers import (
    FC,
    Conv,
    Layer,
    MaxPool,
    ReLU,
    Repeat,
    Residual,
    Sigmoid,
    Tanh,
)
from cnn_tui.engine.specs.network import Network, Recipe


def messages(*layers: Layer, size: int) -> list[str]:
    found = check(net(*layers, FC(out_features=2), size=size)).issues
    return [issue.message.partition(" = ")[0] for issue in found]


def test_the_place_of_a_fault_inside_blocks_is_told_level_by_level():
    inner = Repeat(layers=(ReLU(), MaxPool(kernel_size=9)), times=3)
    assert messages(Tanh(), Residual(branch=(Sigmoid(), inner)), size=4) == [
        "layer 2 (residual), branch 2 (repeat), its layer 2 (maxpool): a window of 9x9 is larger "
        "than its input of 4x4: (4 - 9 + 2*0)/9 + 1"
    ]


def test_a_fault_in_a_later_copy_says_in_which():
    (issue,) = check(net(Repeat(layers=(MaxPool(),), times=3), FC(out_features=2), size=6)).issues
    assert "= 1.5, not a whole number (in copy 2 of 3)." in issue.message
    (issue,) = check(net(Repeat(layers=(MaxPool(),), times=3), FC(out_features=2), size=7)).issues
    assert "= 3.5, not a whole number." in issue.message and "in copy" not in issue.message


def test_facts_of_the_data_win_over_a_number_of_classes():
    facts = DataFacts(classes=10)
    assert check(lenet(), classes=3, data=facts).valid
    assert not check(lenet(), classes=3).valid
    assert not check(lenet(scores=3), data=facts).valid


def test_an_input_of_another_shape_than_the_data_is_told_unless_it_is_wrong_itself():
    wanted = DataFacts("digits", (1, 28, 28), 10)
    other = check(net(FC(out_features=10), size=8), data=wanted)
    assert [issue.code for issue in other.issues] == ["input"]
    assert check(net(FC(out_features=10)), data=wanted).valid
    wrong = check(Network(input=(1, 0, 28), layers=(FC(out_features=10),)), data=wanted)
    assert {issue.code for issue in wrong.issues} == {"bad-value"}


def test_a_fault_in_a_copy_is_at_its_place_in_the_block():
    repeat = Repeat(layers=(ReLU(), Conv(out_channels=3, kernel_size=31)), times=2)
    (issue,) = check(net(repeat, FC(out_features=10), channels=3)).issues
    assert issue.path.startswith("layers[0].layers[1]") and "in copy" not in issue.message


def test_a_broken_edit_can_be_taken_back():
    edit = Edit(lenet(), lenet(stride=2))
    (issue,) = check(lenet(stride=2), edits=(edit,)).issues
    assert apply_fix(lenet(stride=2), issue.fixes[0]) == lenet()
    assert check(lenet(), edits=(edit,)).valid


def test_a_broken_edit_is_taken_back_on_data_of_ones_own():
    own = DataFacts("own", (1, 28, 28), 12)
    edit = Edit(lenet(scores=12), lenet(stride=2, scores=12))
    (issue,) = check(edit.after, data=own, edits=(edit,)).issues
    assert issue.fixes[0].description.endswith("all layers fit again")
    assert apply_fix(edit.after, issue.fixes[0]) == edit.before


def frozen(freeze: str) -> Network:
    layers = (Conv(out_channels=4), ReLU(), FC(out_features=10))
    return msgspec.structs.replace(net(*layers), training=Recipe(freeze=freeze))


def test_a_recipe_freezes_up_to_a_layer_that_leaves_some_to_train():
    assert check(frozen("conv1")).valid and check(frozen("relu2")).valid
    (issue,) = check(frozen("fc3")).issues
    assert issue.message.startswith("network: all is frozen: behind fc3")
    (issue,) = check(frozen("conv11")).issues
    assert "Did you mean conv1?" in issue.message
    (issue,) = check(frozen("nothing")).issues
    assert "Layers are conv1, relu2 and fc3." in issue.message
    assert frozen_layers(frozen(""), check(frozen("")), ()) == 0


EVEN = Conv(out_channels=4, kernel_size=4, padding="same")


def test_of_many_faults_only_the_first_get_fixes_that_are_ranked():
    issues = check(net(*[EVEN] * 10, FC(out_features=10))).issues
    assert [len(issue.fixes) > 1 for issue in issues] == [True] * 8 + [False] * 2
    assert all(issue.fixes for issue in issues)


def test_of_a_large_network_fewer_faults_get_fixes_that_are_ranked():
    issues = check(net(*[EVEN] * 3, *[ReLU()] * 900, FC(out_features=10))).issues
    assert [len(issue.fixes) > 1 for issue in issues] == [True, True, False]


@pytest.mark.parametrize(("old", "new"), [("digits", "mnist"), ("mnist", "digits")])
def test_data_is_taken_back_by_what_is_known_of_the_earlier(old: str, new: str):
    size = {"digits": 8, "mnist": 28}
    before = msgspec.structs.replace(net(FC(out_features=10), size=size[old]), data=old)
    edit = Edit(before, msgspec.structs.replace(before, data=new))
    (issue,) = check(edit.after, data=facts_for(edit.after), edits=(edit,)).issues
    back = f"take the data {new} back to {old}: all layers fit again"
    assert issue.fixes[0].description == back
    assert apply_fix(edit.after, issue.fixes[0]) == before
