"""Every refusal of ``Sampler`` names the parameter, the rule and the value, and changes nothing."""

from __future__ import annotations

import re

import numpy as np
import pytest

from amper import AmperConfig, LinearSchedule, NoValidRowError, Sampler, inclusion_probability

CORES = [{"compiled": True}, {"compiled": False}, {"bit_exact": True, "mode": "amper-fr"}]
NAN, INFINITE = float("nan"), float("inf")


def filled(core: dict) -> Sampler:
    sampler = Sampler(10, **core)
    sampler.extend([1.0, 2.0, 3.0, 4.0])
    sampler.remove([2])
    return sampler


CALLS = [
    (lambda s: s.add(NAN), ValueError, "priority must be finite, not nan"),
    (lambda s: s.add(-INFINITE), ValueError, "priority must be finite, not -inf"),
    (lambda s: s.add(-0.5), ValueError, "priority must be at least 0, not -0.5"),
    (lambda s: s.add("1"), TypeError, "priority must be a number, not '1'"),
    (lambda s: s.add(True), TypeError, "priority must be a number, not True"),
    (lambda s: s.extend([1.0, NAN]), ValueError, "priorities must be finite and at least 0, not nan"),
    (lambda s: s.extend(["a"]), TypeError, "priorities must be real numbers, not <U1"),
    (lambda s: s.extend([1j]), TypeError, "priorities must be real numbers, not complex128"),
    (lambda s: s.extend(1.0), ValueError, "priorities must have one dimension, not the shape ()"),
    (lambda s: s.extend(), TypeError, "extend takes either priorities or count, not None and None"),
    (lambda s: s.extend([1.0], count=1), TypeError, "extend takes either priorities or count, not [1.0] and 1"),
    (lambda s: s.extend(count=0), ValueError, "count must be 1 to 2147483647, not 0"),
    (lambda s: s.update([0], [NAN]), ValueError, "priorities must be finite and at least 0, not nan"),
    (lambda s: s.update([0, 1], [1.0, INFINITE]), ValueError, "priorities must be finite and at least 0, not inf"),
    (lambda s: s.update([0, 1], [1.0, -1.0]), ValueError, "priorities must be finite and at least 0, not -1.0"),
    (lambda s: s.update([10], [1.0]), ValueError, "indices must be 0 to 9, not 10"),
    (lambda s: s.update([0, -1], [1.0, 1.0]), ValueError, "indices must be 0 to 9, not -1"),
    (
        lambda s: s.update([0, 2], [1.0, 1.0]),
        ValueError,
        "indices must be of rows that hold a priority, and row 2 holds none",
    ),
    (lambda s: s.update([0.0], [1.0]), TypeError, "indices must be integers, not float64"),
    (lambda s: s.update([True], [1.0]), TypeError, "indices must be integers, not bool"),
    (
        lambda s: s.update(np.array([2**63], dtype=np.uint64), [1.0]),
        ValueError,
        "indices must be below 2^63, not 9223372036854775808",
    ),
    (lambda s: s.update([[0]], [1.0]), ValueError, "indices must have one dimension, not the shape (1, 1)"),
    (lambda s: s.update([0], [[1.0, 2.0]]), ValueError, "priorities must have one dimension, not the shape (1, 2)"),
    (lambda s: s.update([0, 1], [1.0]), ValueError, "indices and priorities must be of one length, not 2 and 1"),
    (lambda s: s.update_errors([0], [NAN]), ValueError, "errors must be finite, not nan"),
    (lambda s: s.update_errors([0], [-INFINITE]), ValueError, "errors must be finite, not -inf"),
    (lambda s: s.write([11], [1.0]), ValueError, "indices must be 0 to 9, not 11"),
    (lambda s: s.write([1], [-1.0]), ValueError, "priorities must be finite and at least 0, not -1.0"),
    (lambda s: s.remove([10]), ValueError, "indices must be 0 to 9, not 10"),
    (lambda s: s.remove([1, 2]), ValueError, "indices must be of rows that hold a priority, and row 2 holds none"),
    (lambda s: s.remove(["x"]), TypeError, "indices must be integers, not <U1"),
    (lambda s: s.sample(0), ValueError, "batch must be 1 to 2147483647, not 0"),
    (lambda s: s.sample(2.0), TypeError, "batch must be an integer, not 2.0"),
    (lambda s: s.sample(True), TypeError, "batch must be an integer, not True"),
    (lambda s: s.sample(2**40), ValueError, "batch must be 1 to 2147483647, not 1099511627776"),
    (lambda s: s.sample(1, -0.1), ValueError, "beta must be at least 0, not -0.1"),
    (lambda s: s.sample(1, NAN), ValueError, "beta must be finite, not nan"),
    (lambda s: s.sample(1, "x"), TypeError, "beta must be a number, not 'x'"),
]


