"""``bit_exact=True`` draws the very indices of the golden model, which is also what the RTL is compared with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from amper import VARIANTS, AmperConfig, GoldenModel, NoValidRowError, Sampler, quantise
from amper_verif.trace import Draw, Kind, Trace

TRACE = Path(__file__).parents[1] / "verif/traces/cartpole-2000.npz"


def operate(sampler: Sampler, model: GoldenModel, rng: np.random.Generator, mean: float) -> None:
    """One random operation on both, with the same indices drawn."""
    config = model.config
    held = [row for row, priority in enumerate(model.priorities) if priority is not None]
    kind = rng.choice(["add", "update", "remove", "sample"], p=[0.3, 0.3, 0.1, 0.3])
    if kind == "add":
        priority = float(rng.exponential(mean))
        model.write(sampler.add(priority), int(quantise(priority, config)))
    elif not held:
        with pytest.raises(NoValidRowError):
            sampler.sample(1)
    elif kind == "update":
        rows = rng.choice(held, int(rng.integers(1, 10)))
        priorities = rng.exponential(mean, rows.size)
        sampler.update(rows, priorities)
        for row, code in zip(rows, quantise(priorities, config), strict=True):
            model.write(int(row), int(code))
    elif kind == "remove":
        row = int(rng.choice(held))
        sampler.remove([row])
        model.invalidate(row)
    else:
        batch = int(rng.integers(1, config.batch + 1))
        indices, _ = sampler.sample(batch)
        np.testing.assert_array_equal(indices, model.sample(batch))
        assert model.last_batch is not None
        union = set().union(*model.last_batch.match_sets)
        assert sampler.csp_share == len(union) / len(held)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(
    ("rows", "priority_width", "groups", "scale"),
    [(1, 4, 1, 0.5), (7, 8, 3, 0.2), (60, 16, 20, 0.15), (60, 17, 5, 0.0), (50, 32, 20, 3.0), (40, 24, 256, 15.0)],
)
def test_random_operations(variant, rows, priority_width, groups, scale):
    config = AmperConfig(
        rows=rows,
        priority_width=priority_width,
        groups=groups,
        batch=32,
        variant=variant,
        radius_scale=scale,
        neighbour_scale=scale,
        seed=rows,
    )
    sampler, model = Sampler.from_config(config), GoldenModel(config)
    rng = np.random.default_rng(rows + groups)
    for _ in range(300):
        operate(sampler, model, rng, mean=0.2 * config.priority_max / config.priority_scale)
    np.testing.assert_array_equal(sampler.priorities() > 0, [priority is not None for priority in model.priorities])


@pytest.mark.parametrize("variant", VARIANTS)
def test_recorded_trace(variant):
    """All of the CartPole run: every write, every draw."""
    trace = Trace.load(TRACE)
    config = AmperConfig(rows=trace.rows, batch=trace.batch, variant=variant, seed=3)
    sampler, model = Sampler.from_config(config), GoldenModel(config)
    draws = 0
    for operation in trace.operations():
        if isinstance(operation, Draw):
            draws += 1
            np.testing.assert_array_equal(sampler.sample(trace.batch)[0], model.sample(trace.batch))
        else:
            sampler.write([operation.row], [operation.priority])
            model.write(operation.row, int(quantise(operation.priority, config)))
    assert draws == trace.counts[Kind.DRAW] > 400


def test_priorities_are_quantised_as_given():
    """A float64 priority keeps its precision on the way to a code of 32 bits."""
    config = AmperConfig(rows=2, priority_width=32, variant="fr", seed=1)
    sampler = Sampler.from_config(config)
    sampler.extend([65535.123456, 1.0])
    assert sampler.state()["extra"].tolist() == quantise([65535.123456, 1.0], config).tolist()


def test_a_priority_of_zero_is_one():
    """Its code is 1, and its row is not an empty one."""
    sampler = Sampler(4, mode="amper-fr", bit_exact=True)
    sampler.write([2], [0.0])
    sampler.update([2], [0.0])
    assert sampler.sample(3)[0].tolist() == [2, 2, 2]
    assert np.flatnonzero(sampler.priorities()).tolist() == [2]
    with pytest.raises(ValueError, match=r"row 1 holds none$"):
        sampler.update([2, 1], [1.0, 1.0])


def test_same_indices_after_restoring():
    config = AmperConfig(rows=30, variant="k", seed=9)
    first, second = Sampler.from_config(config), Sampler.from_config(config)
    first.extend(np.random.default_rng(1).random(25))
    first.remove([3])
    first.sample(10)
    second.restore(first.state())
    for _ in range(5):
        np.testing.assert_array_equal(first.sample(20)[0], second.sample(20)[0])
        assert first.add() == second.add()
