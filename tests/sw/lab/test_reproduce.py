"""``amper reproduce``: which runs there are, what the tables say of them, and the published page."""

import argparse
import math
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, bootstrap, mannwhitneyu, trim_mean

from amper.sampler.options import MODES
from amper_cli import reproduce as command
from amper_cli.commands import add_command
from amper_lab.train import cliffwalk, control, report, runs
from amper_lab.train.cliffwalk import Cell, Setting
from amper_lab.train.files import read_json, write_json
from amper_lab.train.loop import Point, Run
from amper_lab.train.options import TrainOptions
from amper_lab.train.runs import Series, save
from amper_lab.train.statistics import (
    Interval,
    difference_of_means,
    interquartile_mean,
    mean_interval,
    median_interval,
    performance_profile,
    probability_of_improvement,
)

ROOT = Path(__file__).parents[3]
TINY = TrainOptions(rows=150, steps=120, batch=16, hidden=16, warmup=50, update_every=1, evaluations=3, episodes=2)


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="amper")
    add_command(parser.add_subparsers(required=True), "reproduce", "", command)
    return parser.parse_args(["reproduce", *words])


def keep(folder: Path, env: str, sampler: str, scores: dict[int, list[float]]) -> None:
    """Made-up runs, in their file: by seed the returns of the last evaluation, the first of four count for nothing."""
    options = replace(control.SETTINGS[env], **control.SAMPLERS[sampler])
    first = [Point(step, step // 2, [-1e3]) for step in (100, 200, 300)]
    kept = [
        Run(options.to_dict(), seed, [*first, Point(400, 200, returns)], 30.0, {"python": "3"})
        for seed, returns in scores.items()
    ]
    save(folder / "runs" / f"{env}-{options.rows}-{sampler}.json", kept)


# --- intervals ----------------------------------------------------------------------------------


def test_mean_interval() -> None:
    """Of 1 to 5: deviation sqrt(2.5), t of four degrees of freedom 2.7764."""
    interval = mean_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    half = 2.776445 * math.sqrt(2.5 / 5)
    assert (interval.value, interval.low, interval.high) == pytest.approx((3.0, 3 - half, 3 + half))
    assert mean_interval([7.0]) == Interval(7.0, -math.inf, math.inf)


@pytest.mark.parametrize("count", [4, 5, 8, 30])
def test_interquartile_mean(count: int) -> None:
    """The value and the interval are SciPy's."""
    values = np.random.default_rng(count).normal(100, 20, count)
    interval = interquartile_mean([values.tolist()])
    assert interval.value == pytest.approx(trim_mean(values, 0.25))
    scipys = bootstrap(
        (values,), trim_mean_of(0.25), method="percentile", n_resamples=20_000, rng=np.random.default_rng(2)
    ).confidence_interval
    width = scipys.high - scipys.low
    assert interval.low == pytest.approx(scipys.low, abs=0.05 * width)
    assert interval.high == pytest.approx(scipys.high, abs=0.05 * width)


def trim_mean_of(cut: float):
    return lambda values, axis=-1: trim_mean(values, cut, axis=axis)


def test_comparisons_of_two_groups() -> None:
    one, two = [4.0, 5.0, 6.0, 7.0], [1.0, 2.0, 3.0, 4.0]
    better = probability_of_improvement([one], [two])
    assert better.value == pytest.approx(1 - 0.5 / 16)  # the Mann-Whitney statistic over the pairs
    assert better.value == pytest.approx(mannwhitneyu(one, two).statistic / 16)
    assert 0.8 < better.low <= better.high == 1
    less = difference_of_means([one], [two])
    assert less.value == pytest.approx(3)
    assert 1 <= less.low < 3 < less.high <= 5
    same = probability_of_improvement([two], [two])
    assert same.value == 0.5
    assert same.low < 0.5 < same.high
    assert interquartile_mean([[1.0, 2.0, 3.0]]) == Interval(2.0, -math.inf, math.inf)


def test_tasks_are_resampled_by_themselves() -> None:
    """Two tasks that differ by far: drawn as one, the middle would reach from one into the other."""
    random = np.random.default_rng(3)
    tasks = [random.normal(0, 1, 20), random.normal(100, 1, 20)]
    interval = interquartile_mean([task.tolist() for task in tasks])
    assert interval.value == pytest.approx(trim_mean(np.concatenate(tasks), 0.25))
    assert interval.high - interval.low < 2  # of one group of 40 it is above 40
    one, two = [tasks[0].tolist(), tasks[1].tolist()], [[0.0] * 20, [200.0] * 20]
    better = probability_of_improvement(one, two)
    assert better.value == pytest.approx(np.mean([np.mean(tasks[0] > 0), 0.0]))
    assert 0 < better.low < better.value < better.high < 0.5


def test_performance_profile() -> None:
    values = [float(value) for value in range(10)]
    profile = performance_profile([values], [-1.0, 4.5, 9.0])
    assert [each.value for each in profile] == [1.0, 0.5, 0.0]
    assert (profile[0].low, profile[0].high, profile[2].high) == (1.0, 1.0, 0.0)
    assert (profile[1].low, profile[1].high) == tuple(binom.ppf([0.025, 0.975], 10, 0.5) / 10)


def test_claims_are_made_from_thirty_seeds_on(tmp_path: Path) -> None:
    """Margin 50: within it, outside, and neither."""
    scores = {"per": 300.0, "exact": 310.0, "amper-fr": 200.0, "amper-k": 340.0}
    random = np.random.default_rng(4)
    for sampler, score in scores.items():
        keep(tmp_path, "CartPole-v1", sampler, {seed: [score + random.normal(0, 20)] for seed in range(1, 31)})
    told = report.claims(report.control_runs(tmp_path))
    parts = [r"- CartPole-v1, margin 50: like PER: exact \[.*\]", r"not like PER: amper-fr \[-.*\]"]
    parts.append(r"not decided: amper-k \[.*\]\.")
    assert re.fullmatch("; ".join(parts), " ".join(told.split()))
    made = report.pictures(tmp_path, tmp_path / "pictures")
    assert [path.name for path in made] == ["learning-CartPole-v1-2000.svg", "profiles-CartPole-v1-2000.svg"]
    assert ET.parse(made[1]).getroot().tag.endswith("svg")
    assert report.curves(tmp_path).count("../pictures/") == 2


def test_tasks_of_thirty_seeds_are_taken_together(tmp_path: Path) -> None:
    """Each scaled to its range, beside PER over the same tasks; a task of fewer seeds is left out."""
    for env, score in (("CartPole-v1", 300.0), ("FrozenLake8x8-NotSlippery", 0.4)):
        keep(tmp_path, env, "per", {seed: [score] for seed in range(1, 31)})
        keep(tmp_path, env, "exact", {seed: [score / 2] for seed in range(1, 31)})
    keep(tmp_path, "CartPole-v1", "amper-k", {seed: [0.0] for seed in range(1, 31)})
    keep(tmp_path, "Acrobot-v1", "per", {1: [0.0]})
    lines = report.tables(tmp_path)["control"].splitlines()
    assert lines[-2] == "| 2 tasks, 0 to 1 |  | per | 60 | 0.50 | [0.50, 0.50] |  |  | 0.40, 0.60 |"
    compared = "0.25 | [0.25, 0.25] | -0.25 [-0.25, -0.25] | 0.00 [0.00, 0.00] | 0.20, 0.30 |"
    assert lines[-1] == f"| 2 tasks, 0 to 1 |  | exact | 60 | {compared}"
    assert "| FrozenLake8x8-NotSlippery | 12,000 | exact | 30 | 0.200 | [0.200, 0.200] |" in lines[-3]
    for sampler, score in (("per", 200.0), ("amper-k", 0.0)):
        keep(tmp_path, "LunarLander-v3", sampler, {seed: [score] for seed in range(1, 31)})
    lines = report.tables(tmp_path)["control"].splitlines()
    assert lines[-3].startswith("| 3 tasks, 0 to 1 |  | per | 90 |")
    assert lines[-2] == f"| 2 tasks, 0 to 1 |  | exact | 60 | {compared}"
    assert lines[-1].startswith("| 2 tasks, 0 to 1 |  | amper-k | 60 | 0.25 | [0.25, 0.25] | -0.55 [-0.55, -0.55] |")


@pytest.mark.parametrize("count", [6, 10, 11, 50])
def test_median_interval_is_the_narrowest_of_its_level(count: int) -> None:
    values = np.random.default_rng(count).permutation(count).astype(float).tolist()
    interval = median_interval(values)
    k = int(interval.low)
    assert interval.high == count - 1 - k
    assert 2 * binom.cdf(k, count, 0.5) <= 0.05 < 2 * binom.cdf(k + 1, count, 0.5)
    assert interval.value == (count - 1) / 2


def test_median_interval_of_few_or_infinite_values() -> None:
    assert median_interval([3.0, 1.0, 2.0]) == Interval(2.0, -math.inf, math.inf)
    assert median_interval([math.inf] * 4 + [1.0] * 2).value == math.inf
    assert median_interval([1.0, 2.0, 4.0, 5.0, 6.0, math.inf]) == Interval(4.5, 1.0, math.inf)


# --- runs ---------------------------------------------------------------------------------------


def test_plan_is_the_table(tmp_path: Path) -> None:
    plan = control.plan(tmp_path, seeds=3)
    assert len({series.path for series in plan}) == len(plan) == 4 * 7
    assert {series.seeds for series in plan} == {3}
    assert {series.options.sampler for series in plan} == set(MODES)
    assert control.SETTINGS.keys() == control.RANGES.keys() == {series.options.env for series in plan}
    for env in control.SETTINGS:  # in an environment nothing but the sampler differs
        chosen = [series.options for series in plan if series.options.env == env]
        (options,) = {replace(each, sampler="per", bit_exact=False) for each in chosen}
        assert options == replace(control.SETTINGS[env], sampler="per")


def test_plan_of_another_replay_size(tmp_path: Path) -> None:
    (series,) = control.plan(tmp_path, envs=("Acrobot-v1",), samplers=("per",), seeds=1, rows=5000)
    assert series == Series(
        replace(control.SETTINGS["Acrobot-v1"], sampler="per", rows=5000),
        1,
        tmp_path / "runs/Acrobot-v1-5000-per.json",
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["control", "--envs", "Pong"], f"env must be one of {', '.join(control.SETTINGS)}, not 'Pong'"),
        (["control", "--samplers", "best"], f"sampler must be one of {', '.join(control.SAMPLERS)}, not 'best'"),
        (["control", "--rows", "0"], "rows must be 1 to 268435456, not 0"),
        (["control", "--seeds", "0"], "seeds must be 1 to 10000, not 0"),
        (["control", "--envs", "CartPole-v1", "--jobs", "0"], "jobs must be 1 to 1024, not 0"),
        (["cliffwalk", "--seeds", "0"], "seeds must be 1 to 10000, not 0"),
    ],
)
def test_bad_options(tmp_path: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(parse(*words, "--quiet", "-o", str(tmp_path))) == 2
    assert capsys.readouterr() == ("", f"amper reproduce: error: {message}\n")
    assert list(tmp_path.iterdir()) == []


def test_a_report_needs_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.run(parse("report", "-o", str(tmp_path))) == 2
    message = f"amper reproduce: error: output must hold results for a report, and {tmp_path} holds none\n"
    assert capsys.readouterr() == ("", message)


def test_everything_at_a_tiny_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both experiments run, the tables are printed, and a second time nothing is run."""
    monkeypatch.setattr(control, "SETTINGS", {"CartPole-v1": TINY})
    monkeypatch.setattr(report, "SETTINGS", {"CartPole-v1": TINY})
    monkeypatch.setattr(cliffwalk, "STATES", (3,))
    settings = (Setting("uniform"), Setting("per"), Setting("amper-k", scale=0.5))
    monkeypatch.setattr(cliffwalk, "plan", lambda: [(3, setting) for setting in settings])
    words = ["-o", str(tmp_path / "new"), "--seeds", "2", "--samplers", "per,amper-k", "--pictures", str(tmp_path)]
    assert command.run(parse(*words, "--envs", "CartPole-v1")) == 0
    first = capsys.readouterr()
    assert "6/6" in first.err  # walks
    assert "480/480" in first.err  # steps
    assert re.search(r"^\| amper-k \| 0.5 \| [\d,]+ \[-, -\], [\d.]+x \|$", first.out, re.MULTILINE)
    assert re.search(r"^\| CartPole-v1 \| 150 \| amper-k \| 2 \| [\d.]+ \|", first.out, re.MULTILINE)
    for name in ("cliffwalk.svg", "learning-CartPole-v1-150.svg"):
        assert ET.parse(tmp_path / name).getroot().tag.endswith("svg")
    monkeypatch.setattr(runs, "train", None)
    monkeypatch.setattr(cliffwalk, "updates_needed", None)
    assert command.run(parse(*words, "--quiet", "--envs", "CartPole-v1")) == 0
    assert capsys.readouterr() == (first.out, "")


# --- tables -------------------------------------------------------------------------------------


def test_control_table(tmp_path: Path) -> None:
    """Rows in the order of the plan; the score is the last quarter's, and is set against PER's."""
    keep(tmp_path, "Acrobot-v1", "amper-k", {1: [90.0, 110.0], 2: [290.0, 310.0]})
    keep(tmp_path, "Acrobot-v1", "per", {1: [-80.0], 2: [200.0]})
    keep(tmp_path, "Acrobot-v1", "exact", {1: [10.0]})
    keep(tmp_path, "CartPole-v1", "amper-k", {3: [500.0]})
    made = report.tables(tmp_path)
    assert made["control"].splitlines()[2:] == [
        "| CartPole-v1 | 2,000 | amper-k | 1 | 500.0 | [-, -] |  |  | 500.0, 500.0 |",
        "| Acrobot-v1 | 10,000 | per | 2 | 60.0 | [-, -] |  |  | -80.0, 200.0 |",
        "| Acrobot-v1 | 10,000 | exact | 1 | 10.0 | [-, -] | -50.0 [-, -] | 0.50 [-, -] | 10.0, 10.0 |",
        "| Acrobot-v1 | 10,000 | amper-k | 2 | 200.0 | [-, -] | 140.0 [-, -] | 0.75 [-, -] | 100.0, 300.0 |",
    ]
    assert made["claims"].splitlines() == [
        "- CartPole-v1, margin 50: nothing is claimed of fewer than 30 seeds: amper-k 0.",
        "- Acrobot-v1, margin 50: nothing is claimed of fewer than 30 seeds: exact 1, amper-k 2.",
    ]
    settings = made["settings"].splitlines()
    assert settings[0] == "|  | CartPole-v1 | Acrobot-v1 |"
    assert "| updates | 200 | 200 |" in settings
    assert settings[-1] == "| processor seconds a run, mean | 30 | 30 |"
    assert report.curves(tmp_path) == (
        "![Learning curves on CartPole-v1](../pictures/learning-CartPole-v1-2000.svg)\n\n"
        "![Learning curves on Acrobot-v1](../pictures/learning-Acrobot-v1-10000.svg)"
    )


def test_cliffwalk_table() -> None:
    cells = [
        Cell(3, Setting("uniform"), [1000, 2000, None]),
        Cell(3, Setting("per"), [400] * 6),
        Cell(3, Setting("per", bit_exact=True), [300] * 6),
        Cell(3, Setting("amper-fr", scale=0.5), [500] * 6),
        Cell(3, Setting("amper-fr-prefix"), [None, None, 100]),
        Cell(3, Setting("amper-k", csp_share=0.05), [350, 450, 400, 450, 350, 500]),
        Cell(4, Setting("per"), [600] * 6),
    ]
    assert report.cliffwalk_table(cells).splitlines() == [
        "| sampler | scale | 14 transitions | 30 transitions |",
        "|---|---|---|---|",
        "| uniform |  | 2,000 [-, -], 5.00x |  |",
        "| per |  | 400 [400, 400] | 600 [600, 600] |",
        "| exact |  | 300 [300, 300], 0.75x |  |",
        "| amper-fr | 0.5 | 500 [500, 500], 1.25x |  |",
        "| amper-fr-prefix | adapts to 0.15 | never: 2 of 3 seeds above 700 |  |",
        "| amper-k | adapts to 0.05 | 425 [350, 500], 1.06x |  |",
    ]


def test_tables_are_put_between_their_marks() -> None:
    page = "a\n<!-- control -->\nold\n<!-- end of control -->\nb\n<!-- settings -->\n<!-- end of settings -->\n"
    once = report.put_into_page(page, {"control": "| new |"})
    assert once == page.replace("old", "| new |")
    assert report.put_into_page(once, {"control": "| new |"}) == once
    message = "the page must have <!-- cliffwalk --> and <!-- end of cliffwalk --> once each"
    with pytest.raises(ValueError, match=f"^{message}$"):
        report.put_into_page(page, {"cliffwalk": ""})


def test_files_appear_at_once(tmp_path: Path) -> None:
    """What a write that was cut short leaves aside changes nothing, and does not stop the next."""
    path = tmp_path / "a" / "b.json"
    write_json(path, {"x": [{"y": 1}], "z": 2})
    (tmp_path / "a" / "b.json.part").write_text('{"x"')
    assert read_json(path, "a test") == {"x": [{"y": 1}], "z": 2}
    write_json(path, {"x": 3})
    assert read_json(path, "a test") == {"x": 3}
    assert list((tmp_path / "a").iterdir()) == [path]


# --- what is published --------------------------------------------------------------------------


def test_the_page_shows_the_published_results() -> None:
    page = (ROOT / "docs/measurements/reproduce.md").read_text(encoding="utf-8")
    results = ROOT / "docs/measurements/results/reproduce"
    made = report.tables(results)
    assert "cliffwalk" in made
    assert report.put_into_page(page, {**made, "curves": report.curves(results)}) == page


def test_published_cliffwalk_meets_its_bound() -> None:
    """Exact and every mode of AMPER, at all three sizes, over at least 10 seeds: at most 1.25 times PER's median."""
    cells = cliffwalk.load(ROOT / "docs/measurements/results/reproduce/cliffwalk.json")
    kept = [cell for cell in cells if cell.setting in cliffwalk.SHOWN]
    shown = {(cell.setting.sampler, cell.transitions): cell.updates for cell in kept}
    assert len(shown) == 7 * 3
    medians = {key: np.median([math.inf if each is None else each for each in kept]) for key, kept in shown.items()}
    assert min(map(len, shown.values())) >= 10
    for (sampler, size), median in medians.items():
        if sampler != "uniform":
            assert median <= 1.25 * medians["per", size], (sampler, size)
