"""Blind Cliffwalk: the memory of Schaul et al. 2016, learning from it, and results kept as they come."""

import json
import re
from pathlib import Path
from statistics import median

import pytest

from amper_lab.train import cliffwalk
from amper_lab.train.cliffwalk import AMPER_MODES, Cell, Setting, load, measure, memory, plan, updates_needed

PLAN = [(3, Setting("per")), (3, Setting("amper-k", scale=0.5)), (4, Setting("per"))]


def test_memory_holds_what_all_sequences_meet():
    """2^(n + 1) - 2 transitions; state k is reached by every second sequence that reached the one before."""
    state, action = memory(3)
    assert len(state) == 14
    pairs = list(zip(state, action, strict=True))
    assert {pair: pairs.count(pair) for pair in pairs} == {
        (0, 0): 4,
        (0, 1): 4,
        (1, 0): 2,
        (1, 1): 2,
        (2, 0): 1,
        (2, 1): 1,
    }
    assert sum(pair == (9, 1) for pair in zip(*memory(10), strict=True)) == 1


@pytest.mark.parametrize("mode", ["per", *AMPER_MODES])
def test_priorities_learn_faster_than_uniform_draws(mode):
    """126 transitions, median of 15 seeds: of PER and every mode of AMPER, below a half of uniform draws'."""
    scale = 0.5 if mode in AMPER_MODES else None
    uniform = [updates_needed(6, Setting("uniform"), seed) for seed in range(1, 16)]
    needed = [updates_needed(6, Setting(mode, scale=scale), seed) for seed in range(1, 16)]
    assert median(needed) < median(uniform) / 2


def test_a_seed_decides_everything():
    setting = Setting("amper-fr-dithered")
    counts = [updates_needed(5, setting, seed) for seed in (1, 2, 3, 1, 2, 3)]
    assert counts[:3] == counts[3:]
    assert len(set(counts)) > 1


def test_what_is_not_learnt_within_the_limit_is_none(monkeypatch):
    monkeypatch.setattr(cliffwalk, "LIMIT", 1)
    assert updates_needed(6, Setting("uniform"), 1) is None


@pytest.mark.parametrize("states", [0, 17])
def test_states_out_of_range(states):
    with pytest.raises(ValueError, match=f"^states must be 1 to 16, not {states}$"):
        updates_needed(states, Setting("per"), 1)


def test_the_plan_has_every_setting_at_every_size():
    cells = plan((8, 10))
    assert len(cells) == len(set(cells)) == 2 * len(cliffwalk.SETTINGS)
    assert {setting.mode for _, setting in cells} == {"uniform", "per", *AMPER_MODES}


def test_results_are_kept_and_not_measured_again(tmp_path: Path, monkeypatch):
    path = tmp_path / "new" / "cliffwalk.json"
    ticks = []
    cells = measure(path, seeds=3, cells=PLAN, tick=lambda: ticks.append(1))
    assert [(cell.states, cell.setting) for cell in cells] == PLAN
    assert [len(cell.updates) for cell in cells] == [3, 3, 3]
    assert [cell.transitions for cell in cells] == [14, 14, 30]
    assert len(ticks) == 9
    assert load(path) == cells
    monkeypatch.setattr(cliffwalk, "updates_needed", None)  # would fail if it were called
    assert measure(path, seeds=3, cells=PLAN) == cells


def test_an_interrupted_measurement_goes_on(tmp_path: Path, monkeypatch):
    """The cells that were ready are in the file, the others are measured, and the end is the same."""
    path, whole = tmp_path / "cliffwalk.json", measure(tmp_path / "whole.json", seeds=2, cells=PLAN)
    first: list[Setting] = []

    def interrupted(states: int, setting: Setting, seed: int) -> int | None:
        first.append(setting)
        if setting.mode == "amper-k":
            raise KeyboardInterrupt
        return updates_needed(states, setting, seed)

    with monkeypatch.context() as patch:
        patch.setattr(cliffwalk, "updates_needed", interrupted)
        with pytest.raises(KeyboardInterrupt):
            measure(path, seeds=2, cells=PLAN)
    assert load(path) == whole[:1]
    assert measure(path, seeds=2, cells=PLAN) == whole


def test_results_of_other_options_are_refused(tmp_path: Path):
    path = tmp_path / "cliffwalk.json"
    measure(path, seeds=2, cells=PLAN[:1])
    before = path.read_bytes()
    message = f"{path} was measured with other options (seeds 2, now 3): remove it or choose another folder"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        measure(path, seeds=3, cells=PLAN[:1])
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"options": {}}', "must be the results of amper reproduce cliffwalk, and lacks 'cells'"),
        ("[1]", "must be the results of amper reproduce cliffwalk, not list: remove it to do it again"),
        (
            '{"opt',
            "must be the results of amper reproduce cliffwalk, and is not even JSON (Unterminated string starting at: "
            "line 1 column 2 (char 1)): remove it to do it again",
        ),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, text: str, why: str):
    path = tmp_path / "cliffwalk.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"^{re.escape(f'{path} {why}')}$"):
        measure(path, seeds=2, cells=PLAN)
    assert path.read_text() == text


def test_the_file_is_plain_json(tmp_path: Path):
    path = tmp_path / "cliffwalk.json"
    cells = measure(path, seeds=2, cells=PLAN[1:2])
    values = json.loads(path.read_text())
    assert values["cells"] == [
        {
            "states": 3,
            "mode": "amper-k",
            "scale": 0.5,
            "csp_share": None,
            "bit_exact": False,
            "updates": cells[0].updates,
        }
    ]
    assert Cell.from_dict(values["cells"][0]) == cells[0]
    assert list(tmp_path.iterdir()) == [path]
