"""Series of runs: kept in a file, not run again, gone on with after an interruption, shared out to processes."""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from training import TINY, TINY_WORDS, never, one_thread  # noqa: F401 (one_thread: in force by being here)

from amper_lab.train import runs
from amper_lab.train.loop import Run, train
from amper_lab.train.options import TrainOptions
from amper_lab.train.runs import Series, run_all, run_series


def series(folder: Path, seeds: int = 1, options: TrainOptions = TINY) -> Series:
    return Series(options, seeds, folder / "runs.json")


def test_kept_runs_are_not_run_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (kept,) = run_all([series(tmp_path, 2)])
    trained: list[int] = []

    def counted(options: TrainOptions, seeds: list[int], **rest: Any) -> list[Run]:
        trained.extend(seeds)
        return train(options, seeds, **rest)

    monkeypatch.setattr(runs, "train", counted)
    steps: list[int] = []
    (all_three,) = run_all([series(tmp_path, 3)], tick=steps.append)
    assert all_three[:2] == kept
    assert trained == [3]
    assert sum(steps) == 900
    monkeypatch.setattr(runs, "train", never)
    assert [run.seed for run in run_all([series(tmp_path, 2)])[0]] == [1, 2]
    assert runs.load(tmp_path / "runs.json") == all_three


def test_a_group_of_every_series_comes_before_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the files have then, after each group, is what an end of the process would leave."""
    trained: list[tuple[str, int, int]] = []

    def quick(options: TrainOptions, seeds: list[int], **_: Any) -> list[Run]:
        trained.append((options.sampler, seeds[0], seeds[-1]))
        there.append([len(runs.load(each.path)) if each.path.exists() else 0 for each in plan])
        return [Run(options.to_dict(), seed, [], 1.0, {}) for seed in seeds]

    there: list[list[int]] = []
    names = ("per", "uniform")
    plan = [Series(replace(TINY, sampler=name), 25, tmp_path / f"{name}.json") for name in names]
    monkeypatch.setattr(runs, "train", quick)
    found = run_all(plan)
    assert trained == [(name, *ends) for ends in ((1, 10), (11, 20), (21, 25)) for name in names]
    assert there == [[0, 0], [10, 0], [10, 10], [20, 10], [20, 20], [25, 20]]
    assert [[run.seed for run in each] for each in found] == [list(range(1, 26))] * 2


def test_processes_give_the_same(tmp_path: Path) -> None:
    """Two processes share two seeds, one each."""
    steps: list[int] = []
    (beside,) = run_all([series(tmp_path, 2)], jobs=2, tick=steps.append)
    assert steps == [0, 300, 300]
    assert [run.points for run in beside] == [train(TINY, [seed])[0].points for seed in (1, 2)]


def test_runs_of_other_options_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_all([series(tmp_path)])
    monkeypatch.setattr(runs, "train", never)  # nor is the series before it started
    other = replace(TINY, batch=32)
    path = tmp_path / "runs.json"
    message = f"{path} was run with other options (batch 16, now 32): remove it or choose another folder"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        run_all([Series(other, 1, tmp_path / "new.json"), series(tmp_path, 2, other)])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "must be runs of amper train, not list: remove it to do it again"),
        (
            '{"options": {}, "runs": [{"seed": 1}]}',
            "must be runs of amper train, and is not (KeyError('points')): remove it to run them again",
        ),
        (
            '{"options": {}, "runs": []}',
            "must be runs of amper train, and is not (IndexError('list index out of range')): remove it to run them "
            "again",
        ),
    ],
)
def test_a_damaged_run_is_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "runs.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path} {why}')}$"):
        run_all([series(tmp_path)])
    assert path.read_text() == text


def test_killed_in_the_middle(tmp_path: Path) -> None:
    """After SIGKILL the runs that had ended are kept, and the same command makes what it would have made."""
    words = ["train", *TINY_WORDS, "--seeds", "500", "--quiet", "-o", str(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-m", "amper_cli.main", *words], env=os.environ | {"PYTHONPATH": ":".join(sys.path)}
    )
    path = tmp_path / "runs.json"
    deadline = time.monotonic() + 120
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    first = runs.load(path)
    assert [run.seed for run in first] == list(range(1, len(first) + 1))
    assert len(first) in range(10, 500, 10)
    resumed = run_series(TINY, len(first) + 2, tmp_path, progress=False)
    assert resumed[:-2] == first
    assert [run.points for run in resumed[-2:]] == [
        run.points for run in train(TINY, [run.seed for run in resumed[-2:]])
    ]
    assert [run.points for run in first[:10]] == [run.points for run in train(TINY, range(1, 11))]
