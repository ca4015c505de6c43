"""The examples, alone and for the RL libraries, run, learn from priorities, and say so; their page is right."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLES = ["dqn.py", "torchrl_dqn.py", "tianshou_dqn.py", "sb3_dqn.py --mode amper-fr-dithered"]


def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The example's exit code and what it printed; warnings of the libraries do not matter here."""
    return subprocess.run(
        [sys.executable, str(ROOT / "examples" / name), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


@pytest.mark.parametrize("command", EXAMPLES)
def test_an_example(command):
    """A few hundred steps: no score to speak of, but priorities that came from TD errors, and progress shown. Drawn by
    PER, unless asked."""
    name, *mode = command.split()
    done = run(name, "--steps", "400", *mode)
    assert done.returncode == 0, done.stderr
    found = re.fullmatch(
        rf"mode {mode[-1] if mode else 'per'}, (?:\d+ steps, )?(\d+) priorities, (?:best )?mean score (\d+\.\d)",
        done.stdout.splitlines()[-1],
    )
    assert found, done.stdout
    assert int(found[1]) > 50
    assert float(found[2]) >= 8  # no episode of CartPole is shorter
    assert "%|" in done.stderr


def test_actors_and_a_learner():
    """Two actors in processes, a shard each: the learner learns while they play, and they end."""
    done = run("apex.py", "--actors", "2", "--updates", "40")
    assert done.returncode == 0, done.stderr
    found = re.fullmatch(r"(\d+) transitions, 40 updates, mean score (\d+\.\d)", done.stdout.splitlines()[-1])
    assert found, done.stdout
    assert int(found[1]) >= 500
    assert float(found[2]) >= 8


def test_the_page_of_the_adapters(monkeypatch):
    # TorchRL tells on the standard output when it makes a storage.
    import torchrl  # sets up its logger

    monkeypatch.setattr(torchrl.torchrl_logger, "disabled", True)
    result = doctest.testfile(str(ROOT / "docs/software/adapters.md"), module_relative=False)
    assert result.failed == 0
    assert result.attempted >= 15
