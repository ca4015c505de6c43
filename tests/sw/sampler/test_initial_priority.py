"""What a new row gets, in every mode and core, against all priorities sorted anew each time."""

from __future__ import annotations

import numpy as np
import pytest

from amper import AmperConfig, Device, Sampler
from amper.cores.numpy.code_index import codes_of, values_of

CORES = {
    "per": {"mode": "per", "compiled": True},
    "per-numpy": {"mode": "per", "compiled": False},
    "uniform": {"mode": "uniform", "compiled": True},
    "fr": {"mode": "amper-fr", "compiled": True},
    "fr-dithered-numpy": {"mode": "amper-fr-dithered", "compiled": False},
    "k": {"mode": "amper-k", "weights": "inclusion", "compiled": True},
    "bit-exact": {"mode": "amper-fr", "bit_exact": True, "priority_scale": 16.0},
    "bit-exact-per": {"mode": "per", "bit_exact": True, "priority_scale": 16.0},
}


def of_rank(priorities: np.ndarray, share: float) -> float:
    """The priority that ``share`` of the rows do not exceed, to 16 bits where the rows are kept as codes."""
    held = np.sort(priorities[priorities > 0])
    value = held[int(share * (held.size - 1))]
    return float(values_of(codes_of(np.array([value], np.float32), False))[0])


def expected_of(choice: str | float, priorities: np.ndarray, ever: float) -> float:
    if isinstance(choice, float):
        return choice
    if choice == "max-ever":
        return ever or 1.0
    if not (priorities > 0).any():
        return 1.0
    return float(priorities.max()) if choice == "max" else of_rank(priorities, float(choice.split(":")[1]))


@pytest.mark.parametrize("rows", [1, 15, 300, 5000])
@pytest.mark.parametrize("choice", ["max", "max-ever", "quantile:0.9", "quantile:0", "quantile:1", 0.375])
@pytest.mark.parametrize("core", CORES)
def test_random_operations(core, choice, rows):
    options = CORES[core]
    sampler = Sampler(rows, seed=1, initial_priority=choice, **options)
    rng = np.random.default_rng(rows)
    ever = 0.0
    for _ in range(60):
        priorities = sampler.priorities()
        expected = expected_of(choice, priorities, ever)
        assert sampler.new_priority == expected
        kind = rng.integers(5)
        values = np.exp2(rng.integers(-3, 4, 20) + rng.integers(0, 2, 20) * rng.random(20)).astype(np.float32)
        held = np.flatnonzero(priorities)
        if kind == 0 and held.size:
            sampler.remove(rng.choice(held, min(held.size, 20), replace=False))
        elif kind == 1 and held.size:
            sampler.update(rng.choice(held, 20), values)
            ever = max(ever, float(values.max()))
        elif kind == 2:
            sampler.write(rng.integers(rows, size=20), values)
            ever = max(ever, float(values.max()))
        else:
            added = [sampler.add()] if kind == 3 else sampler.extend(count=int(rng.integers(1, 4)))
            ever = max(ever, expected)
            stored = sampler.priorities()[added]
            assert stored.tolist() == pytest.approx([expected] * len(added), rel=2.0**-8)
            if options["mode"] in ("per", "uniform"):
                assert stored.tolist() == [expected] * len(added)


@pytest.mark.parametrize("core", CORES)
def test_an_outlier_does_not_own_the_replay(core):
    """Once the row that had 1000 has another priority, new rows get what the others have."""
    sampler = Sampler(100, seed=1, **CORES[core])
    sampler.extend(np.full(50, 0.125))
    sampler.update([7], [1000.0])
    assert sampler.add() == 50
    assert sampler.priorities()[50] == pytest.approx(1000.0, rel=2.0**-8)
    sampler.update([7, 50], [0.125, 0.125])
    rows = sampler.extend(count=49)
    assert sampler.priorities()[rows].tolist() == pytest.approx([0.125] * 49, rel=2.0**-8)


@pytest.mark.parametrize("choice", ["max", "max-ever", "quantile:0.5", 0.25])
def test_it_is_part_of_the_state(choice):
    for compiled in (True, False):
        sampler = Sampler(40, seed=1, initial_priority=choice, compiled=compiled)
        sampler.extend(np.linspace(0.5, 4.0, 30))
        sampler.update([29], [0.75])
        again = Sampler(40, seed=1, initial_priority=choice, compiled=not compiled)
        again.restore(sampler.state())
        assert (again.new_priority, again.add()) == (sampler.new_priority, sampler.add())
        with pytest.raises(ValueError, match=r"^state must be of a sampler with initial_priority 7\.0, not "):
            Sampler(40, seed=1, initial_priority=7).restore(sampler.state())


def test_states_of_earlier_revisions_are_taken():
    sampler = Sampler(40, seed=1)
    sampler.extend(np.linspace(0.5, 4.0, 30))
    state = sampler.state()
    del state["options"]["initial_priority"]
    again = Sampler(40, seed=1, initial_priority="quantile:0")
    again.restore(state)
    assert (len(again), again.new_priority) == (30, 0.5)


def test_a_device_has_it_too():
    device = Device(AmperConfig(rows=16, variant="fr", priority_scale=16.0), initial_priority="quantile:0.5")
    device.extend([1.0, 2.0, 8.0])
    assert device.add() == 3
    assert device.priorities()[3] == 2.0
    device.restore(device.state())
    assert device.new_priority == 2.0


@pytest.mark.parametrize(
    ("choice", "error", "message"),
    [
        ("least", ValueError, "max, max-ever, quantile:0 to quantile:1 or a number, not least"),
        ("quantile:1.5", ValueError, "max, max-ever, quantile:0 to quantile:1 or a number, not quantile:1.5"),
        ("quantile:x", ValueError, "max, max-ever, quantile:0 to quantile:1 or a number, not quantile:x"),
        (-1, ValueError, "at least 0, not -1.0"),
        (None, TypeError, "a number, not None"),
        (float("nan"), ValueError, "finite, not nan"),
    ],
)
def test_refused(choice, error, message):
    with pytest.raises(error, match=f"^initial_priority must be {message}$"):
        Sampler(4, initial_priority=choice)
