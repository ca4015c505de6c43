"""The recorder: ordinary prioritized replay, deterministic, and its command line."""

import argparse
import re
import subprocess
import sys
from collections import deque
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from amper.operations.trace import Draw, Kind, Trace, Update, Write
from amper_cli import record as command
from amper_cli.commands import add_command
from amper_lab.train.options import TrainOptions
from amper_lab.train.record import SETTINGS, _LoggedSampler, record

SMALL = replace(SETTINGS, rows=40, batch=8)
TINY: dict[str, Any] = {"options": SMALL, "operations": 600, "progress": False}


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="amper")
    add_command(parser.add_subparsers(required=True), "record", "", command)
    return parser.parse_args(["record", *words])


@pytest.fixture(scope="module")
def tiny() -> Trace:
    return record(**TINY)


@pytest.fixture(scope="module")
def long() -> Trace:
    return record(replace(SETTINGS, rows=200, batch=16), operations=20_000, progress=False)


def test_same_seed_gives_the_same_trace(tiny: Trace) -> None:
    again = record(**TINY)
    assert again == tiny
    assert again.metadata == tiny.metadata


def test_another_seed_gives_another_trace(tiny: Trace) -> None:
    assert record(**TINY, seed=2).digest != tiny.digest


def test_caller_keeps_its_random_state_and_threads(tiny: Trace) -> None:
    """Neither changes, nor changes the trace."""
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(99)
            before = torch.get_rng_state()
            again = record(**TINY)
            assert torch.equal(torch.get_rng_state(), before)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert again == tiny


@pytest.mark.parametrize("name", ["tiny", "long"])
def test_operations_are_those_of_prioritized_replay(name: str, request: pytest.FixtureRequest) -> None:
    """Replayed one by one: row order, initial priorities, draws from written rows, updates after a draw."""
    trace: Trace = request.getfixturevalue(name)
    largest, next_row, written = 1.0, 0, set()
    awaited: deque[int] = deque()  # rows whose updates the last draw still owes
    wrapped_draws = 0
    for operation in trace.operations():
        if isinstance(operation, Update):
            assert operation.row == awaited.popleft()
            largest = max(largest, operation.priority)
            continue
        assert not awaited
        if isinstance(operation, Write):
            assert (operation.row, operation.priority) == (next_row % trace.rows, largest)
            written.add(operation.row)
            next_row += 1
        else:
            assert set(operation.rows) <= written
            awaited.extend(operation.rows)
            wrapped_draws += next_row > trace.rows
    assert not awaited
    assert wrapped_draws > 10


def test_draws_are_proportional_to_the_priorities(long: Trace) -> None:
    """Chi-square over 50 equal slices of the cumulative priority; a right recorder fails once in 10^6 seeds.

    A drawn row owns the stretch between two cumulative sums, rows ordered by priority; a point chosen
    uniformly inside it is uniform over [0, 1] if rows are drawn in proportion to their priorities.
    """
    rng = np.random.default_rng(0)
    priority = np.zeros(long.rows)
    points: list[np.ndarray[Any, Any]] = []
    for operation in long.operations():
        if isinstance(operation, Draw):
            order = np.argsort(priority, kind="stable")
            share = priority / priority.sum()
            end = np.empty_like(share)
            end[order] = np.cumsum(share[order])
            rows = np.array(operation.rows)
            points.append(end[rows] - share[rows] * rng.random(len(rows)))
        else:
            priority[operation.row] = operation.priority
    seen, _ = np.histogram(np.concatenate(points), bins=50, range=(0, 1))
    assert seen.sum() == long.draws.size > 10_000
    assert chisquare(seen).pvalue > 1e-6


def test_recording_ends_with_a_whole_step() -> None:
    """Whatever the number of operations, it is reached, and passed by at most a learning step."""
    for operations in range(64, 100, 3):
        trace = record(SMALL, operations=operations, progress=False)
        assert operations <= len(trace) <= operations + 9
        assert trace.counts[Kind.UPDATE] == 8 * trace.counts[Kind.DRAW]


