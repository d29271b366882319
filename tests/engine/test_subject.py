"""What is looked into: runs in every condition, their states, data and pictures."""

from __future__ import annotations

import shutil
from contextlib import closing
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from samples import assert_rounded, network, random_images
from sessions import Session, assert_same, noise_set, small_network

from cnn_tui.engine.build import build
from cnn_tui.engine.data.dataset import Dataset, Split
from cnn_tui.engine.data.preprocess import Normalizer
from cnn_tui.engine.errors import CnnTuiError, InsightError, MemoryLimitError, RunError
from cnn_tui.engine.insight.examples import Eye
from cnn_tui.engine.insight.histograms import sample
from cnn_tui.engine.insight.responses import responses
from cnn_tui.engine.insight.states import states_over_time
from cnn_tui.engine.insight.subject import Subject
from cnn_tui.engine.runs.checkpoints import kept_states
from cnn_tui.engine.runs.folder import RunFolder
from cnn_tui.engine.runs.keep_weights import keep_weights
from cnn_tui.engine.runs.recorder import Policy
from cnn_tui.engine.specs.check import check
from cnn_tui.engine.specs.layers import FC, Conv, ReLU
from cnn_tui.engine.specs.network import Network
from cnn_tui.engine.specs.placed import place_network
from cnn_tui.engine.specs.presets import load_preset
from cnn_tui.engine.training.events import CheckpointSaved, RunEvent
from cnn_tui.engine.transforms.carry import weights_of

DATA = noise_set()


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnn_tui.engine.insight.examples.load_dataset", lambda *a, **k: DATA)


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path, small_network(), DATA, policy=Policy(steps=2), settle=True)


def planted(described: Network, data: Dataset | str = DATA) -> Subject:
    ones = np.ones((1, 1, 1), np.float32)
    eye = Eye(Normalizer(0 * ones, ones), 16.0)
    return Subject(described, build(described), "planted", "by hand", DATA.classes, eye, data)


def refused(folder: RunFolder, **asked: object) -> str:
    with pytest.raises(CnnTuiError) as caught:
        Subject.of_run(folder, **asked)  # type: ignore[arg-type]
    words = str(caught.value)
    assert "\n" not in words
    return words


def test_the_last_state_has_the_weights_of_the_run(session: Session) -> None:
    with closing(Subject.of_run(session.folder, "last")) as subject:
        assert_same(subject.weights(), session.weights)
        assert (subject.name, subject.state) == (session.folder.name, "epoch 3, step 9")
        assert subject.trained


def test_each_state_can_be_had_by_its_step(session: Session) -> None:
    states = states_over_time(session.folder)
    assert [s.step for s in states] == sorted({s.step for s in kept_states(session.folder)})
    with closing(Subject.of_run(session.folder)) as subject:
        assert subject.state.startswith("best, epoch")
        for state in states:
            for words in (str(state.step), f"step {state.step:,}", state.path):
                with closing(subject.at(words)) as earlier:
                    assert f"step {state.step:,}" in earlier.state
                    assert earlier.data is subject.data


def test_untrained_is_how_the_run_began(tmp_path: Path) -> None:
    """At a rate that moves nothing it is the end, too."""
    still = Session(tmp_path, small_network(lr=1e-30, optimizer="sgd", seed=7), DATA)
    with closing(Subject.of_run(still.folder, "untrained")) as subject:
        assert (subject.state, subject.trained) == ("untrained", False)
        for name, array in subject.weights().items():
            if "running" not in name:
                np.testing.assert_allclose(still.weights[name], array, atol=1e-20)


def test_a_state_that_is_not_there(session: Session) -> None:
    for wanted in ("bst", "77", "/nowhere/x.safetensors"):
        words = refused(session.folder, state=wanted)
        assert f"has no state {wanted}. It has best, last, untrained and the states of" in words


def test_a_run_without_a_checkpoint(session: Session) -> None:
    """As one that is being written: only the untrained network is there."""
    for state in kept_states(session.folder):
        Path(state.path).unlink()
    assert "has no checkpoint yet. The first epoch writes one." in refused(session.folder)
    with closing(Subject.of_run(session.folder, "untrained")) as subject:
        assert len(subject.images()) == len(DATA.val)


def test_a_run_whose_states_are_damaged(session: Session) -> None:
    """Not one without states: its untrained network would be taken for what it has learnt."""
    for state in kept_states(session.folder):
        Path(state.path).write_bytes(b"\0" * 20)
    words = refused(session.folder)
    assert "is damaged" in words and "cnn-tui reproduce" in words


def test_a_run_that_has_not_begun(session: Session) -> None:
    session.folder.events_file.write_bytes(b"")
    assert "did not start" in refused(session.folder)


def test_a_run_can_be_read_while_it_is_written(tmp_path: Path) -> None:
    read: list[str] = []

    def look(event: RunEvent, control: object) -> None:
        if isinstance(event, CheckpointSaved):
            folder = RunFolder(Path(event.path).parents[0 if event.best else 1])
            with closing(Subject.of_run(folder, "last")) as subject:
                read.append(subject.state)

    Session(tmp_path, small_network(), DATA, policy=Policy(steps=1), settle=True, on_event=look)
    assert len(set(read)) > 3


