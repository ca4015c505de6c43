"""What ``bit_exact=True`` stores is the same, bit by bit, whether a write's passes are compiled or not."""

from __future__ import annotations

import numpy as np
import pytest

from amper import AmperConfig
from amper.cores.base import DONE, ERRORS, ILLEGAL, MUST_HOLD, NOT_PLAIN
from amper.cores.exact import ExactCore


def _cores(initial_kind: int, eps: float, alpha: float, rows: int = 50) -> list[ExactCore]:
    config = AmperConfig(rows=rows, priority_width=10, priority_scale=64.0)
    options = {"alpha": alpha, "eps": eps, "initial_kind": initial_kind, "initial": 0.5}
    return [ExactCore(config, compiled=compiled, **options) for compiled in (True, False)]


def _held(core: ExactCore) -> tuple:
    numbers = core.count, core.used, core.maximum, core.initial
    return core.extra().tolist(), core.priorities().tolist(), *numbers


@pytest.mark.parametrize("initial_kind", range(4))
@pytest.mark.parametrize(("eps", "alpha"), [(1e-6, 0.6), (0.0, 1.0), (1e-2, 0.0), (1e-12, 0.37)])
def test_writes_are_the_same_compiled(initial_kind, eps, alpha):
    """Rows more than once, errors from zero and the smallest numbers to the largest, float32 and float64."""
    pytest.importorskip("amper.cores._core")
    cores, random = _cores(initial_kind, eps, alpha), np.random.default_rng(1)
    extremes = np.array([0.0, -0.0, 5e-324, 1e-300, -1e300, 1.0, 7.5 / 64, 8.5 / 64])
    for step in range(60):
        rows = random.integers(0, 50, 40)
        values = np.concatenate([random.normal(size=32) * 10.0 ** random.integers(-3, 3), extremes])[
            random.permutation(40)
        ]
        if step % 3 == 1:
            values = np.abs(values).clip(0, 1e30).astype(np.float32)
        flags = (ERRORS, 0, MUST_HOLD | ERRORS)[step % 3]
        assert len({core.write(rows, values, flags) for core in cores}) == 1
        removed = random.integers(0, 50, 3)
        assert len({core.remove(removed) for core in cores}) == 1
        assert _held(cores[0]) == _held(cores[1])
        if cores[0].count:
            first, second = (core.sample(16, 0.4) for core in cores)
            np.testing.assert_array_equal(first[0], second[0])
            np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.parametrize(
    ("rows", "values", "flags", "status"),
    [
        ([1, 2], [1.0, np.nan], 0, ILLEGAL),
        ([1, 2], [1.0, np.inf], ERRORS, ILLEGAL),
        ([1, 2], [1.0, -1.0], 0, ILLEGAL),
        ([1, 2], [1.0, -1.0], ERRORS, DONE),
        ([1, 4], [1.0, 1.0], 0, ILLEGAL),
        ([-1, 1], [1.0, 1.0], 0, ILLEGAL),
        ([0, 1], [1.0, 1.0], MUST_HOLD, ILLEGAL),
        ([1], [1.0, 1.0], 0, NOT_PLAIN),
        ([], [], MUST_HOLD, DONE),
    ],
)
def test_what_is_refused_is_the_same_compiled(rows, values, flags, status):
    pytest.importorskip("amper.cores._core")
    for core in _cores(0, 1e-6, 0.6, rows=4):
        assert core.write(np.array([0]), np.array([2.0]), 0) == DONE
        before = _held(core)
        assert core.write(np.array(rows, np.int64), np.array(values), flags) == status
        assert (_held(core) == before) is (status != DONE or not rows)


def test_the_passes_of_a_write_keep_to_their_memory():
    """What only a mistake in amper could bring about is refused all the same."""
    core = pytest.importorskip("amper.cores._core").Exact
    rows, values, codes = np.array([0, 3]), np.ones(2), np.ones(2, np.int64)
    held, kept, bounds = np.zeros(4, np.uint32), np.zeros(4, np.float32), np.zeros(2, np.float32)
    with pytest.raises(TypeError, match="coded takes rows, values, flags"):
        core.coded(rows, values, 0, 0.0, 1.0, 1.0, 255.0, kept)
    for bad in (
        (rows, values, codes, held, kept, bounds[:1], 2),
        (rows, values, codes, held, kept, bounds, 0),
        (rows, values, codes[:1], held, kept, bounds, 2),
        (rows + 1, values, codes, held, kept, bounds, 2),
        (rows, values, codes, held, kept[:3], bounds, 2),
        (rows[:0], values[:0], codes[:0], held, kept, bounds, 2),
    ):
        with pytest.raises(TypeError, match="kept takes what coded gave"):
            core.kept(*bad)
    assert core.kept(rows, values, codes, held, kept, bounds, 2) == (2, 4, 1.0)
