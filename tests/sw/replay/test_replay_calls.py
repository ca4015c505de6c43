"""Small calls that users expect: clear, reseed, more than fits, errors in every shape and type, what a checker says."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

import amper
from amper import AmperConfig, Device, NStep, ReplayBuffer, Sampler

ROOT = Path(__file__).parents[3]
COMPILED = pytest.mark.parametrize("compiled", [True, False])
STEPS = {"x": "int64", "reward": "float32", "next_obs": "int64", "terminated": "bool", "truncated": "bool"}


def steps(count: int, first: int = 0) -> dict[str, np.ndarray]:
    numbers = np.arange(first, first + count)
    ends = np.zeros(count, bool)
    return {"x": numbers, "reward": numbers, "next_obs": numbers + 1, "terminated": ends, "truncated": ends}


@COMPILED
@pytest.mark.parametrize("n_step", [None, NStep(3, envs=2)], ids=["one", "steps"])
@pytest.mark.parametrize("count", [10, 12, 20, 37])
def test_of_more_than_fits_the_newest_are_kept(compiled, n_step, count):
    """As if they had come one by one; priorities too."""
    whole, single = (ReplayBuffer(10, STEPS, Sampler(10, seed=1), n_step=n_step, compiled=compiled) for _ in range(2))
    count -= count % 2  # whole steps of both environments
    given = np.linspace(0.5, 2.0, count)
    got = [whole.extend(**steps(4)), whole.extend(**steps(count, 4), priority=given)]
    for number in range(4 + count):
        one = {name: value[0] for name, value in steps(1, number).items()}
        priority = None if number < 4 else float(given[number - 4])
        single.add(**one, priority=priority, env=None if n_step is None else number % 2)
    assert np.concatenate(got).tolist() == list(range(4 + count))
    np.testing.assert_array_equal(whole.sampler.priorities(), single.sampler.priorities())
    first, second = whole.sample(50), single.sample(50)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])


@COMPILED
@pytest.mark.parametrize("n_step", [None, NStep(3)], ids=["one", "steps"])
def test_clear(compiled, n_step):
    buffer = ReplayBuffer(10, STEPS, n_step=n_step, compiled=compiled)
    buffer.extend(**steps(13))
    before = buffer.sample(20)["indices"]
    buffer.clear()
    assert len(buffer) == 0
    with pytest.raises(amper.NoValidRowError):
        buffer.sample(1)
    index = buffer.add(**{name: value[0] for name, value in steps(1, 100).items()})
    buffer.update(before, np.full(20, 9.0))
    assert buffer.dropped == 20
    batch = buffer.sample(5)
    assert (set(batch["x"].tolist()), set(batch["indices"].tolist())) == ({100}, {index})
    assert set(batch["reward"].tolist()) == {100.0}
    buffer.clear()
    buffer.extend(**steps(10, 200))
    assert set(buffer.sample(200)["x"].tolist()) == set(range(200, 210))


@pytest.mark.parametrize("options", [{"compiled": True}, {"compiled": False}, {"bit_exact": True}], ids=str)
def test_clear_a_sampler(options):
    sampler = Sampler(10, seed=1, **options)
    sampler.extend(np.linspace(1, 2, 7))
    sampler.clear()
    assert (len(sampler), sampler.max_priority, sampler.new_priority, sampler.add()) == (0, 1.0, 1.0, 0)


@pytest.mark.parametrize("mode", ["per", "uniform", "amper-fr"])
@pytest.mark.parametrize("options", [{"compiled": True}, {"compiled": False}, {"bit_exact": True}], ids=str)
def test_reseed(options, mode):
    if mode == "uniform" and "bit_exact" in options:
        options = {}
    first, second = Sampler(50, mode=mode, seed=1, **options), Sampler(50, mode=mode, seed=2, **options)
    for sampler in (first, second):
        sampler.extend(np.linspace(1, 2, 50))
    first.sample(9)
    first.reseed(2)
    assert first.sample(40)[0].tolist() == second.sample(40)[0].tolist()
    first.reseed()
    second.reseed()
    assert first.sample(40)[0].tolist() != second.sample(40)[0].tolist()
    with pytest.raises((TypeError, ValueError), match=r"^seed must be "):
        first.reseed(-1)


def test_fresh_seeds():
    drawn = []
    for _ in range(2):
        sampler = Sampler(1000, seed=None)
        sampler.extend(count=1000)
        drawn.append(sampler.sample(40)[0].tolist())
        again = Sampler(1000, seed=sampler.options.seed)
        again.extend(count=1000)
        assert again.sample(40)[0].tolist() == drawn[-1]
    assert drawn[0] != drawn[1]


class Batches(IterableDataset):
    """Batches of a buffer, of which each worker has a copy."""

    def __init__(self, buffer: ReplayBuffer) -> None:
        self.buffer = buffer

    def __iter__(self):
        self.buffer.reseed(get_worker_info().seed % 2**64)
        for _ in range(3):
            yield tuple(self.buffer.sample(8)["indices"].tolist())


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_workers_of_a_data_loader_draw_other_batches():
    buffer = ReplayBuffer(1000, {"x": "int64"})
    buffer.extend(x=np.arange(1000))
    loader = DataLoader(Batches(buffer), batch_size=None, num_workers=2, multiprocessing_context="fork")
    batches = [tuple(int(index) for index in batch) for batch in loader]
    assert (len(batches), len(set(batches))) == (6, 6)


def test_a_device_has_its_own_streams():
    buffer = ReplayBuffer(8, {"x": "int64"}, Device(AmperConfig(rows=8)))
    with pytest.raises(TypeError, match=r"^reseed needs a Sampler, not Device, which has its own streams$"):
        buffer.reseed()


class OnlyDlpack:
    """What has nothing but the protocol."""

    def __dlpack__(self, **options):
        return np.array([-2.0, 3.0]).__dlpack__(**options)

    def __dlpack_device__(self):
        return (1, 0)

    def __str__(self):
        return "only dlpack"  # without an address: both workers of xdist must name the test the same


@COMPILED
@pytest.mark.parametrize(
    "errors",
    [
        np.array([[-2.0], [3.0]]),
        torch.tensor([[-2.0], [3.0]]),
        torch.tensor([-2.0, 3.0], dtype=torch.bfloat16),
        torch.tensor([-2.0, 3.0], requires_grad=True),
        OnlyDlpack(),
        torch.tensor([[-2.0], [3.0]], dtype=torch.float16, requires_grad=True),
    ],
    ids=str,
)
def test_errors_as_learners_have_them(compiled, errors):
    buffer = ReplayBuffer(4, {"x": "int64"}, Sampler(4, alpha=1.0, eps=0.0), compiled=compiled)
    buffer.extend(x=np.arange(4))
    for target in (buffer, buffer.sampler):
        buffer.update([0, 3], [1.0, 1.0])
        target.update_errors(torch.tensor([0, 3]), errors)
        assert buffer.sampler.priorities().tolist() == [2.0, 1.0, 1.0, 3.0]


def test_options_that_stay_are_refused():
    sampler = Sampler(4)
    for name in ("alpha", "eps", "beta", "rows", "mode"):
        with pytest.raises(AttributeError, match=name):
            setattr(sampler, name, 0.7)
    assert (sampler.alpha, sampler.eps) == (0.6, 1e-6)


def test_what_they_say_of_themselves():
    buffer = ReplayBuffer(2000, {"x": "int64", "y": "bool"}, Sampler(2000, mode="amper-k"))
    buffer.add(x=1, y=False)
    sampler = "Sampler(1 of 2,000 rows hold a priority, mode='amper-k')"
    assert repr(buffer) == f"ReplayBuffer(1 of 2,000 rows: x, y; {sampler})"
    assert re.fullmatch(r"\d+\.\d+.*", amper.__version__)
    with pytest.raises(AttributeError, match=r"^module 'amper' has no attribute 'other'$"):
        _ = amper.other


CHECKERS = {"mypy": ["--strict"], "basedpyright": ["--pythonpath", sys.executable]}


@pytest.mark.parametrize("checker", CHECKERS)
def test_a_checker_accepts_the_example_of_the_readme(checker, tmp_path):
    found = shutil.which(checker, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert found is not None, f"{checker} is not installed"
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    more = "from amper import Columns, Mode\nmode: Mode = 'per'\ntyped: Columns = columns\nprint(buffer, mode, typed)\n"
    (tmp_path / "example.py").write_text(program + more)
    # Told where the package is: no checker follows the import hook of an editable installation.
    strict = {"typeCheckingMode": "strict", "extraPaths": [str(ROOT / "sw")]}
    environment = os.environ | {"MYPYPATH": str(ROOT / "sw")}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(strict))
    words = [found, *CHECKERS[checker], "example.py"]
    run = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
