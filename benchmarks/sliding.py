"""Sliding a LeNet-5 over a larger image against the same network on each crop, on one thread.

Targets: 3 times as fast on 28x84, 10 times on 112x112. The weights are random, which costs the
same. Beside crops one by one stand crops in batches: there the fully connected layers, which cost
the same at each place in both, leave a factor of 5.5 on 112x112 by multiply-adds.
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
            single = median(each.single_seconds / each.seconds for each in found)
            batched = median(each.crops_seconds / each.seconds for each in found)
            worst = max(each.worst_difference for each in found)
            print(
                f"{height}x{width}, {found[0].labels.size} places: {single:.1f} times as fast as "
                f"crops one by one, {batched:.1f} as crops in batches, off by {worst:.0e}"
            )


if __name__ == "__main__":
    main()