@pytest.mark.parametrize("core", CORES, ids=str)
@pytest.mark.parametrize(("call", "error", "message"), CALLS, ids=[message for _, _, message in CALLS])
def test_refused(core, call, error, message):
    sampler = filled(core)
    before = sampler.state()
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call(sampler)
    for name, value in sampler.state().items():
        assert np.array_equal(value, before[name]), name


@pytest.mark.parametrize("core", CORES, ids=str)
def test_nothing_to_draw(core):
    sampler = Sampler(5, **core)
    message = "^sample needs at least one row with a priority, and there is none: add one first$"
    with pytest.raises(NoValidRowError, match=message):
        sampler.sample(3)
    sampler.add()
    sampler.sample(3)
    sampler.remove([0])
    with pytest.raises(NoValidRowError, match=message):
        sampler.sample(3)


@pytest.mark.parametrize("core", CORES, ids=str)
def test_accepted(core):
    """Any integers and real numbers will do, in any container."""
    sampler = filled(core)
    sampler.add(2)
    sampler.add(np.float32(0.5))
    sampler.update((0, 1), range(1, 3))
    sampler.update(np.arange(4, dtype=np.int32)[::3], np.ones(4, dtype=np.float16)[::3])
    sampler.update(np.array([0], dtype=np.uint8), np.array([7], dtype=np.int64))
    sampler.update([], [])
    sampler.remove([])
    sampler.sample(np.int64(3), 1)
    assert sampler.priorities().tolist() == [7.0, 2.0, 0.0, 1.0, 2.0, 0.5, 0.0, 0.0, 0.0, 0.0]


OPTIONS = [
    ({"rows": 0}, ValueError, "rows must be 1 to 268435456, not 0"),
    ({"rows": 1.0}, TypeError, "rows must be an integer, not 1.0"),
    (
        {"mode": "fr"},
        ValueError,
        "mode must be one of per, amper-fr-dithered, amper-fr-prefix, amper-fr, amper-k, uniform, not 'fr'",
    ),
    ({"groups": 257}, ValueError, "groups must be 1 to 256, not 257"),
    ({"mode": "amper-fr", "scale": 21.0}, ValueError, "scale must be 0 to 20.0, not 21.0"),
    ({"mode": "amper-k", "scale": -1}, ValueError, "scale must be 0 to 16.0, not -1.0"),
    ({"scale": 0.1}, ValueError, "scale is only used by the modes of AMPER, and was set to 0.1 in mode per"),
    (
        {"mode": "amper-fr", "scale": 0.1, "csp_share": 0.2},
        ValueError,
        "scale is fixed or adapts to csp_share: set one of them, not 0.1 and 0.2",
    ),
    ({"mode": "amper-fr", "csp_share": 0.0}, ValueError, "csp_share must be above 0 and at most 1, not 0.0"),
    ({"mode": "amper-fr", "csp_share": NAN}, ValueError, "csp_share must be finite, not nan"),
    ({"weights": "none"}, ValueError, "weights must be one of per, inclusion, not 'none'"),
    ({"beta": -1}, ValueError, "beta must be at least 0, not -1.0"),
    ({"beta": "0.4"}, TypeError, "beta must be a number, not '0.4'"),
    ({"alpha": -1}, ValueError, "alpha must be at least 0, not -1.0"),
    ({"eps": NAN}, ValueError, "eps must be finite, not nan"),
    ({"seed": -1}, ValueError, "seed must be 0 to 18446744073709551615, not -1"),
    (
        {"bit_exact": True, "mode": "uniform"},
        ValueError,
        "bit_exact needs one of the modes amper-fr-dithered, amper-fr-prefix, amper-fr, amper-k, per, not uniform",
    ),
    ({"bit_exact": 1}, TypeError, "bit_exact must be True or False, not 1"),
    (
        {"bit_exact": True, "mode": "amper-fr", "csp_share": 0.1},
        ValueError,
        "csp_share must not be set with bit_exact, whose scale is fixed, and was 0.1",
    ),
    (
        {"bit_exact": True, "mode": "amper-fr", "weights": "inclusion"},
        ValueError,
        "weights must be per with bit_exact, not inclusion",
    ),
    ({"priority_scale": 2.0}, ValueError, "priority_scale is only used with bit_exact=True, and was set to 2.0"),
    (
        {"bit_exact": True, "mode": "amper-fr", "priority_scale": 0.0},
        ValueError,
        "priority_scale must be above 0, not 0.0",
    ),
    ({"compiled": 2}, TypeError, "compiled must be True, False or None, not 2"),
]


