"""``amper train``: runs are the same for a seed, kept, and gone on with."""

import argparse
import csv
import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from training import TINY, TINY_WORDS, never, one_thread  # noqa: F401 (one_thread: in force by being here)

from amper.backends.backend import DeviceError
from amper.sampler.options import MODES
from amper_cli import train as command
from amper_cli.commands import add_command
from amper_lab.train import runs
from amper_lab.train.environments import Evaluation, action_count, make_env
from amper_lab.train.loop import Run, _Actor, train
from amper_lab.train.options import TrainOptions


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="amper")
    add_command(parser.add_subparsers(required=True), "train", "", command)
    return parser.parse_args(["train", *words])


def train_one(options: TrainOptions, seed: int, **rest: Any) -> Run:
    (run,) = train(options, [seed], **rest)
    return run


# --- a run --------------------------------------------------------------------------------------


def test_it_draws_by_per_unless_asked() -> None:
    assert TrainOptions().sampler == "per"


@pytest.mark.parametrize("sampler", MODES)
def test_a_seed_decides_everything(sampler: str) -> None:
    """Every mode: the same points again for the same seed, others for another, and as many updates as planned."""
    options = replace(TINY, sampler=sampler)
    first, again, other = (train_one(options, seed) for seed in (1, 1, 2))
    assert first.points == again.points != other.points
    assert [point.step for point in first.points] == [100, 200, 300]
    assert first.points[-1].updates == 126  # every second step from 50 to 300
    assert all(len(point.returns) == 2 for point in first.points)
    assert first.options == options.to_dict()


@pytest.mark.parametrize(("warmup", "update_every"), [(1, 1), (7, 1), (7, 2), (8, 2), (50, 20), (301, 1)])
def test_updates_are_those_planned(warmup: int, update_every: int) -> None:
    options = replace(TINY, warmup=warmup, update_every=update_every)
    planned = sum(step >= warmup and step % update_every == 0 for step in range(1, 301))
    assert train_one(options, 1).points[-1].updates == planned


def test_caller_keeps_its_random_state_and_threads() -> None:
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(99)
            before = torch.get_rng_state()
            run = train_one(TINY, 1)
            assert torch.equal(torch.get_rng_state(), before)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    assert run.points == train_one(TINY, 1).points


@pytest.mark.parametrize("mode", ["per", "amper-fr-dithered"])
def test_backends_draw_the_same(mode: str) -> None:
    """Bit-exact software, the fast device in software and the golden model: the same run, to the last bit of a loss."""

    def logged(options: TrainOptions) -> list[tuple[str, float, int]]:
        seen: list[tuple[str, float, int]] = []
        train(options, [1], logs=[lambda *each: seen.append(each)])
        return seen

    tiny = replace(TINY, sampler=mode)
    exact = logged(replace(tiny, bit_exact=True))
    assert [name for name, _, _ in exact].count("train/loss") == 1
    for backend in ("exact", "golden"):
        assert logged(replace(tiny, backend=backend)) == exact
    assert logged(tiny) != exact


def test_score_is_the_mean_of_the_last_quarter() -> None:
    run = train_one(replace(TINY, evaluations=8, warmup=300), 1)
    last = run.points[-2].returns + run.points[-1].returns
    assert run.score() == pytest.approx(sum(last) / 4)
    assert Run.from_dict(run.to_dict()) == run


# --- acting -------------------------------------------------------------------------------------


