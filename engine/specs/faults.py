"""The mistakes that layers can make with each other, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cnn_tui.engine.shapes import Shape, Window, formula, output_size, remainder
from cnn_tui.engine.specs.flow import Fault, dims
from cnn_tui.engine.specs.layers import Conv, Residual, pair
from cnn_tui.engine.specs.values import Problem
from cnn_tui.engine.specs.windows import Windowed

_AXES = ("height", "width")
Axes = Sequence[tuple[int, Window]]
"""Size of the input and the window along it, for height and for width."""


def bad_value(problem: Problem) -> Fault:
    """A value outside its limits, in a description made in code."""
    return Fault("bad-value", f"{problem.path}: {problem.text}", problem.path, problem.remedy)


def needs_volume() -> Fault:
    """A layer that needs height and width stands where there are none."""
    text = "it needs a volume C x H x W, but an fc layer before it made its input flat"
    return Fault("needs-volume", text, remedy="Move it before the first fc layer.")


def same_even(layer: Conv) -> Iterator[Fault]:
    """Padding ``same`` under a window of even span."""
    if layer.padding != "same":
        return
    for kernel, dilation in zip(pair(layer.kernel_size), pair(layer.dilation), strict=True):
        span = Window(kernel, dilation=dilation).span
        if span % 2 == 0:
            text = f'padding "same" needs a window of odd size, {span} is even: one side would '
            yield Fault("same-even", f"{text}need more padding than the other", "padding")
            return


def groups(layer: Conv, channels: int | None) -> Iterator[Fault]:
    """Groups of channels that do not come out even; ``channels`` may be unknown."""
    for name, count in (("input", channels), ("output", layer.out_channels)):
        if count is not None and count % layer.groups:
            text = f"{layer.groups} groups do not divide the {count} {name} channels evenly"
            yield Fault("groups", text, "groups")
            return


def pool_padding(layer: Windowed) -> Iterator[Fault]:
    """A pool whose first window would hold nothing but padding."""
    if layer.padding == "same" or isinstance(layer, Conv):
        return
    for kernel, padding in zip(pair(layer.kernel_size), pair(layer.padding), strict=True):
        if padding >= kernel:
            text = f"padding {padding} is not smaller than the kernel of {kernel}: a window could "
            yield Fault("pool-padding", f"{text}hold nothing but padding", "padding")
            return


def placement(layer: Windowed, axes: Axes) -> Iterator[Fault]:
    """A window larger than its padded input, or one that does not tile it."""
    height, width = axes
    if output_size(*height) < 1 or output_size(*width) < 1:
        yield Fault("kernel-too-large", _too_large(axes), "kernel_size")
    elif layer.rounding == "exact" and (remainder(*height) or remainder(*width)):
        yield Fault("fraction", _fraction(axes), "stride")


def _too_large(axes: Axes) -> str:
    size = dims(tuple(extent for extent, _ in axes))
    padded = dims(tuple(extent + 2 * window.padding for extent, window in axes))
    padding = "" if padded == size else f" padded to {padded}"
    numbers = _numbers(axes, [output_size(*axis) < 1 for axis in axes])
    return f"{_window(axes)} is larger than its input of {size}{padding}: {numbers}"


def _fraction(axes: Axes) -> str:
    size = dims(tuple(extent for extent, _ in axes))
    down, across = (window.stride for _, window in axes)
    stride = down if down == across else f"{down}x{across}"
    numbers = _numbers(axes, [remainder(*axis) != 0 for axis in axes])
    window = f"{_window(axes)} with stride {stride}"
    return f"{window} does not tile an input of {size}: {numbers}, not a whole number"


def _window(axes: Axes) -> str:
    kernel = dims(tuple(window.kernel for _, window in axes))
    span = dims(tuple(window.span for _, window in axes))
    return f"a window of {kernel}" + ("" if span == kernel else f" (spread to {span} by dilation)")


def _numbers(axes: Axes, bad: Sequence[bool]) -> str:
    if axes[0] == axes[1]:
        return formula(*axes[0])
    shown = zip(_AXES, axes, bad, strict=True)
    return " and ".join(f"in {name} {formula(*axis)}" for name, axis, is_bad in shown if is_bad)


def empty_branch() -> Fault:
    """A residual block with nothing in its branch."""
    return Fault("empty-branch", "its branch has no layers", "branch", "Add one, such as a conv.")


def identity_stride(layer: Residual) -> Fault:
    """An identity shortcut that is told to shrink its input."""
    text = f"an identity shortcut passes its input on as it is, stride {layer.stride} cannot apply"
    return Fault("identity-stride", text, "stride")


def shortcut(layer: Residual, branch: Shape, other: Shape | None) -> Fault:
    """Two sides of a residual block that cannot be added."""
    if other is None:
        text = f"a {layer.shortcut} shortcut needs a volume C x H x W, but its input is flat"
    else:
        text = f"the branch gives {dims(branch)}, the {layer.shortcut} shortcut {dims(other)}"
        text += "; both must be alike to be added"
    return Fault("shortcut-shape", text, "shortcut", "Make branch and shortcut give one shape.")


def duplicate_name(name: str, free: str) -> Fault:
    """A name that another layer bears already."""
    text = f"the name {name!r} is already that of another layer"
    return Fault("duplicate-name", text, "name", wanted=free)


def too_large() -> Fault:
    """Counts beyond all memory."""
    text = "up to here the network has more parameters or values than any machine can hold"
    return Fault("too-large", text, remedy="Use fewer channels or features, or a smaller input.")


def too_deep(most: int) -> Fault:
    """Residual blocks inside residual blocks inside residual blocks."""
    text = f"residual blocks stand more than {most} deep in each other"
    return Fault("too-deep", text, "branch", "Put the layers of the inner block in the outer one.")
