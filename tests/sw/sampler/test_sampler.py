"""What ``Sampler`` promises: rows, priorities, the adapting scale, memory, several threads, saving."""

from __future__ import annotations

import copy
import pickle
import threading
import warnings

import numpy as np
import pytest

from amper import LinearSchedule, Sampler
from amper.sampler import choice as sampler_core
from amper.sampler.options import MODES

AMPER_MODES = [mode for mode in MODES if mode.startswith("amper")]
CORES = pytest.mark.parametrize("core", [{"compiled": True}, {"compiled": False}, {"bit_exact": True}], ids=str)


def made(rows: int, core: dict, mode: str = "amper-fr", **options) -> Sampler:
    return Sampler(rows, mode=mode, **core, **options)


@CORES
def test_rows_are_taken_in_turn(core):
    sampler = made(5, core)
    assert [sampler.add() for _ in range(3)] == [0, 1, 2]
    assert sampler.extend([1.0, 2.0, 3.0, 4.0]).tolist() == [3, 4, 0, 1]
    assert sampler.extend(count=2).tolist() == [2, 3]
    assert sampler.add(0.5) == 4
    assert len(sampler) == 5


@CORES
def test_more_priorities_than_rows(core):
    """The last of a row counts."""
    sampler = made(3, core)
    assert sampler.extend([1.0, 2.0, 4.0, 8.0, 16.0]).tolist() == [0, 1, 2, 0, 1]
    assert sampler.priorities().tolist() == [8.0, 16.0, 4.0]
    assert sampler.add(1.0) == 2


@CORES
def test_a_new_row_can_get_the_largest_priority_ever(core):
    """Also after the row that had it got another."""
    sampler = made(8, core, initial_priority="max-ever")
    sampler.add()
    assert sampler.priorities()[0] == 1.0
    sampler.update([0], [0.25])
    sampler.add()
    sampler.update([0, 1], [8.0, 2.0])
    sampler.update([0], [1.0])
    sampler.add()
    sampler.write([5])
    assert sampler.priorities().tolist() == [1.0, 2.0, 8.0, 0.0, 0.0, 8.0, 0.0, 0.0]
    assert sampler.max_priority == 8.0


@CORES
def test_the_last_of_a_row_in_an_update_counts(core):
    sampler = made(4, core)
    sampler.extend(count=4)
    sampler.update([2, 1, 2, 1, 2], [8.0, 4.0, 2.0, 0.5, 4.0])
    assert sampler.priorities().tolist() == [1.0, 0.5, 4.0, 1.0]


@pytest.mark.parametrize("mode", MODES)
def test_a_removed_row_is_not_drawn(mode):
    sampler = Sampler(100, mode=mode)
    sampler.extend(count=100)
    sampler.remove([3, 99, 3])
    sampler.remove(np.arange(50, 90))
    left = sorted({*range(100)} - {3, 99} - {*range(50, 90)})
    assert len(sampler) == len(left) == 58
    assert set(np.concatenate([sampler.sample(1000)[0] for _ in range(50)]).tolist()) == set(left)
    sampler.write([3], [1.0])
    assert 3 in np.concatenate([sampler.sample(1000)[0] for _ in range(50)])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("priority", [0.0, 1e-300, 1e-30, 1.0, 1e30, 1e300])
def test_a_single_row_is_drawn(mode, priority):
    sampler = Sampler(10, mode=mode)
    sampler.write([7], [priority])
    indices, weights = sampler.sample(5)
    assert indices.tolist() == [7] * 5
    assert weights.tolist() == [1.0] * 5


@pytest.mark.parametrize("mode", MODES)
def test_stored_priorities(mode):
    """PER keeps 24 bits, AMPER 9 (8 around a power of two with aligned blocks); all from 2^-126 to 2^127."""
    given = np.append(10.0 ** np.random.default_rng(1).uniform(-37, 38, 1000), [0.0, 1e-50, 1e50])
    sampler = Sampler(given.size, mode=mode)
    sampler.extend(given)
    cut = np.clip(given, 2.0**-126, 2.0**127)
    error = np.abs(sampler.priorities() - cut) / cut
    assert error.max() <= 2.0 ** {"amper-fr": -9, "amper-k": -9}.get(mode, -24 if mode in ("per", "uniform") else -8)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("shift", [150, -150])
def test_a_state_with_a_strange_shift(compiled, shift):
    """The shift of the sums is chosen anew, and draws go by the priorities."""
    sampler = Sampler(100, compiled=compiled)
    sampler.extend([1.0, 3.0])
    sampler.restore(sampler.state() | {"shift": shift})
    if shift < 0:
        sampler.update([0, 1], [1.0, 3.0])
        sampler.update([0, 1], [2.0, 6.0])
    assert np.mean(sampler.sample(20_000)[0]) == pytest.approx(0.75, abs=0.02)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("mode", MODES)
