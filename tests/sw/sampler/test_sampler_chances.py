"""The sum that draws go by, and the chance of a row."""

from __future__ import annotations

import numpy as np
import pytest

from amper import Sampler

COMPILED = pytest.mark.parametrize("compiled", [True, False])


@COMPILED
@pytest.mark.parametrize("mode", ["per", "uniform"])
def test_total_and_chances(mode, compiled):
    sampler = Sampler(100, mode=mode, compiled=compiled)
    assert sampler.total == 0
    assert sampler.probabilities([3]).tolist() == [0]
    priorities = np.random.default_rng(1).lognormal(0, 3, 60)
    sampler.extend(priorities)
    sampler.remove([7])
    priorities[7] = 0
    wanted = priorities / priorities.sum() if mode == "per" else (priorities > 0) / 59
    assert sampler.total == pytest.approx(priorities.sum() if mode == "per" else 59, rel=1e-6)
    np.testing.assert_allclose(sampler.probabilities(np.arange(60)), wanted, rtol=1e-6)
    assert sampler.probabilities([99, 7]).tolist() == [0, 0]
    drawn = np.bincount(sampler.sample(200_000)[0], minlength=60)
    common = wanted > 1e-4
    expected = 200_000 * wanted[common]
    statistic = ((drawn[common] - expected) ** 2 / expected).sum()
    assert statistic < common.sum() + 5 * np.sqrt(2 * common.sum())  # fails once in a million


@pytest.mark.parametrize("options", [{"mode": "amper-fr"}, {"bit_exact": True}], ids=str)
def test_modes_without_a_sum(options):
    sampler = Sampler(9, **options)
    sampler.add()
    with pytest.raises(ValueError, match=r"^total needs mode per or uniform, not bit-exact, and"):
        sampler.probabilities([0])
    with pytest.raises(ValueError, match=r"^indices must be 0 to 8, not 9$"):
        sampler.probabilities([9])
