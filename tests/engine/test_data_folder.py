"""A folder of pictures per class: reading, and refusals with the path."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from children import run
from picture_folders import noise, refused, save, two_colours
from PIL import Image

from cnn_tui.engine.data import decoded as decoded_module
from cnn_tui.engine.data.catalog import load_dataset
from cnn_tui.engine.data.image_file import ImageFile
from cnn_tui.engine.data.pictures import BadPictureError, FittedPicture, read_picture
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.data.sources import cache_home
from cnn_tui.engine.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return two_colours(tmp_path)


def test_classes_are_the_names_of_the_folders(folder: Path) -> None:
    (folder / ".hidden").mkdir()
    (folder / "red" / ".DS_Store").touch()
    (folder / "red" / "notes.txt").write_text("no picture")
    mine = load_dataset(str(folder), shape=(3, 8, 8))
    assert mine.name == folder.name and mine.classes == ("blue", "red")
    assert [len(part) for part in (mine.train, mine.val, mine.test)] == [25, 2, 3]
    assert mine.input_shape == (3, 8, 8) and mine.train.images.dtype == np.uint8
    for part in (mine.train, mine.val, mine.test):
        assert set(part.labels.tolist()) == {0, 1}
        images = part.images[:]
        np.testing.assert_array_equal(images[:, 0].mean((1, 2)) > 150, part.labels == 1)


def test_grey_or_colour_as_the_network_wants(folder: Path) -> None:
    assert load_dataset("folder", folder, shape=(1, 6, 9)).input_shape == (1, 6, 9)
    assert load_dataset("folder", folder).input_shape == (3, 32, 32)
    with pytest.raises(DataError, match=r"1 channel \(grey\) or 3 \(colour\).*wants 2"):
        load_dataset("folder", folder, shape=(2, 8, 8))


def test_folders_of_splits_are_heeded(tmp_path: Path) -> None:
    for part, count in (("train", 6), ("test", 3), ("valid", 2)):
        for label, name in enumerate(("a", "b")):
            for number in range(count):
                save(tmp_path / part / name / f"{number}.png", np.full((8, 8), 99 * label, "u1"))
    mine = load_dataset(str(tmp_path), shape=(1, 8, 8))
    assert [len(part) for part in (mine.train, mine.val, mine.test)] == [12, 4, 6]
    for part in (mine.train, mine.val, mine.test):
        np.testing.assert_array_equal(part.images[:][:, 0, 0, 0], 99 * part.labels)
    save(tmp_path / "test" / "c" / "0.png", noise(8, 8))
    refused(tmp_path, tmp_path / "test", "'c' is not a class of the training pictures")


def test_pictures_are_cropped_to_the_centre_and_turned_upright(tmp_path: Path) -> None:
    wide = np.zeros((8, 24), np.uint8)
    wide[:, 8:16] = 200
    save(tmp_path / "a" / "wide.png", wide)
    top = np.zeros((16, 16, 3), np.uint8)
    top[:8] = 255
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    save(tmp_path / "b" / "turned.jpg", top, exif=exif, quality=95)
    deep = np.full((8, 8), 40_000, np.uint16)
    save(tmp_path / "c" / "deep.png", deep)
    mine = load_dataset(str(tmp_path), shape=(1, 8, 8))
    images = {int(part.labels[0]): part.images[0][0] for part in (mine.train, mine.val, mine.test)}
    assert images[0].min() == 200
    assert images[1][:3].max() < 50 and images[1][5:].min() > 200
    assert set(images[2].ravel().tolist()) == {40_000 >> 8}


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "webp", "tiff", "ppm"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    for name in "abc":
        save(tmp_path / name / f"1.{suffix}", np.full((8, 8, 3), 128, np.uint8))
    mine = load_dataset(str(tmp_path), shape=(3, 4, 4))
    assert abs(int(mine.train.images[0].mean()) - 128) <= 2


def test_opaque_and_palette_pictures_lose_nothing(tmp_path: Path) -> None:
    rgba = np.full((8, 8, 4), 77, np.uint8)
    rgba[..., 3] = 255
    save(tmp_path / "a" / "1.png", rgba)
    palette = Image.fromarray(rgba[..., :3]).convert("P")
    (tmp_path / "b").mkdir()
    palette.save(tmp_path / "b" / "1.png")
    save(tmp_path / "b" / "2.png", rgba[..., 0])
    mine = load_dataset(str(tmp_path), shape=(3, 4, 4))
    for part in (mine.train, mine.val, mine.test):
        assert set(part.images[:].ravel().tolist()) <= {76, 77}


@pytest.mark.parametrize(("ink", "ground"), [(0, 255), (40, 255), (255, 0), (200, 0)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_drawing_stands_out_from_what_lies_behind_it(
    tmp_path: Path, ink: int, ground: int, channels: int
) -> None:
    """A line drawn by opacity alone: its colour fills the whole picture."""
    rgba = np.full((8, 8, 4), ink, np.uint8)
    rgba[..., 3] = 0
    rgba[3, :, 3] = 255
    path = tmp_path / "1.png"
    Image.fromarray(rgba).save(path)
    expected = np.full((channels, 8, 8), ground, np.uint8)
    expected[:, 3] = ink
    np.testing.assert_array_equal(read_picture(path, (channels, 8, 8)), expected)
    Image.fromarray(rgba[..., 2:]).save(path)
    np.testing.assert_array_equal(read_picture(path, (channels, 8, 8)), expected)
    rgba[..., 3] = 0
    Image.fromarray(rgba).save(path)
    assert set(read_picture(path, (channels, 8, 8)).ravel().tolist()) == {255}


def test_fractions_are_no_pixels(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8), 0.5, np.float32)).save(tmp_path / "1.tiff")
    with pytest.raises(BadPictureError, match="floating-point; save it with 8 or 16 bits"):
        read_picture(tmp_path / "1.tiff", (1, 8, 8))


def test_second_time_nothing_is_decoded_until_a_file_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load_dataset(str(folder), shape=(3, 8, 8))
    before = first.train.images[:]
    read = decoded_module.fitted_picture
    seen: list[Path] = []

    def spy(path: Path, *how: object) -> FittedPicture:
        seen.append(path)
        return read(path, *how)

    monkeypatch.setattr(decoded_module, "fitted_picture", spy)
    second = load_dataset(str(folder), shape=(3, 8, 8))
    np.testing.assert_array_equal(second.train.images[:], before)
    assert seen == []
    save(folder / "red" / "99.png", noise(10, 10, 3))
    assert len(load_dataset(str(folder), shape=(3, 8, 8)).train) == 26
    assert len(seen) == 31
    # What the first one reads from is no longer in the cache, but still open.
    np.testing.assert_array_equal(first.train.images[:], before)


def test_progress_counts_every_picture(folder: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    load_dataset(str(folder), shape=(3, 7, 7), progress=lambda *call: calls.append(call))
    assert [done for _, done, total in calls if total == 30] == [0, 30]
    assert calls[0][0] == "decoding pictures once, 0 MB"
    assert re.fullmatch(r"decoding pictures once, 0 MB, about \d+ s", calls[-1][0])


def test_interrupted_decoding_goes_on_where_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoded_module, "_FIRST", 4)
    monkeypatch.setattr(decoded_module, "_TOGETHER", 7)
    (folder / "blue" / "bad.png").touch()
    read, seen = decoded_module.fitted_picture, list[Path]()

    def spy(path: Path, *how: object) -> FittedPicture:
        seen.append(path)
        return read(path, *how)

    def interrupt(what: str, done: int, total: int) -> None:
        if done > 10:
            raise KeyboardInterrupt

    monkeypatch.setattr(decoded_module, "fitted_picture", spy)
    with pytest.raises(KeyboardInterrupt):
        load_dataset(str(folder), shape=(3, 5, 5), progress=interrupt)
    (part,) = cache_home().glob(".part-images-*")
    with (part / "pixels").open("ab") as file:
        file.write(b"half a picture")
    whole = load_dataset(str(folder), shape=(3, 5, 5), skip_damaged=True)
    assert len(seen) == len(set(seen)) == 31, "none is decoded twice"
    assert len(whole.train) == 25 and not part.exists()
    for row in (0, 9):
        expected = read_picture(folder / "blue" / f"{row:02}.png", (3, 5, 5))
        every = np.concatenate([split.images[:] for split in (whole.train, whole.val, whole.test)])
        assert (every == expected).all(axis=(1, 2, 3)).any()


def test_pixels_changed_in_the_cache_are_noticed(folder: Path) -> None:
    mine = load_dataset(str(folder), shape=(3, 6, 6))
    (pixels,) = (
        place / "pixels"
        for place in cache_home().glob("images-*")
        if (place / "pixels").stat().st_size == 30 * 3 * 6 * 6
    )
    with pixels.open("r+b") as file:
        file.seek(mine.train.images._rows[3] * 108 + 50)
        file.write(b"\x01\x02")
    assert mine.train.images[np.arange(3)].shape == (3, 3, 6, 6)
    with pytest.raises(DataError, match=r"was changed since it was decoded.*Delete it"):
        mine.train.images[3]


def test_images_of_a_file_are_indexed_like_an_array(folder: Path) -> None:
    train = load_dataset(str(folder), shape=(3, 8, 8)).train
    whole = train.images[:]
    assert whole.shape == train.images.shape == (25, 3, 8, 8)
    np.testing.assert_array_equal(train.images[np.array([3, 0, 3])], whole[[3, 0, 3]])
    np.testing.assert_array_equal(train.images[20:99], whole[20:])
    np.testing.assert_array_equal(train.images[-1], whole[-1])
    np.testing.assert_array_equal(train.images[train.labels == 0], whole[train.labels == 0])
    assert train.images[5:5].shape == (0, 3, 8, 8)
    assert train.take(np.array([1, 2])).images.shape == (2, 3, 8, 8)
    fitted = Normalizer.fit(train)
    np.testing.assert_allclose(fitted.mean.ravel(), whole.mean(axis=(0, 2, 3)), rtol=1e-6)


def test_file_that_was_cut_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "pixels").write_bytes(bytes(30))
    images = ImageFile(tmp_path / "pixels", (1, 4, 4), np.arange(2))
    with pytest.raises(DataError, match="truncated"):
        images[1]


def test_memory_stays_that_of_a_batch(tmp_path: Path) -> None:
    """Read 512 MB of pixels in a process with less memory."""
    pixels = tmp_path / "pixels"
    with pixels.open("wb") as file:
        file.truncate(512 << 20)
    code = f"""
import resource, numpy as np
from pathlib import Path
from cnn_tui.engine.data.dataset import Split
from cnn_tui.engine.data.image_file import ImageFile
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.data.sources import cache_home
images = ImageFile(Path({str(pixels)!r}), (3, 32, 32), np.arange((512 << 20) // 3072))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
Normalizer.fit(Split(images, np.zeros(len(images), np.int64)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = run([sys.executable, "-c", code])
    grown = int(done.stdout) * (1 if sys.platform == "darwin" else 1024)
    assert grown < 64 << 20
