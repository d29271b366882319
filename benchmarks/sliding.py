"""Sliding a LeNet-5 over a larger image against the same network on each crop, as one batch.

Targets: 3 times as fast on 28x84, 10 times on 112x112. The weights are random, which costs the same.
"""

from __future__ import annotations

from contextlib import closing
from statistics import median

from inspect_views import subject_of

from cnn_tui.engine.insight.slide import digits_canvas, slide

ROUNDS = 9


def main() -> None:
    with closing(subject_of("lenet5", "mnist", "mnist")) as subject:
        for height, width in ((28, 84), (112, 112), (224, 224)):
            canvas = digits_canvas(subject, height, width)
            found = [slide(subject, canvas) for _ in range(ROUNDS)]
            ratio = median(each.crops_seconds / each.seconds for each in found)
            places = found[0].labels.size
            worst = max(each.worst_difference for each in found)
            print(f"{height}x{width}: {places} places, {ratio:.1f} times as fast, off by {worst:.0e}")


if __name__ == "__main__":
    main()
