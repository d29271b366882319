"""``predict`` on folders, patterns and lists, as CSV and in the form of a competition."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from cnn_tui.engine.data.built_in import load_digits

NETWORK = """
name = "quick"
input = [1, 8, 8]
layers = [{ type = "fc", out_features = 10 }]

[training]
epochs = 4
optimizer = "adam"
lr = 0.01
"""
COUNT = 40


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run, and pictures of digits in two folders, named by their number."""
    from cnn_tui.tui.cli.main import main

    image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    root = tmp_path_factory.mktemp("predict")
    (root / "quick.toml").write_text(NETWORK)
    assert main(["train", str(root / "quick.toml"), "--runs-dir", str(root / "runs")]) == 0
    test = load_digits().test
    for number in range(COUNT):
        folder = root / "pictures" / f"part{number % 2}"
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.round(test.images[number, 0] * (255 / 16)).astype(np.uint8)
        image.fromarray(pixels).save(folder / f"{number:02}.png")
    (root / "pictures" / "notes.txt").write_text("no picture")
    (root / "pictures" / ".hidden.png").write_bytes(b"")
    return root


@pytest.fixture
def predict(cli, place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(place)
    return lambda *words: cli("predict", "quick-1", *words, "--runs-dir", place / "runs")


def names(out: str) -> list[str]:
    return [json.loads(line)["image"] for line in out.splitlines()]


def test_a_folder_stands_for_its_pictures_in_order(predict) -> None:
    code, out, err = predict("pictures", "--json")
    assert (code, err) == (0, "")
    halves = [[f"pictures/part{half}/{n:02}.png" for n in range(half, COUNT, 2)] for half in (0, 1)]
    assert names(out) == halves[0] + halves[1]


def test_many_at_once_are_classified_as_one_alone(predict) -> None:
    together = [json.loads(line) for line in predict("pictures", "--json").out.splitlines()]
    for found in (together[0], together[33], together[-1]):
        (alone,) = (json.loads(line) for line in predict(found["image"], "--json").out.splitlines())
        assert [g["label"] for g in alone["guesses"]] == [g["label"] for g in found["guesses"]]
        for one, other in zip(alone["guesses"], found["guesses"], strict=True):
            assert one["score"] == pytest.approx(other["score"], rel=1e-4, abs=1e-4)


def test_a_pattern_in_quotes(predict, place: Path) -> None:
    wanted = sorted(f"pictures/part1/{n:02}.png" for n in range(1, 10, 2))
    assert names(predict("pictures/*/0[13579].png", "--json").out) == wanted
    absolute = predict(str(place / "pictures" / "**" / "0*.png"), "--json").out
    assert len(names(absolute)) == 10
    code, out, err = predict("pictures/*.gif")
    assert (code, out) == (1, "") and "pictures/*.gif: No such file" in err


LISTS = {
    "a usual heading": "id,image\n0,part0/00.png\n1,part1/01.png\n",
    "no header": "part0/00.png\npart1/01.png\n",
    "no suffix": "image_id,sex\npart0/00,m\npart1/01,f\n",
    "quoted, with a mark at its beginning": '\ufeff"file"\n"part0/00.png"\n"part1/01.png"\n',
}


@pytest.mark.parametrize("text", LISTS.values(), ids=LISTS)
def test_a_list_of_names_in_a_csv_file(predict, place: Path, text: str) -> None:
    (place / "pictures" / "list.csv").write_text(text)
    code, out, err = predict("pictures/list.csv", "--json")
    assert (code, err) == (0, "")
    found = [json.loads(line) for line in out.splitlines()]
    assert [one["image"].removesuffix(".png") for one in found] == ["part0/00", "part1/01"]
    assert all(one["guesses"] for one in found)


def test_the_column_may_be_named(predict, place: Path) -> None:
    (place / "pictures" / "list.csv").write_text("image,scan\nx,part0/00\n")
    assert names(predict("pictures/list.csv", "--column", "Scan", "--json").out) == ["part0/00"]
    code, out, err = predict("pictures/list.csv", "--column", "photo")
    assert (code, out) == (1, "")
    assert "there is no column photo; it has image and scan" in err


WRONG = {
    "": "the file is empty",
    "a,b\nc,d\n": "no column names pictures; it has a and b",
    "image,b\npart0/00.png\n": "",
    "b,image\n1,part0/00.png\n2\n": "line 3: expected at least 2 columns, received 1",
    'image\n"part0/00.png\n': "cannot be read",
    "image\n" + "x" * 200_000: "cannot be read",
}


@pytest.mark.parametrize(("text", "words"), WRONG.items())
def test_a_bad_list_is_told_in_a_line(predict, place: Path, text: str, words: str) -> None:
    (place / "pictures" / "list.csv").write_text(text)
    code, out, err = predict("pictures/list.csv", "--json")
    if not words:
        assert (code, err) == (0, "")
        return
    assert (code, out) == (1, "") and err.count("\n") == 1
    assert "list.csv" in err and words in err


@pytest.mark.parametrize("names", ["pixel{}", "{}x1"])
def test_a_csv_file_of_pixels_with_the_ids_of_its_rows(predict, place: Path, names: str) -> None:
    test = load_digits().test
    pixels = np.round(np.asarray(test.images)[:50, 0].reshape(50, 64) * (255 / 16)).astype(int)
    header = ",".join(["label", *(names.format(n) for n in range(64))])
    lines = [",".join(map(str, [9, *row])) for row in pixels]
    (place / "test.csv").write_text("\n".join([header, *lines]) + "\n")
    code, out, err = predict("test.csv", "--submission", "ImageId,Label")
    assert (code, err) == (0, "")
    found = rows(out)[1:]
    assert [row[0] for row in found] == [str(n) for n in range(1, 51)]
    right = [row[1] == str(label) for row, label in zip(found, test.labels, strict=False)]
    assert sum(right) >= 40
    lines[3] = lines[3].replace(",0", ",x", 1)
    (place / "test.csv").write_text("\n".join([header, *lines]) + "\n")
    code, out, err = predict("test.csv", "--submission", "ImageId,Label")
    assert (code, out) == (1, "") and "line 5: expected 64 numbers from 0 to 255" in err
    (place / "test.csv").write_text(",".join(f"pixel{n}" for n in range(784)) + "\n")
    code, _, err = predict("test.csv")
    assert code == 1 and "784 columns of pixels, the network expects images of 1x8x8" in err


def test_an_empty_folder_is_told(predict, tmp_path: Path) -> None:
    code, _, err = predict(tmp_path)
    assert code == 1 and "there are no pictures in this folder" in err


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text)))


