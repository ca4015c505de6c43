"""The distribution: a wheel built from the source archive, used away from the checkout."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TREES = ("sw", "hw", "verif", "synth", "cli")
SOURCES = (*TREES, "pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")
BUILT = shutil.ignore_patterns("*.so", "__pycache__", "*.egg-info")


def python(*arguments: str, folder: Path, **environment: str) -> str:
    """What a Python process prints; its whole output is in the error if it fails."""
    run = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=os.environ | environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """The source archive, from a copy of the tree in which nothing has been built."""
    folder = tmp_path_factory.mktemp("packaging")
    tree = folder / "tree"
    tree.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=BUILT)
        else:
            shutil.copy(ROOT / name, tree)
    python("-c", f"from setuptools import build_meta; build_meta.build_sdist({str(folder)!r})", folder=tree)
    (made,) = folder.glob("*.tar.gz")
    return made


@pytest.fixture(scope="module")
def wheel(archive) -> Path:
    """A wheel from the source archive."""
    folder = archive.parent
    options = (
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        str(folder),
    )
    python("-m", "pip", "wheel", *options, str(archive), folder=folder)
    (made,) = folder.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel) -> Path:
    """The wheel unpacked as an installer would."""
    folder = wheel.parent / "site"
    python("-m", "pip", "install", "-qq", "--no-deps", "--target", str(folder), str(wheel), folder=wheel.parent)
    return folder


def test_the_source_archive_holds_the_compiled_core(archive):
    with tarfile.open(archive) as opened:
        packed = {name.partition("/")[2] for name in opened.getnames()}
    written = {str(path.relative_to(ROOT)) for path in (ROOT / "sw/amper/cores/c").rglob("*.[ch]")}
    assert {"sw/amper/cores/c/sum_tree.c", "sw/amper/cores/c/python/module.c"} <= written
    assert written - packed == set()


def test_the_wheel_holds_every_module_and_data_file(wheel):
    packaged = set(zipfile.ZipFile(wheel).namelist())
    wanted = set()
    for tree in TREES:
        for path in (ROOT / tree).rglob("*"):
            relative = path.relative_to(ROOT / tree)
            skipped = path.is_dir() or "__pycache__" in path.parts or "traces" in path.parts
            skipped |= relative == Path("README.md")  # for who reads the tree
            if not skipped and path.suffix not in (".so", ".pyc") and ".egg-info" not in str(path):
                wanted.add(relative.as_posix())
    assert wanted - packaged == set()


def test_the_sampler_is_compiled(installed):
    program = "import amper; print(amper.__file__, amper.Sampler(10).is_compiled)"
    file, compiled = python("-c", program, folder=installed.parent, PYTHONPATH=str(installed)).split()
    assert Path(file).is_relative_to(installed)
    assert compiled == "True"


def test_the_generator_finds_its_files(installed, tmp_path):
    arguments = ("-m", "amper_cli.main", "generate", "--rows", "16", "--bus", "axi", "-o", str(tmp_path))
    python(*arguments, folder=tmp_path, PYTHONPATH=str(installed))
    assert {"amper.v", "amper.json", "amper.c", "amper.h"} <= {path.name for path in tmp_path.iterdir()}