def test_rows_at_a_power_of_two_are_drawn(mode, compiled):
    """Regression: with aligned blocks, rows at Vmax = 1, what new rows have, were never drawn beside smaller ones."""
    sampler = Sampler(1000, mode=mode, seed=1, compiled=compiled)
    sampler.extend(count=500)
    sampler.extend(np.random.default_rng(1).uniform(0.01, 0.9, 500))
    drawn = np.concatenate([sampler.sample(64)[0] for _ in range(200)])
    # The fr variants draw 0.12 of these, since they reach them from one side only; the others more than half.
    assert np.mean(drawn < 500) > 0.1


def test_errors_are_exponentiated():
    sampler = Sampler(3, alpha=0.7, eps=0.01)
    sampler.extend(count=3)
    sampler.update_errors([0, 1, 2], [-2.0, 0.0, 3.5])
    np.testing.assert_allclose(sampler.priorities(), (np.array([2.0, 0.0, 3.5]) + 0.01) ** 0.7, rtol=1e-7)


@pytest.mark.parametrize("variant", ["fr-dithered", "fr-prefix", "fr", "k"])
@pytest.mark.parametrize("distribution", ["random", "exponential", "pareto", "lognormal"])
@pytest.mark.parametrize("share", [0.05, 0.15])
def test_the_scale_adapts(variant, distribution, share):
    """The mean of |CSP|/n ends within a tenth of the target."""
    rng = np.random.default_rng(3)
    values = {"pareto": lambda: rng.pareto(1.5, 5000), "lognormal": lambda: rng.lognormal(0, 1, 5000)}.get(
        distribution, lambda: getattr(rng, distribution)(size=5000)
    )()
    sampler = Sampler(5000, mode=f"amper-{variant}", csp_share=share, seed=5)
    sampler.extend(values)
    shares = []
    for _ in range(3000):
        sampler.sample(1)
        shares.append(sampler.csp_share)
    assert np.mean(shares[1000:]) == pytest.approx(share, rel=0.1)


def test_a_fixed_scale_stays():
    sampler = Sampler(100, mode="amper-fr", scale=0.7)
    sampler.extend(np.random.default_rng(1).random(100))
    for _ in range(50):
        sampler.sample(4)
    assert sampler.scale == 0.7


@pytest.mark.parametrize("mode", AMPER_MODES)
def test_the_scale_stays_in_its_range(mode):
    """However little it helps: beside one giant no radius gives a share of 0.15 for long."""
    sampler = Sampler(2000, mode=mode, groups=5)
    sampler.extend(np.append(np.random.default_rng(1).random(1999), 1e12))
    scales = []
    for _ in range(1000):
        sampler.sample(1)
        scales.append(sampler.scale)
    assert max(scales) <= (16.0 if mode == "amper-k" else 5.0)
    assert min(scales) > 0


@pytest.mark.parametrize("rows", [10**4, 10**5, 10**6])
@pytest.mark.parametrize("mode", MODES)
def test_memory(mode, rows):
    """At most 24 bytes a row beside the payload, with priorities over 12 orders of magnitude."""
    sampler = Sampler(rows, mode=mode, weights="inclusion" if mode.startswith("amper") else "per", compiled=True)
    sampler.extend(10.0 ** np.random.default_rng(1).uniform(-8, 4, rows))
    assert (2 if mode.startswith("amper") else 4) <= sampler.memory_per_row <= 24


@CORES
@pytest.mark.parametrize("mode", ["per", "amper-fr-dithered", "amper-k"])
def test_a_seed_decides(mode, core):
    if "bit_exact" in core and mode == "per":
        mode = "amper-fr"
    drawn = []
    for seed in (1, 1, 2):
        sampler = made(50, core, mode, seed=seed)
        sampler.extend(np.random.default_rng(1).random(50))
        drawn.append(sampler.sample(30)[0].tolist())
    assert drawn[0] == drawn[1] != drawn[2]


def test_beta_by_schedule():
    """The function is given the batches drawn before."""
    schedule = LinearSchedule(0.0, 1.0, 4)
    assert [schedule(batches) for batches in (0, 1, 4, 9)] == [0.0, 0.25, 1.0, 1.0]
    scheduled, given = Sampler(100, beta=schedule), Sampler(100)
    for sampler in (scheduled, given):
        sampler.extend(np.random.default_rng(1).random(100))
    for beta in (0.0, 0.25, 0.5, 0.75, 1.0, 1.0):
        np.testing.assert_array_equal(scheduled.sample(20)[1], given.sample(20, beta)[1])


# --- the fallback ------------------------------------------------------------------------------------------------


def test_without_the_compiled_core(monkeypatch):
    """One warning; asking for it is an error."""
    monkeypatch.setattr("amper.cores.compiled._core", None)
    monkeypatch.setattr(sampler_core, "_warned", False)
    with pytest.warns(RuntimeWarning, match=r"amper\.cores\._core is not installed: samplers use NumPy"):
        sampler = Sampler(3)
    assert not sampler.is_compiled
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Sampler(3)
    with pytest.raises(ImportError, match=r"compiled=True needs amper\.cores\._core"):
        Sampler(3, compiled=True)


def test_the_compiled_core_is_used():
    assert Sampler(3).is_compiled
    assert not Sampler(3, compiled=False).is_compiled