def test_recording_can_be_too_short_for_a_draw() -> None:
    trace = record(SMALL, operations=10, progress=False)
    assert trace.counts == {Kind.WRITE: 10, Kind.DRAW: 0, Kind.UPDATE: 0}
    assert trace.draws.shape == (0, 8)


def test_priorities_and_importance_weights() -> None:
    """Schaul et al. 2016, section 3: p = (|td| + eps)^alpha; w = (n P)^-beta, divided by the largest."""
    sampler = _LoggedSampler(TrainOptions(rows=4, alpha=0.5, eps=0.25), seed=0)
    for _ in range(2):  # rows 2 and 3 stay empty: n is 2
        sampler.add()
    sampler.update_errors(np.array([0, 1]), np.array([-3.75, 0.75], np.float32))
    np.testing.assert_array_equal(sampler.priorities(), np.array([2, 1, 0, 0], np.float32))
    rows, weights = sampler.sample(64, 0.5)
    assert set(rows.tolist()) == {0, 1}  # else the largest weight is another; this seed draws both
    # n P is 4/3 and 2/3, so the weights' ratio is 2^-0.5.
    np.testing.assert_allclose(weights, np.where(rows == 0, 2**-0.5, 1), rtol=1e-6)
    sampler.add()
    kinds = [Kind.WRITE, Kind.WRITE, Kind.UPDATE, Kind.UPDATE, Kind.DRAW, Kind.WRITE]
    assert [kind for kind, _, _ in sampler.log] == kinds
    assert [(row, priority) for kind, row, priority in sampler.log if kind != Kind.DRAW] == [
        (0, 1), (1, 1), (0, 2), (1, 1), (2, 2),
    ]  # fmt: skip
    assert sampler.draws[0].tolist() == rows.tolist()


def test_of_a_row_drawn_twice_the_last_update_counts() -> None:
    sampler = _LoggedSampler(TrainOptions(rows=2, alpha=1.0, eps=0.5), seed=0)
    sampler.add()
    sampler.update_errors(np.array([0, 0]), np.array([2.0, 1.0], np.float32))
    assert sampler.priorities().tolist() == [1.5, 0]
    assert sampler.log[1:] == [(Kind.UPDATE, 0, 2.5), (Kind.UPDATE, 0, 1.5)]


def test_metadata(tiny: Trace) -> None:
    expected = {"rows": 40, "batch": 8, "operations": 600, "env": "CartPole-v1", "alpha": 0.6, "eps": 1e-6, "seed": 1}
    expected["command"] = None
    assert {name: tiny.metadata[name] for name in expected} == expected
    assert tiny.metadata["beta"] == {"first": 0.4, "last": 1.0}
    assert tiny.metadata["versions"]["torch"] == torch.__version__
    returns = tiny.metadata["episode_returns"]
    # CartPole pays 1 a step, and a step is a write; the last episode need not have finished.
    assert 0 < sum(returns) <= tiny.counts[Kind.WRITE]


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"operations": 0}, ValueError, "operations must be 1 to 10000000, not 0"),
        ({"operations": 2.0}, TypeError, "operations must be an integer, not 2.0"),
        ({"seed": -1}, ValueError, "seed must be 0 to 2147483647, not -1"),
        ({"seed": True}, TypeError, "seed must be an integer, not True"),
    ],
)
def test_illegal_arguments(changed: dict[str, Any], error: type[Exception], message: str) -> None:
    """Those that are not of ``TrainOptions``."""
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        record(SMALL, **changed)


def test_unusable_environments() -> None:
    with pytest.raises(ValueError, match=r"^env must be a Gymnasium environment, not 'NoSuch-v0': .*NoSuch"):
        record(replace(SMALL, env="NoSuch-v0"), progress=False)
    with pytest.raises(ValueError, match=r"^env must have discrete actions from 0, not 'Pendulum-v1' with Box"):
        record(replace(SMALL, env="Pendulum-v1"), progress=False)
    with pytest.raises(ValueError, match=r"^env must have a flat real observation, not 'Blackjack-v1' with Tuple"):
        record(replace(SMALL, env="Blackjack-v1"), progress=False)


def test_another_environment() -> None:
    trace = record(replace(SMALL, env="Acrobot-v1"), operations=600, progress=False)
    assert trace.metadata["env"] == "Acrobot-v1"
    assert trace.counts[Kind.DRAW] > 10


