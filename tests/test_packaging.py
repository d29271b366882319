"""What an install puts where: the mapping of folders to packages, and nothing beside it."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from importlib.metadata import entry_points, requires
from pathlib import Path

import pytest
from children import run
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
FOLDERS = ("engine", "tui", "presets")
BESIDE = ("CHANGELOG.md", "MANIFEST.in", "README.md", "pyproject.toml")
"""What else an sdist has, with the licences."""
LARGEST = 2_000_000
"""Bytes of the wheel."""
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


BUILD = """
import sys
from setuptools import build_meta
out = sys.argv[1]
build_meta.build_sdist(out)
build_meta.build_wheel(out)
"""


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a wheel and an sdist built from a copy, so that no build/ is left here."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in FOLDERS:
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=ignore)
    others = [*PROJECT["project"]["license-files"], *BESIDE, "tests/test_packaging.py"]
    for name in others:
        (source / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, source / name)
    run([sys.executable, "-c", BUILD, str(out)], cwd=source)
    return out


@pytest.fixture(scope="module")
def wheel(dist: Path) -> set[str]:
    """The names in the wheel."""
    (path,) = dist.glob("*.whl")
    return set(zipfile.ZipFile(path).namelist())


def files_of(folders: tuple[str, ...]) -> set[str]:
    """Everything that lies in these folders of the checkout."""
    paths = (path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    return {str(path.relative_to(ROOT)) for path in paths if path.suffix != ".pyc"}


def test_every_folder_with_code_is_a_listed_package() -> None:
    found = {
        ".".join(("cnn_tui", *path.parent.relative_to(ROOT).parts))
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found


def test_every_module_stands_in_a_package() -> None:
    modules = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    stray = [path for path in modules if not (path.parent / "__init__.py").exists()]
    assert stray == []
    assert not (ROOT / "cnn_tui").exists()


def test_no_bare_engine_or_tui_can_be_imported(tmp_path: Path) -> None:
    code = (
        "import importlib.util as u, cnn_tui.engine, cnn_tui.tui, cnn_tui.presets;"
        "print([n for n in ('engine', 'tui', 'presets') if u.find_spec(n)])"
    )
    done = run([sys.executable, "-c", code], cwd=tmp_path)
    assert done.stdout.strip() == "[]"


def test_wheel_holds_the_code_its_data_and_nothing_bare(wheel: set[str]) -> None:
    packed = {name for name in wheel if ".dist-info/" not in name}
    assert packed == {f"cnn_tui/{name}" for name in files_of(FOLDERS)}
    for package in FOLDERS:
        assert f"cnn_tui/{package}/py.typed" in packed
    assert any(name.endswith("licenses/LICENSE") for name in wheel)


def test_sdist_holds_what_builds_the_wheel_and_no_tests(dist: Path) -> None:
    (path,) = dist.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.name.partition("/")[2] for name in archive.getmembers() if name.isfile()}
    generated = {name for name in names if ".egg-info/" in name} | {"PKG-INFO", "setup.cfg"}
    licences = PROJECT["project"]["license-files"]
    assert names - generated == files_of(FOLDERS) | {*licences, *BESIDE}


@pytest.mark.slow
def test_what_the_wheel_installs_works_outside_the_checkout(dist: Path, tmp_path: Path) -> None:
    (wheel,) = dist.glob("*.whl")
    place, home = tmp_path / "env", tmp_path / "home"
    python = place / "bin" / "python"
    run([sys.executable, "-m", "venv", "--without-pip", str(place)])
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)])
    # The dependencies are those of the tests; cnn-tui is found here first, without a checkout.
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    where = run(
        [python, "-c", "import cnn_tui.engine; print(cnn_tui.engine.__file__)"], cwd=tmp_path
    )
    assert Path(where.stdout).is_relative_to(place)
    home.mkdir()
    environ = {"PATH": os.defpath, "HOME": str(home)}
    smoke = ROOT / "benchmarks" / "smoke.py"
    tried = run([sys.executable, str(smoke), str(place / "bin" / "cnn-tui")], env=environ)
    assert "first paint" in json.loads(tried.stdout)


def test_script_leads_to_the_command_line() -> None:
    (script,) = entry_points(group="console_scripts", name="cnn-tui")
    assert script.load().__module__ == "cnn_tui.tui.cli.main"


def test_every_dependency_has_a_lower_and_an_upper_bound() -> None:
    declared = [Requirement(line) for line in requires("cnn-tui") or ()]
    declared += [Requirement(line) for line in PROJECT["build-system"]["requires"]]
    assert declared
    for requirement in declared:
        kinds = {spec.operator for spec in requirement.specifier}
        assert kinds == {"=="} or kinds == {">=", "<"}, str(requirement)


def test_a_plain_install_is_small_and_brings_nothing_of_an_extra(dist: Path) -> None:
    (path,) = dist.glob("*.whl")
    assert path.stat().st_size < LARGEST
    declared = [Requirement(line) for line in requires("cnn-tui") or ()]
    plain = {
        one.name for one in declared if one.marker is None or one.marker.evaluate({"extra": ""})
    }
    assert plain <= {Requirement(line).name for line in PROJECT["project"]["dependencies"]}
    heavy = {"dask", "distributed", "onnx", "optuna", "pyarrow", "scipy", "torch"}
    assert "numpy" in plain and not plain & heavy


def test_constraints_pin_every_dependency_and_name_no_host() -> None:
    text = (ROOT / "constraints.txt").read_text()
    pins = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line) for line in pins)
    pinned = {Requirement(line).name.lower(): Requirement(line).specifier for line in pins}
    for line in requires("cnn-tui") or ():
        requirement = Requirement(line)
        (pin,) = pinned[requirement.name.lower()]
        assert requirement.specifier.contains(pin.version), str(requirement)


def test_built_in_data_stays_small() -> None:
    assert (ROOT / "engine" / "data" / "digits.npz").stat().st_size < 100_000


def test_tests_run_the_code_of_this_checkout() -> None:
    spec = importlib.util.find_spec("cnn_tui.engine")
    assert spec is not None and spec.origin is not None
    assert Path(spec.origin).resolve().parent == (ROOT / "engine").resolve()