@pytest.mark.parametrize(("options", "error", "message"), OPTIONS, ids=[message for _, _, message in OPTIONS])
def test_options(options, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        Sampler(**{"rows": 10, **options})


def changed(state: dict, name: str, value) -> dict:
    return {**state, name: value}


HELD = np.array([1, 2, 0, 4, 0, 0, 0, 0, 0, 0], dtype=np.float32)
STATES = [
    (lambda s: [], TypeError, "state must be a dictionary that state() gave, not list"),
    (lambda s: {}, ValueError, "state must be of version 1, not None"),
    (lambda s: changed(s, "version", 2), ValueError, "state must be of version 1, not 2"),
    (
        lambda s: {name: value for name, value in s.items() if name != "key"},
        ValueError,
        "state must have key, and has not",
    ),
    (lambda s: Sampler(11, mode="amper-fr").state(), ValueError, "state must be of a sampler with rows 10, not 11"),
    (lambda s: Sampler(10).state(), ValueError, "state must be of a sampler with mode amper-fr, not per"),
    (lambda s: changed(s, "options", 3), TypeError, "state['options'] must be a dictionary, not 3"),
    (
        lambda s: changed(s, "priorities", HELD[:9]),
        ValueError,
        "state['priorities'] must have the shape (10,), not (9,)",
    ),
    (
        lambda s: changed(s, "priorities", 1),
        TypeError,
        "state['priorities'] must be an array of float32 of one dimension, not 1",
    ),
    (
        lambda s: changed(s, "priorities", -HELD),
        ValueError,
        "state['priorities'] must be finite and at least 0, not -1.0",
    ),
    (
        lambda s: changed(s, "extra", np.array([0, 1, 3], dtype=np.uint32)),
        ValueError,
        "state['extra'] must be what a sampler's state() gave, and is not",
    ),
    (lambda s: changed(s, "cursor", 10), ValueError, "state['cursor'] must be 0 to 9, not 10"),
    (
        lambda s: changed(s, "used", 3),
        ValueError,
        "used must lie behind the last row that holds a priority, 3, not be 3",
    ),
    (lambda s: changed(s, "scale", NAN), ValueError, "state['scale'] must be finite, not nan"),
    (lambda s: changed(s, "maximum", -1.0), ValueError, "state['maximum'] must be at least 0, not -1.0"),
    (
        lambda s: changed(s, "cover", np.zeros(3)),
        ValueError,
        "state['cover'] must be what a sampler's state() gave, and is not",
    ),
]


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize(("damage", "error", "message"), STATES, ids=[message for _, _, message in STATES])
def test_bad_states(compiled, damage, error, message):
    sampler = filled({"compiled": compiled, "mode": "amper-fr"})
    before = sampler.state()
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        sampler.restore(damage(sampler.state()))
    for name, value in sampler.state().items():
        assert np.array_equal(value, before[name]), name


def test_bad_codes():
    sampler = filled({"bit_exact": True, "mode": "amper-fr", "priority_width": 8})
    state = changed(sampler.state(), "extra", np.full(10, 256, dtype=np.uint32))
    with pytest.raises(ValueError, match=r"^state\['extra'\] must be 10 codes of at most 255, and is not$"):
        sampler.restore(state)


def test_other_functions():
    with pytest.raises(ValueError, match=r"^steps must be 1 to 4611686018427387904, not 0$"):
        LinearSchedule(0.4, 1.0, 0)
    with pytest.raises(ValueError, match=r"^start must be at least 0, not -1$"):
        LinearSchedule(-1, 1.0, 10)
    with pytest.raises(ValueError, match=r"^priorities must be finite and above 0, not 0\.0$"):
        inclusion_probability([1.0, 0.0], variant="fr", groups=20, scale=0.1)
    with pytest.raises(ValueError, match=r"^variant must be one of fr-dithered, fr-prefix, fr, not 'k'$"):
        inclusion_probability([1.0], variant="k", groups=20, scale=0.1)
    with pytest.raises(ValueError, match=r"^scale must be above 0, not 0\.0$"):
        inclusion_probability([1.0], variant="fr", groups=20, scale=0.0)


def test_a_sampler_of_a_configuration():
    config = AmperConfig(rows=20, variant="k", neighbour_scale=0.7, priority_width=12, groups=5, seed=4)
    options = Sampler.from_config(config).options
    assert options.config() == config.algorithm