# --- saving ------------------------------------------------------------------------------------------------------


def worked(core: dict, mode: str, **options) -> Sampler:
    """A sampler after a while of use, with removed rows at both ends."""
    rng = np.random.default_rng(2)
    sampler = made(400, core, mode, seed=3, **options)
    sampler.extend(rng.pareto(1.5, 390))
    for _ in range(30):
        indices, _ = sampler.sample(32)
        sampler.update(indices, rng.pareto(1.5, 32))
    sampler.remove([0, 388, 389])
    return sampler


def assert_same_future(first: Sampler, second: Sampler) -> None:
    """Sums that were kept up to date against sums made anew, among others."""
    for _ in range(20):
        drawn = [sampler.sample(50) for sampler in (first, second)]
        np.testing.assert_array_equal(drawn[0][0], drawn[1][0])
        np.testing.assert_array_equal(drawn[0][1], drawn[1][1])
        for sampler in (first, second):
            sampler.update(drawn[0][0], np.sqrt(drawn[0][0] + 1.0))
            sampler.add()
    assert first.state()["extra"].tolist() == second.state()["extra"].tolist()


STATES = [
    *(({"compiled": compiled}, mode) for compiled in (True, False) for mode in MODES),
    *(({"bit_exact": True}, mode) for mode in AMPER_MODES),
]


@pytest.mark.parametrize(("core", "mode"), STATES, ids=str)
def test_restored(core, mode):
    sampler = worked(core, mode)
    other = made(400, core, mode, seed=3)
    other.add(7.0)
    other.restore(sampler.state())
    assert_same_future(sampler, other)


def test_restored_between_cores_and_with_estimated_weights():
    sampler = worked({"compiled": True}, "amper-k", weights="inclusion")
    other = made(400, {"compiled": False}, "amper-k", seed=3, weights="inclusion")
    other.restore(sampler.state())
    assert_same_future(sampler, other)


@pytest.mark.parametrize(("core", "mode"), STATES[:3] + STATES[-1:], ids=str)
def test_pickled(core, mode):
    sampler = worked(core, mode, beta=LinearSchedule(0.4, 1.0, 40))
    assert_same_future(sampler, pickle.loads(pickle.dumps(sampler)))


@pytest.mark.parametrize("compiled", [True, False, None])
def test_a_copy_has_the_core_that_was_asked_for(compiled):
    sampler = Sampler(10, compiled=compiled)
    for again in (pickle.loads(pickle.dumps(sampler)), copy.deepcopy(sampler), sampler.anew(seed=5)):
        assert again.is_compiled == (compiled is not False)
        assert pickle.loads(pickle.dumps(again)).is_compiled == (compiled is not False)


def test_an_older_pickle_says_nothing_of_the_core():
    sampler = Sampler(10, beta=0.5)
    sampler.add(2.0)
    pickled = sampler.__getstate__()
    del pickled["compiled"]
    again = Sampler.__new__(Sampler)
    again.__setstate__(pickled)
    assert again.is_compiled
    assert (len(again), again.beta, again.max_priority) == (1, 0.5, 2.0)


def test_a_new_one_of_another_seed():
    """Empty, and the same but for its draws."""
    sampler = Sampler(50, mode="amper-fr", beta=LinearSchedule(0.4, 1.0, 40), alpha=0.9, seed=1)
    sampler.extend(np.linspace(0.1, 1.0, 50))
    again = sampler.anew(seed=2)
    assert (len(again), again.beta) == (0, sampler.beta)
    assert again.options.to_dict() == sampler.options.to_dict() | {"seed": 2}


def test_empty_state():
    sampler = Sampler(5)
    other = Sampler(5)
    other.add()
    other.restore(sampler.state())
    assert len(other) == 0
    assert other.add() == 0


# --- threads -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("core", "mode"), [({"compiled": True}, "per"), *STATES[2:8:3], STATES[-1]], ids=str)
def test_one_writer_and_three_samplers(core, mode):
    """Long and short operations at once: sums kept up to date are as if made anew; only held rows are drawn."""
    sampler = made(3000, core, mode)
    sampler.extend(count=3000)
    sampler.remove([5])
    done = threading.Event()
    failures = []

    def write() -> None:
        rng = np.random.default_rng(4)
        for size in [64, 2500] * 15:
            rows = rng.choice(np.delete(np.arange(3000), 5), size)
            sampler.update(rows, rng.exponential(1.0, size))
        done.set()

    def sample(batch: int) -> None:
        while not done.is_set():
            indices, weights = sampler.sample(batch)
            if (indices == 5).any() or indices.min() < 0 or indices.max() >= 3000 or not (weights > 0).all():
                failures.append((indices, weights))

    threads = [threading.Thread(target=write), *(threading.Thread(target=sample, args=(b,)) for b in (1, 64, 3000))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done.is_set()
    assert failures == []
    other = made(3000, core, mode)
    other.restore(sampler.state())
    sampler.add()
    other.add()
    np.testing.assert_array_equal(sampler.sample(100)[0], other.sample(100)[0])
