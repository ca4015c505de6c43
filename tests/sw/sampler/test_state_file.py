"""States as files: what comes back, what is refused, and a process that is killed while it saves."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from amper import Sampler
from amper.support import files as state_file
from amper.support.files import load_state, replacing, save_state

STATE = {"a": 1 << 127, "b": None, "c": "π", "d": {"x": np.arange(5, dtype=np.uint32), "e": 0.1}, "n": np.zeros(0)}


def test_everything_comes_back(tmp_path):
    save_state(tmp_path / "f.npz", STATE)
    again = load_state(tmp_path / "f.npz")
    assert again["d"]["x"].tolist() == [0, 1, 2, 3, 4]
    assert again["d"]["x"].dtype == np.uint32
    assert again["n"].size == 0
    assert {name: again[name] for name in "abc"} == {name: STATE[name] for name in "abc"}
    assert again["d"]["e"] == 0.1


@pytest.mark.parametrize("mode", ["per", "amper-k"])
def test_the_state_of_a_sampler(tmp_path, mode):
    """The future is the same."""
    sampler = Sampler(100, mode=mode, seed=3)
    sampler.extend(np.linspace(0, 1, 70))
    sampler.sample(10)
    save_state(tmp_path / "f.npz", sampler.state())
    other = Sampler(100, mode=mode, seed=3)
    other.restore(load_state(tmp_path / "f.npz"))
    assert other.sample(100)[0].tolist() == sampler.sample(100)[0].tolist()


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other"])
def test_a_damaged_file_is_refused(tmp_path, damage):
    path = tmp_path / "f.npz"
    save_state(path, STATE)
    content = bytearray(path.read_bytes())
    if damage == "flipped":
        content[content.index(bytes(np.arange(5, dtype=np.uint32)))] ^= 1
    elif damage == "other":
        np.savez(path, x=1)
        content = bytearray(path.read_bytes())
    path.write_bytes(content[: {"cut": len(content) // 2, "empty": 0}.get(damage, len(content))])
    with pytest.raises(
        ValueError, match=f"^{re.escape(str(path))} must be a state that was saved, and is not, or is d"
    ):
        load_state(path)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_state(tmp_path / "f.npz")


def test_an_error_while_saving_leaves_the_old_file(tmp_path, monkeypatch):
    save_state(tmp_path / "f.npz", {"n": 1})
    with monkeypatch.context() as patch:
        patch.setattr(state_file.os, "fsync", lambda file: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            save_state(tmp_path / "f.npz", {"n": 2})
    assert load_state(tmp_path / "f.npz") == {"n": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["f.npz"]


def test_the_file_appears_only_when_it_is_whole(tmp_path):
    with replacing(tmp_path / "f") as aside:
        aside.write_text("x")
        assert not (tmp_path / "f").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_process_that_is_killed_while_it_saves(tmp_path):
    """Whenever it is killed, the file is one of those that it saved, and whole."""
    program = """
import sys
from pathlib import Path
import numpy as np
from amper.support.files import save_state
for i in range(1_000_000):
    save_state(Path(sys.argv[1]), {"i": i, "x": np.full(50_000, i)})
"""
    path = tmp_path / "f.npz"
    for wait in (0.0, 0.003, 0.01, 0.02):
        process = subprocess.Popen([sys.executable, "-c", program, str(path)])
        deadline = time.monotonic() + 60
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        state = load_state(path)
        assert (state["x"] == state["i"]).all()
        path.unlink()