def test_a_checkpoint_of_another_network(session: Session, tmp_path: Path) -> None:
    other = Session(tmp_path / "other", network((1, 6, 6), FC(out_features=3)), DATA)
    words = refused(session.folder, state=kept_states(other.folder)[0].path)
    assert "holds the weights of another network" in words and "damaged" not in words


def test_a_network_that_was_edited_is_not_taken_for_damage(session: Session) -> None:
    file = session.folder.path / "network.toml"
    text = file.read_text()
    assert "out_features = 3" in text and "out_channels = 4" in text
    file.write_text(text.replace("out_channels = 4", "out_channels = 5"))
    assert "holds the weights of another network" in refused(session.folder)
    # A bit that has flipped is damage all the same.
    for state in kept_states(session.folder):
        content = bytearray(Path(state.path).read_bytes())
        content[-9] ^= 1
        Path(state.path).write_bytes(content)
    assert "is damaged" in refused(session.folder)


def test_a_file_that_is_no_checkpoint(session: Session, tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("hello")
    assert "checkpoint notes.txt is damaged" in refused(session.folder, state=str(file))


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a run: it has no run\.json"):
        Subject.of_run(RunFolder(tmp_path / "nothing"), "untrained").close()


def test_weights_from_elsewhere_are_a_run_to_look_into(session: Session) -> None:
    foreign = {name: array + 1 for name, array in session.weights.items()}
    kept = keep_weights(session.folder.network(), foreign, session.folder)
    with closing(Subject.of_run(kept)) as subject:
        assert_same(subject.weights(), foreign)
        assert subject.state == "epoch 0, step 0"


def test_a_diverged_run_says_so(session: Session) -> None:
    weights = dict(session.weights)
    weights["conv1.weight"] = weights["conv1.weight"] * np.nan
    kept = keep_weights(session.folder.network(), weights, session.folder)
    with closing(Subject.of_run(kept)) as subject:
        assert not np.isfinite(next(subject.activations("conv1", subject.images().images))).any()
        with pytest.raises(InsightError, match="The weights of conv1 are not finite"):
            subject.require_finite()


def test_data_that_is_gone(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with closing(Subject.of_run(session.folder)) as subject:
        for ask in (subject.images, subject.require_data, lambda: subject.example(0)):
            with pytest.raises(InsightError, match="There is no data to look at: There is no data"):
                ask()
        assert subject.weights().keys() == session.weights.keys()


@pytest.mark.parametrize(
    ("shape", "classes", "words"),
    [
        ((1, 5, 6), 3, "The images of odd are 1x5x6, the network expects 1x6x6."),
        (
            (1, 6, 6),
            4,
            "The data odd has 4 classes, the network gives 3 scores. The network does not know d.",
        ),
    ],
)
def test_data_that_does_not_fit(
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    shape: tuple[int, ...],
    classes: int,
    words: str,
) -> None:
    split = Split(np.zeros((4, *shape), np.uint8), np.arange(4) % classes)
    odd = Dataset("odd", tuple("abcd"[:classes]), split, split, split)
    monkeypatch.setattr("cnn_tui.engine.insight.examples.load_dataset", lambda *a, **k: odd)
    with closing(Subject.of_run(session.folder)) as subject:
        with pytest.raises(InsightError) as caught:
            subject.images()
        assert str(caught.value) == f"{words} Choose other data with --data."


def test_images_are_normalised_and_drawn_evenly(session: Session) -> None:
    with closing(Subject.of_run(session.folder)) as subject:
        whole = subject.images("train")
        assert len(whole) == len(DATA.train)
        assert whole.images.mean() == pytest.approx(0, abs=0.01)
        shades = np.rint(DATA.train.images[:] * (255 / 16))  # these data end at 16
        np.testing.assert_array_equal(whole.pictures, shades)
        some = subject.images("train", 6, seed=3)
        assert sorted(some.indices) == some.indices.tolist()
        np.testing.assert_array_equal(some.targets, DATA.train.labels[some.indices])
        counts = np.bincount(some.targets, minlength=3)
        shares = np.bincount(DATA.train.labels, minlength=3) * 6 / len(DATA.train)
        assert np.abs(counts - shares).max() <= 1
        assert some.indices.tolist() == subject.images("train", 6, seed=3).indices.tolist()


def test_one_image(session: Session) -> None:
    with closing(Subject.of_run(session.folder)) as subject:
        one = subject.example(2)
        assert one.targets.tolist() == [DATA.val.labels[2]]
        assert (len(one), one.indices.tolist(), one.note) == (1, [2], "")
        for wrong in (7, -1):
            with pytest.raises(InsightError, match=f"no image {wrong}: the validation split has 7"):
                subject.example(wrong)


def test_a_picture_of_another_size_is_fitted_and_it_is_said(tmp_path: Path) -> None:
    images = pytest.importorskip("PIL.Image")
    pixels = np.full((24, 36), 255, np.uint8)
    images.fromarray(pixels).save(tmp_path / "large.png")
    images.fromarray(pixels[:6, :6]).save(tmp_path / "fitting.png")
    with closing(planted(small_network())) as subject:
        large = subject.example(tmp_path / "large.png")
        assert large.images.shape == (1, 1, 6, 6)
        assert large.note == "The picture of 36x24 pixels was fitted to 6x6."
        np.testing.assert_array_equal(large.images, 16.0)
        assert (large.targets.tolist(), large.indices.tolist()) == ([-1], [-1])
        assert subject.example(tmp_path / "fitting.png").note == ""
        inverted = subject.example(tmp_path / "large.png", invert=True)
        np.testing.assert_array_equal(inverted.images, 0.0)


def test_a_file_that_is_no_picture(tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    file = tmp_path / "text.png"
    file.write_text("no picture")
    with closing(planted(small_network())) as subject:
        for path in (file, tmp_path / "missing.png", tmp_path):
            with pytest.raises(InsightError, match="cannot be shown: ") as caught:
                subject.example(path)
            assert "\n" not in str(caught.value)


def test_outputs_come_in_pieces_that_make_the_whole(session: Session) -> None:
    with closing(Subject.of_run(session.folder)) as subject:
        images = subject.images("train").images
        pieces = list(subject.activations("conv1", images, chunk=8))
        assert [len(piece) for piece in pieces] == [8, 8, 4]
        with subject.model.opened(images) as inside:
            assert_rounded(np.concatenate(pieces), inside.output("conv1"))
        with pytest.raises(InsightError, match="Did you mean conv1"):
            next(subject.activations("conv2", images))


def test_a_large_network_takes_fewer_images_at_a_time(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = random_images((1, 6, 6), 40, dtype=np.float32)
    with closing(Subject.of_run(session.folder)) as subject:
        whole = np.concatenate(list(subject.activations("conv1", images)))
        with subject.model.opened(images[:10]) as inside:
            bound = partial(subject.model.opened, limit=inside.bytes)
        monkeypatch.setattr(subject.model, "opened", bound)
        pieces = list(subject.activations("conv1", images))
        assert 1 < max(map(len, pieces)) < 20
        assert_rounded(np.concatenate(pieces), whole)
        values = sample(subject).values["conv1", "activations"]
        assert 0 < values.size < 20 * 4 * 36
        monkeypatch.setattr(subject.model, "opened", partial(subject.model.opened, limit=1))
        with pytest.raises(MemoryLimitError, match="Not even one image fits"):
            next(subject.activations("conv1", images))


def test_layers_and_classes_that_are_not_there_name_the_nearest() -> None:
    with closing(planted(small_network())) as subject:
        assert subject.require_layer("conv1", conv=True) == "conv1"
        assert subject.require_class("b") == subject.require_class(1) == 1
        with pytest.raises(InsightError, match="relu3 is of type relu, not a convolution"):
            subject.require_layer("relu3", conv=True)
        with pytest.raises(InsightError, match=r"no class x\. It has a, b and c"):
            subject.require_class("x")
        with pytest.raises(InsightError, match="no class 3"):
            subject.require_class(3)


def test_a_network_without_filters() -> None:
    with (
        closing(planted(network((1, 6, 6), FC(out_features=3)))) as subject,
        pytest.raises(InsightError, match="has no conv layer, so it has no filters"),
    ):
        subject.conv_layers()


def test_untrained_and_with_weights_leave_the_subject_as_it_is(session: Session) -> None:
    with closing(Subject.of_run(session.folder, "last")) as subject:
        with closing(subject.untrained(5)) as fresh, closing(build(subject.network, seed=5)) as new:
            assert_same(fresh.weights(), weights_of(new))
        with closing(subject.with_weights(fresh.weights(), "other")) as other:
            assert_same(other.weights(), fresh.weights())
        assert_same(subject.weights(), session.weights)


def test_a_live_run_has_only_its_present_state() -> None:
    with closing(planted(small_network())) as subject:
        with pytest.raises(InsightError, match="only its present state"):
            subject.at("best")
        subject.at("untrained").close()


def test_responses_are_those_after_the_activation() -> None:
    described = load_preset("resnet20")
    found = responses(place_network(described, check(described)))
    assert found["conv1"] == "relu3"
    assert found["residual4.conv1"] == "residual4.relu3"
    assert found["residual4.conv4"] == "residual4.bn5"
    plain = network((1, 6, 6), Conv(out_channels=2), Conv(out_channels=2), ReLU(), classes=3)
    assert responses(place_network(plain, check(plain))) == {
        "conv1": "conv1",
        "conv2": "relu3",
        "scores": "scores",
    }


def test_a_moved_run_is_still_one(session: Session, tmp_path: Path) -> None:
    moved = tmp_path / "moved"
    shutil.move(session.folder.path, moved)
    with closing(Subject.of_run(RunFolder(moved), "last")) as subject:
        assert_same(subject.weights(), session.weights)