def test_a_table_as_csv(predict, tmp_path: Path) -> None:
    code, out, err = predict("pictures/part0", "--csv", "--top", 2)
    assert (code, err) == (0, "")
    header, *found = rows(out)
    assert header == [
        "image", "class", "probability", "score", "class_2", "probability_2", "score_2",
    ]  # fmt: skip
    assert len(found) == COUNT // 2
    assert all(float(row[2]) >= float(row[5]) for row in found)
    target = tmp_path / "found.csv"
    code, printed, _ = predict("pictures/part0", "--csv", "--top", 2, "--output", target)
    assert (code, printed, target.read_text()) == (0, "", out)


def test_a_submission_with_a_header(predict) -> None:
    guesses = {
        Path(one["image"]).stem: one["guesses"][0]["label"]
        for one in map(json.loads, predict("pictures", "--json").out.splitlines())
    }
    code, out, err = predict("pictures", "--submission", "ImageId,Label")
    assert (code, err) == (0, "")
    header, *found = rows(out)
    assert header == ["ImageId", "Label"] and dict(found) == guesses
    shares = dict(rows(predict("pictures", "--submission", "id,seven", "--class", "7").out)[1:])
    assert all(0 <= float(share) <= 1 for share in shares.values())
    sevens = [name for name, label in guesses.items() if label == "7"]
    assert sevens and all(float(shares[name]) > 0.2 for name in sevens)


def test_a_submission_in_the_order_of_its_sample(predict, place: Path) -> None:
    order = ["07", "00", "39"]
    sample = place / "sample_submission.csv"
    classes = [str(n) for n in range(9, -1, -1)]
    lines = [",".join(["id", *classes])] + [",".join([one, *["0.1"] * 10]) for one in order]
    sample.write_text("\n".join(lines) + "\n")
    header, *found = rows(predict("pictures", "--submission", sample).out)
    assert header == ["id", *classes] and [row[0] for row in found] == order
    for row in found:
        assert sum(map(float, row[1:])) == pytest.approx(1, abs=1e-4)
    sample.write_text("id,label\n07.png,x\npictures/part0/00.png,x\n")
    assert [row[0] for row in rows(predict("pictures", "--submission", sample).out)[1:]] == [
        "07.png",
        "pictures/part0/00.png",
    ]
    sample.write_text("id,label\n07,0\n99,0\n")
    code, _, err = predict("pictures", "--submission", sample)
    assert code == 1 and "The sample asks for 99 in line 3" in err
    sample.write_text("id,cat,dog\n07,0,0\n")
    code, out, err = predict("pictures", "--submission", sample)
    assert (code, out) == (1, "") and "cat is not a class of the network" in err


def test_a_file_that_cannot_be_written_leaves_nothing(predict, tmp_path: Path) -> None:
    code, out, err = predict("pictures", "--csv", "--output", tmp_path / "no" / "x.csv")
    assert (code, out) == (1, "") and "cannot be written: No such file" in err
    assert not list(tmp_path.iterdir())


def test_bad_pictures_are_told_and_left_out_of_the_csv(predict, place: Path) -> None:
    bad = place / "bad.png"
    bad.write_bytes(b"\x89PNG")
    code, out, err = predict(bad, "pictures/part0/00.png", "--csv")
    bad.unlink()
    assert code == 1 and len(rows(out)) == 2 and "bad.png" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--json", "--csv"), "Choose one of"),
        (("--class", "7"), "--class belongs to --submission"),
        (("--output", "x.csv"), "--output belongs to"),
        (("--submission", "id"), "a header such as id,label"),
    ],
)
def test_options_that_do_not_go_together(predict, words: tuple[str, ...], said: str) -> None:
    code, out, err = predict("pictures", *words)
    assert (code, out) == (2, "") and said in err
