"""What the prompts of Inspect accept, and what they say about the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from cnn_tui.tui.inspect.answers import image_of, require_data


@pytest.mark.parametrize(
    ("text", "images", "words"),
    [
        ("180", 180, "there are 180, counted from 0"),
        ("0", 0, "the run's data is not here"),
        ("-1", 180, "neither a number, such as 0, nor a file"),
        ("no.png", 180, "neither a number, such as 0, nor a file"),
        (".", 180, "neither a number"),
        ("text.png", 180, "cannot be shown"),
    ],
)
def test_what_is_no_image_is_refused(
    text: str, images: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.png").write_text("no picture")
    with pytest.raises(ValueError, match=words):
        image_of(text, images)


def test_a_number_and_the_file_of_a_picture_are_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Image.new("L", (8, 8)).save("seven.png")
    assert image_of("179", 180) == 179
    assert image_of("seven.png", 0) == Path("seven.png")
    Path("seven.png").rename("7")
    assert image_of("7", 180) == Path("7"), "a file of that name is meant"


def test_data_is_a_name_or_a_place(tmp_path: Path) -> None:
    require_data("CIFAR-10")
    require_data(str(tmp_path))
    with pytest.raises(ValueError, match="such as mnist"):
        require_data(str(tmp_path / "no"))