@pytest.mark.parametrize("name", ["torch", "gymnasium", "tqdm"])
def test_missing_extra(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Any) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    message = f"{name} is not installed: pip install 'amper[record]'"
    with pytest.raises(ImportError, match=f"^{re.escape(message)}$"):
        record(**TINY)
    assert command.run(parse("--output", str(tmp_path / "a.npz"))) == 2
    assert capsys.readouterr() == ("", f"amper record: error: {message}\n")
    assert list(tmp_path.iterdir()) == []


def test_nothing_heavy_is_imported_before_use() -> None:
    code = "import sys, amper_cli.record; print(*{'torch', 'gymnasium', 'tqdm'} & sys.modules.keys())"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout == "\n"


def test_command_line_records(tmp_path: Path, tiny: Trace, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "my trace.npz"
    words = ["--rows", "40", "--batch", "8", "--operations", "600", "--output", str(output)]
    assert command.run(parse(*words)) == 0
    trace = Trace.load(output)
    assert trace.digest == tiny.digest
    assert trace.metadata["command"] == (
        f"amper record --env CartPole-v1 --rows 40 --batch 8 --operations 600 --seed 1 --output '{output}'"
    )
    writes, draws, updates = (tiny.counts[kind] for kind in Kind)
    returns = tiny.metadata["episode_returns"]
    shown = capsys.readouterr()
    assert shown.out == (
        f"trace       {output}, {output.stat().st_size:,} bytes\n"
        f"operations  {len(tiny)}: {writes} writes, {draws} draws of 8 rows, {updates} updates\n"
        f"buffer      40 rows, {writes - 40} overwritten\n"
        f"episodes    {len(returns)} finished\n"
        f"return      {np.mean(returns[:10]):.1f} mean of the first {len(returns[:10])} episodes, "
        f"{np.mean(returns[-10:]):.1f} of the last {len(returns[-10:])}\n"
    )
    assert "600/600" in shown.err  # the progress bar


def test_quiet_command_line_without_an_episode(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "a.npz"
    assert command.run(parse("--operations", "2", "--quiet", "--output", str(output))) == 0
    shown = capsys.readouterr()
    assert shown.out.splitlines()[1:] == [
        "operations  2: 2 writes, 0 draws of 64 rows, 0 updates",
        "buffer      2,000 rows, 0 overwritten",
        "episodes    0 finished",
    ]
    assert shown.err == ""


def test_command_in_the_metadata_names_what_differs_from_the_defaults(tmp_path: Path) -> None:
    output = tmp_path / "a.npz"
    words = [
        "--operations",
        "3",
        "--alpha",
        "0.5",
        "--eps",
        "0.01",
        "--beta",
        "1.0",
        "--seed",
        "4",
        "--quiet",
    ]
    assert command.run(parse(*words, "--output", str(output))) == 0
    made_by = Trace.load(output).metadata["command"]
    assert made_by == (
        "amper record --env CartPole-v1 --rows 2000 --batch 64 --alpha 0.5 --eps 0.01 --beta 1.0 "
        f"--operations 3 --seed 4 --output {output}"
    )


def test_command_line_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def error(*words: str) -> str:
        assert command.run(parse(*words)) == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        return shown.err

    output = str(tmp_path / "a.npz")
    assert error("--rows", "0", "--output", output) == ("amper record: error: rows must be 1 to 268435456, not 0\n")
    for place, wrong in (
        (tmp_path / "none" / "a.npz", f"lie in an existing folder, and {tmp_path / 'none'} is none"),
        (tmp_path, f"be a file, and {tmp_path} is a folder"),
    ):
        with pytest.raises(SystemExit, match=r"^2$"):
            parse("--output", str(place))
        assert capsys.readouterr().err.endswith(f"amper record: error: argument --output: must {wrong}\n")
    assert list(tmp_path.iterdir()) == []


def test_command_line_refuses_what_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        parse("--rows", "many", "--output", "a.npz")
    expected = "amper record: error: argument --rows: invalid int value: 'many'\n"
    assert capsys.readouterr().err.endswith(expected)
