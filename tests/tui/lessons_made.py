"""Small lessons of a teacher, for the tests of the screens that show them."""

from __future__ import annotations

from pathlib import Path

LESSON = """
name = "{name}"
title = "A window that tiles"
chapter = "Own lessons"
minutes = 1
text = '''
A window has to fit.

    (W - F + 2P)/S + 1
'''
hints = ["Look at the padding.", "One pixel is missing.", "Padding 1."]
why = "With a border of one pixel the window fits again."

[start]
input = [1, 8, 8]
layers = [
  {{ type = "conv", out_channels = 4, kernel_size = 3 }},
  {{ type = "fc", out_features = 10 }},
]

[solution]
base = "start"
layers = [
  {{ type = "conv", out_channels = 4, kernel_size = 3, padding = 1 }},
  {{ type = "fc", out_features = 10 }},
]

[task]
where = "{where}"
text = "Do what is asked here."
"""
BUILD = """
[[task.conditions]]
text = "layer 1 gives 4x8x8"
of = "check"
path = "layers.0.output"
is = [4, 8, 8]
else = "layer 1 gives {value}, wanted is {wanted}"
"""
TRAIN = """
[[task.conditions]]
text = "half of the images are right"
of = "train"
path = "event=epoch_completed.-1.val_accuracy"
at_least = 0.5
else = "{percent} of the images are right, wanted are 50%"
absent = "no epoch has ended yet"
"""
VALID = """
[[task.conditions]]
text = "the network is valid"
of = "check"
path = "valid"
is = true
else = "the network is not valid"
"""


def make_lesson(folder: Path, conditions: str, name: str = "own", where: str = "build") -> str:
    """Write a lesson; returns the path of its file."""
    file = folder / f"{name}.toml"
    file.write_text(LESSON.format(name=name, where=where) + conditions)
    return str(file)
