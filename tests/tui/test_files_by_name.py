"""A network named by hand: a preset, a file, a file without its .toml, or nearly one of these."""

from __future__ import annotations

from pathlib import Path

import pytest

from cnn_tui.engine.errors import SpecError
from cnn_tui.engine.specs.codec import save_network
from cnn_tui.engine.specs.presets import file_of, load_preset, resolve


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    for name in ("vggish", "nets/small", "lenet5"):
        save_network(load_preset("two-layer"), tmp_path / f"{name}.toml")
    (tmp_path / "other.py").write_text("")
    return tmp_path


@pytest.mark.parametrize("name", ["vggish", "vggish.toml", "nets/small", "./vggish"])
def test_a_file_is_found_with_and_without_its_ending(name: str) -> None:
    assert file_of(name) == Path(name).with_suffix(".toml")
    assert resolve(name) == load_preset("two-layer")


def test_a_preset_wins_over_a_file() -> None:
    assert file_of("lenet5") is None
    assert resolve("lenet5") == load_preset("lenet5")
    assert resolve("./lenet5") == load_preset("two-layer")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("vgish", "no file named 'vgish'. Did you mean vggish.toml?"),
        ("VGGISH", "Did you mean vggish.toml?"),
        ("nets/smal", "There is no file nets/smal. Did you mean nets/small.toml?"),
        ("nets/smal.toml", "Did you mean nets/small.toml?"),
        ("no/such", "There is no file no/such. Check the path."),
        ("lenet", "Did you mean lenet5"),
        ("other", "cnn-tui import other.py"),
        ("other.py", "cnn-tui import other.py"),
        ("nets", "nets is a folder, not a file."),
        ("", "cnn-tui presets lists"),
        ("a\0b", "no file named"),
        ("a" * 5000, "no file named"),
    ],
)
def test_the_message_names_what_may_be_meant(name: str, hint: str) -> None:
    with pytest.raises(SpecError) as raised:
        resolve(name)
    assert hint in str(raised.value)


@pytest.mark.parametrize("words", [("check", "vggish"), ("bench", "vggish", "--steps", "1")])
def test_commands_take_the_short_name(cli, words: tuple[str, ...]) -> None:
    code, _, err = cli(*words)
    assert (code, err) == (0, "")