class Clock:
    """An environment that does nothing until time is up after three steps."""

    def __init__(self) -> None:
        self.at = 0

    def reset(self, seed: int | None = None) -> tuple[Any, dict[str, Any]]:
        self.at = 0
        return np.zeros(3), {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.at += 1
        return np.full(3, self.at), 1.0, False, self.at == 3, {}


def test_time_that_is_up_ends_an_episode_but_not_the_return_to_come() -> None:
    shown: list[tuple[str, float, int]] = []
    actor = _Actor(Clock(), 1, 2, np.random.default_rng(1), lambda *each: shown.append(each))
    steps = [actor.step(step, best=0, explore=0.5) for step in range(1, 5)]
    assert [step["terminated"] for step in steps] == [0.0] * 4
    assert [step["before"][0] for step in steps] == [0, 1, 2, 0]
    assert [step["after"][0] for step in steps] == [1, 2, 3, 1]
    assert shown == [("train/return", 3.0, 3)]


def test_evaluation_plays_whole_episodes() -> None:
    """CartPole pushed always to one side falls within a dozen steps, each of which pays 1; the second policy lives."""

    def policy(seen: NDArray[np.float32]) -> NDArray[np.int64]:
        assert seen.shape == (2, 5, 4)
        return np.stack([np.ones(5, np.int64), (seen[1, :, 2] + 0.2 * seen[1, :, 3] > 0).astype(np.int64)])

    evaluation = Evaluation("CartPole-v1", 5, 0.0, [np.random.SeedSequence(seed) for seed in (1, 2)])
    first, second = (evaluation.returns(policy) for _ in range(2))
    evaluation.close()
    assert all(7 < value < 12 for value in first[0] + second[0])
    assert all(value > 100 for value in first[1] + second[1])
    assert first[0] != second[0]


def test_discrete_observations_have_a_single_one() -> None:
    """The frozen lake's way along its right edge, which has no holes: 7 steps right, 7 down, and the reward."""
    env = make_env("FrozenLake8x8-NotSlippery")
    seen = [env.reset(seed=1)[0]]
    rewards = []
    for action in [2] * 7 + [1] * 7:
        after, reward, *_ = env.step(action)
        seen.append(after)
        rewards.append(reward)
    assert action_count(env) == 4
    assert [each.tolist() for each in seen] == [
        [float(at == place) for at in range(64)] for place in [*range(8), *range(15, 64, 8)]
    ]
    assert rewards == [0] * 13 + [1]


# --- the command --------------------------------------------------------------------------------


def test_command_line_defaults_are_the_options() -> None:
    given = vars(parse("-o", "x"))
    assert TrainOptions(**{field.name: given[field.name] for field in fields(TrainOptions)}) == TrainOptions()
    assert given["run"] is command.run


def test_command_writes_what_it_shows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*TINY_WORDS, "--sampler", "amper-k", "--seeds", "2", "-o", str(tmp_path)]
    assert command.run(parse(*words)) == 0
    shown = capsys.readouterr()
    kept = runs.load(tmp_path / "runs.json")
    scores = [run.score() for run in kept]
    lines = shown.out.splitlines()
    assert lines[:2] == [
        "environment CartPole-v1, sampler amper-k, 150 rows",
        "runs        2, of 300 steps and 126 updates each",
    ]
    assert lines[3] == f"score       {scores[0]:.1f}, {scores[1]:.1f}"
    assert lines[4].startswith(f"mean        {np.mean(scores):.1f}, 95 % interval ")
    assert lines[5:] == [f"results     {tmp_path}"]
    assert "600/600" in shown.err  # the progress bar
    with (tmp_path / "evaluations.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    returns = [value for run in kept for point in run.points for value in point.returns]
    assert [float(row["return"]) for row in rows] == returns
    assert rows[-1] | {"return": ""} == {
        "env": "CartPole-v1", "rows": "150", "sampler": "amper-k", "seed": "2", "step": "300", "updates": "126",
        "episode": "1", "return": "",
    }  # fmt: skip
    assert ET.parse(tmp_path / "learning.svg").getroot().tag.endswith("svg")
    log = EventAccumulator(str(tmp_path / "tensorboard/seed-2"))
    log.Reload()
    assert {"train/return", "evaluation/return", "train/loss", "sampler/csp_share"} <= set(log.Tags()["scalars"])
    logged = [(event.step, event.value) for event in log.Scalars("evaluation/return")]
    assert logged == [(point.step, pytest.approx(point.mean)) for point in kept[1].points]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--rows", "0"], "rows must be 1 to 268435456, not 0"),
        (["--steps", "0"], "steps must be 1 to 1000000000, not 0"),
        (["--batch", "5000"], "batch must be 1 to 4096, not 5000"),
        (["--lr", "nan"], "lr must be finite, not nan"),
        (["--lr", "2"], "lr must be 1e-09 to 1, not 2.0"),
        (["--discount", "-0.1"], "discount must be 0 to 1, not -0.1"),
        (["--evaluations", "500"], "evaluations must be at most the 300 steps, not 500"),
        (["--seeds", "0"], "seeds must be 1 to 10000, not 0"),
        (["--jobs", "0"], "jobs must be 1 to 1024, not 0"),
        (["--backend", "fpga"], "backend must be one of software, golden, exact, rtl, not 'fpga'"),
        (["--backend", "golden", "--sampler", "uniform"], "backend golden needs a mode that hardware has, not uniform"),
        (
            ["--sampler", "amper-fr", "--backend", "golden", "--csp-share", "0.2"],
            "csp_share needs backend software, not golden, whose scale is fixed",
        ),
        (
            ["--sampler", "amper-fr", "--scale", "0.2", "--csp-share", "0.2"],
            "scale is fixed or adapts to csp_share: set one of them, not 0.2 and 0.2",
        ),
        (
            ["--sampler", "uniform", "--scale", "0.2"],
            "scale is only used by the modes of AMPER, and was set to 0.2 in mode uniform",
        ),
        (["--sampler", "best"], f"sampler must be one of {', '.join(MODES)}, not 'best'"),
        (
            ["--env", "Pendulum-v1"],
            "env must have discrete actions from 0, not 'Pendulum-v1' with Box(-2.0, 2.0, (1,), float32)",
        ),
        (
            ["--env", "Blackjack-v1"],
            "env must have a flat real observation, not 'Blackjack-v1' with "
            "Tuple(Discrete(32), Discrete(11), Discrete(2))",
        ),
    ],
)
def test_bad_options(
    tmp_path: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, exit code 2, and nothing was run."""
    monkeypatch.setattr(runs, "train", never)
    output = tmp_path / "new"
    assert command.run(parse(*TINY_WORDS, *words, "--quiet", "-o", str(output))) == 2
    assert capsys.readouterr() == ("", f"amper train: error: {message}\n")
    assert not list(output.rglob("*.json"))


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"env": 3}, TypeError, "env must be a string, not 3"),
        ({"rows": 2.0}, TypeError, "rows must be an integer, not 2.0"),
        ({"double": 1}, TypeError, "double must be True or False, not 1"),
        ({"alpha": "0.6"}, TypeError, "alpha must be a number, not '0.6'"),
        ({"eps": 0}, ValueError, "eps must be 1e-12 to 1, not 0.0"),
    ],
)
def test_illegal_options(changed: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        TrainOptions(**changed)


def test_unknown_environment() -> None:
    with pytest.raises(ValueError, match=r"^env must be a Gymnasium environment, not 'NoSuch-v0': .*NoSuch"):
        make_env("NoSuch-v0")


@pytest.mark.parametrize("module", ["torch", "gymnasium", "matplotlib", "tqdm", "tensorboard"])
def test_missing_package(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in list(sys.modules):
        if name.startswith("torch.utils.tensorboard") or name == module or name.startswith("tensorboard."):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)  # type: ignore[arg-type]  # what hides a module
    assert command.run(parse(*TINY_WORDS, "-o", str(tmp_path / "new"))) == 2
    shown = capsys.readouterr()
    assert re.fullmatch(
        rf"amper train: error: .*{module}.* is not installed: pip install 'amper\[train\]'\n", shown.err
    )
    assert not (tmp_path / "new").exists()


def test_device_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: Any, **__: Any) -> list[Run]:
        raise DeviceError("the device does not answer")

    monkeypatch.setattr(runs, "train", broken)
    assert command.run(parse(*TINY_WORDS, "--quiet", "-o", str(tmp_path))) == 1
    assert capsys.readouterr() == ("", "amper train: error: the device does not answer\n")
    assert not list(tmp_path.glob("*.json"))


def test_interruption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: Any, **__: Any) -> Run:
        raise KeyboardInterrupt

    monkeypatch.setattr(runs, "run_all", interrupted)
    assert command.run(parse(*TINY_WORDS, "--quiet", "-o", str(tmp_path))) == 130
    message = "\namper train: interrupted; the same command goes on where it stopped\n"
    assert capsys.readouterr() == ("", message)
