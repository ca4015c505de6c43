"""Optional packages: a missing one is answered with the extra that installs it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from amper.support.extras import require

ADAPTERS = {
    "torchrl": ("amper.torchrl", "torchrl"),
    "tianshou": ("amper.tianshou", "tianshou"),
    "sb3": ("amper.sb3", "stable_baselines3"),
}


def test_an_installed_module_is_given():
    assert require("json", "none") is json
    assert require("json.decoder", "none") is json.decoder


def test_a_missing_module():
    with pytest.raises(ImportError) as error:
        require("no_such_module", "train")
    assert str(error.value) == "no_such_module is not installed: pip install 'amper[train]'"
    assert error.value.name == "no_such_module"


def test_a_module_whose_own_import_is_missing(tmp_path, monkeypatch):
    (tmp_path / "half_there.py").write_text("import no_such_module\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError) as error:
        require("half_there", "train")
    assert str(error.value) == "no_such_module, which half_there needs, is not installed: pip install 'amper[train]'"


def test_a_broken_module_shows_what_is_wrong_with_it(tmp_path, monkeypatch):
    """It is installed, so that to install it would not help."""
    (tmp_path / "broken.py").write_text("from json import no_such_name\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=r"^cannot import name 'no_such_name' from 'json'"):
        require("broken", "train")


@pytest.mark.parametrize("extra", ADAPTERS)
def test_an_adapter_without_its_library(extra):
    module, missing = ADAPTERS[extra]
    program = f"import sys; sys.modules[{missing!r}] = None; import {module}"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == f"ImportError: {missing} is not installed: pip install 'amper[{extra}]'"


def test_compression_without_its_codecs(monkeypatch):
    from amper import Compression, ReplayBuffer

    monkeypatch.setitem(sys.modules, "numcodecs", None)
    with pytest.raises(ImportError, match=r"^numcodecs is not installed: pip install 'amper\[compression\]'$"):
        ReplayBuffer(4, {"x": "int64", "y": "int64"}, compression=Compression(("x",)))
