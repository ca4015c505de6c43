"""Which values of a configuration are legal, and what is said of the others."""

import dataclasses
import math

import numpy as np
import pytest
from messages import exactly

from amper import AmperConfig
from amper_spec.declare import declarations
from amper_spec.rules import Integer

NAMES = ", ".join(declarations(AmperConfig))


INTEGERS = [name for name, each in declarations(AmperConfig).items() if isinstance(each.rule, Integer)]


def sized(name, value):
    """A configuration of 100 rows with this value; banks are of organisation tree."""
    where = {"organisation": "tree"} if name == "banks" else {}
    return AmperConfig(**{"rows": 100, name: value}, **where)


NO_INTEGERS = [True, False, "7", 7.0, None, np.float64(7), np.True_, 1j, [7]]
# A fan-out of None is the default, which follows from the rows.
WRONG_KINDS = [
    (name, value) for name in INTEGERS for value in NO_INTEGERS if (name, repr(value)) != ("fan_out", "None")
]


@pytest.mark.parametrize(("name", "value"), WRONG_KINDS, ids=repr)
def test_integer_of_the_wrong_kind(name, value):
    with pytest.raises(TypeError, match=exactly(f"{name} must be an integer, not {value!r}")):
        AmperConfig(**{"rows": 100, name: value})


RANGES = [
    ("rows", 1, 1048576),
    ("priority_width", 4, 32),
    ("groups", 1, 256),
    ("batch", 1, 4096),
    ("banks", 1, 8),
    ("seed", 0, 18446744073709551615),
    ("bank_rows", 2, 1024),
    ("fan_out", 2, 64),
    ("search_ports", 1, 16),
    ("draw_ports", 1, 16),
    ("write_ports", 1, 16),
]


def test_every_integer_has_its_range_tested():
    assert [name for name, _, _ in RANGES] == INTEGERS


@pytest.mark.parametrize(("name", "low", "high"), RANGES)
def test_integer_range(name, low, high):
    for value in (low - 1, high + 1, -(10**30), 10**30):
        with pytest.raises(ValueError, match=exactly(f"{name} must be {low} to {high}, not {value}")):
            sized(name, value)
    for value in (low, high):
        assert getattr(sized(name, value), name) == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("bank_rows", 3),
        ("bank_rows", 1023),
        ("fan_out", 63),
        ("fan_out", 6),
        ("search_ports", 3),
        ("draw_ports", 5),
        ("write_ports", 7),
    ],
)
def test_not_a_power_of_two(name, value):
    with pytest.raises(ValueError, match=exactly(f"{name} must be a power of two, not {value}")):
        AmperConfig(**{"rows": 100, name: value})


@pytest.mark.parametrize("name", INTEGERS)
@pytest.mark.parametrize("kind", [np.int8, np.uint16, np.int64, np.uint64])
def test_numpy_integers_become_python_integers(name, kind):
    value = getattr(sized(name, kind(4)), name)
    assert value == 4
    assert type(value) is int


@pytest.mark.parametrize("name", ["radius_scale", "neighbour_scale", "priority_scale"])
def test_numpy_reals_and_integers_become_python_floats(name):
    for value in (np.float32(0.5), np.float64(0.5), np.int64(1), 1):
        stored = getattr(AmperConfig(rows=100, **{name: value}), name)
        assert stored == value
        assert type(stored) is float


CHOICES = {
    "variant": "fr-dithered, fr-prefix, fr, k, exact",
    "pipeline": "deep, shallow",
    "bus": "native, axi, wishbone, axi4",
    "storage": "flip-flops, latches",
    "primitives": "gates, blocks",
    "memories": "inferred, macro",
}


PACKED = [({"bus": "axi"}, True), ({"bus": "native"}, False), ({"bus": "wishbone", "priority_width": 17}, False)]
PACKED += [({"bus": "axi", "rows": 1 << 14}, True), ({"bus": "axi", "rows": (1 << 14) + 1}, False)]
PACKED += [({"bus": "axi", "batch": 256}, True), ({"bus": "axi", "batch": 257}, False)]


@pytest.mark.parametrize(("values", "packed"), PACKED)
def test_registers_are_packed_where_they_can_be(values, packed):
    config = AmperConfig(**({"rows": 8} | values))
    assert config.packed_registers == packed
    if packed or config.batch > 256:
        assert dataclasses.replace(config, packed_registers=True).packed_registers
    else:
        message = "packed_registers must be no with bus native, above 16384 rows and above 16 bits of priority"
        with pytest.raises(ValueError, match=exactly(message)):
            dataclasses.replace(config, packed_registers=True)


@pytest.mark.parametrize("name", ["a", "replay0", "Replay_0", "x" * 40])
def test_names(name):
    assert AmperConfig(rows=1, name=name).name == name


@pytest.mark.parametrize("name", ["", "0a", "a b", "_a", "a_", "a__b", "a.b", "a/b", "é", "x" * 41, "module", "logic"])
def test_names_that_are_none(name):
    legal = "a letter, then letters, digits and single underscores, at most 40, no word of SystemVerilog"
    with pytest.raises(ValueError, match=exactly(f"name must be {legal}, not {name!r}")):
        AmperConfig(rows=1, name=name)


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("value", [None, 1, True, ("k",), b"k"], ids=repr)
def test_choice_of_the_wrong_kind(name, value):
    if name == "variant" and value is None:
        assert AmperConfig(rows=1, variant=None) == AmperConfig(rows=1)  # it follows from variants
        return
    with pytest.raises(TypeError, match=exactly(f"{name} must be a string, not {value!r}")):
        AmperConfig(rows=1, **{name: value})


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("value", ["", "K", "fr ", "per", "frdithered", "Deep", "axi5", "latch"])
def test_unknown_choice(name, value):
    with pytest.raises(ValueError, match=exactly(f"{name} must be one of {CHOICES[name]}, not {value!r}")):
        AmperConfig(rows=1, **{name: value})


@pytest.mark.parametrize("name", CHOICES)
def test_every_choice_is_legal(name):
    where = {"rows": 2, "organisation": "tree"} if name == "memories" else {"rows": 1}
    for value in CHOICES[name].split(", "):
        assert getattr(AmperConfig(**where, **{name: value}), name) == value


@pytest.mark.parametrize("value", [None, 0, 1, "true", np.True_], ids=repr)
def test_result_priority_is_a_boolean(value):
    with pytest.raises(TypeError, match=exactly(f"result_priority must be True or False, not {value!r}")):
        AmperConfig(rows=1, result_priority=value)


# --- scales ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["radius_scale", "neighbour_scale", "priority_scale"])
@pytest.mark.parametrize("value", [True, np.True_, "0.5", 1j, [0.5]], ids=repr)
def test_scale_of_the_wrong_kind(name, value):
    with pytest.raises(TypeError, match=exactly(f"{name} must be a number, not {value!r}")):
        AmperConfig(rows=1, **{name: value})


@pytest.mark.parametrize("name", ["radius_scale", "neighbour_scale"])
def test_only_the_priority_scale_may_be_none(name):
    with pytest.raises(TypeError, match=exactly(f"{name} must be a number, not None")):
        AmperConfig(rows=1, **{name: None})


@pytest.mark.parametrize("name", ["radius_scale", "neighbour_scale", "priority_scale"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_scale_not_finite(name, value):
    with pytest.raises(ValueError, match=exactly(f"{name} must be finite, not {value}")):
        AmperConfig(rows=1, **{name: value})


@pytest.mark.parametrize("name", ["radius_scale", "neighbour_scale", "priority_scale"])
def test_scale_too_large_for_a_float(name):
    """Regression: an integer beyond every float raised OverflowError, which no caller expects."""
    with pytest.raises(ValueError, match=rf"\A{name} must be "):
        AmperConfig(rows=1, **{name: 10**400})


@pytest.mark.parametrize(
    ("groups", "value", "limit"),
    [
        (1, -0.1, 16),
        (1, 16.0, 16),
        (20, 320.0, 320),
        (20, 1e300, 320),
        (256, -1e-9, 4096),
        (256, 4096.0, 4096),
    ],
)
def test_radius_scale_out_of_range(groups, value, limit):
    message = f"radius_scale must be at least 0 and below 16 x groups = {limit}, not {value}"
    with pytest.raises(ValueError, match=exactly(message)):
        AmperConfig(rows=1, groups=groups, radius_scale=value)


@pytest.mark.parametrize("value", [-0.1, -1e300, 16.0, 1e300])
def test_neighbour_scale_out_of_range(value):
    message = f"neighbour_scale must be at least 0 and below 16, not {value}"
    with pytest.raises(ValueError, match=exactly(message)):
        AmperConfig(rows=1, neighbour_scale=value)


@pytest.mark.parametrize("value", [0.0, -0.0, -1.0, -1e300])
def test_priority_scale_out_of_range(value):
    with pytest.raises(ValueError, match=exactly(f"priority_scale must be above 0, not {value}")):
        AmperConfig(rows=1, priority_scale=value)


@pytest.mark.parametrize("value", [5e-324, 1.7976931348623157e308])
def test_priority_scale_at_its_ends(value):
    assert AmperConfig(rows=1, priority_scale=value).priority_scale == value


@pytest.mark.parametrize("name", ["radius_scale", "neighbour_scale"])
def test_largest_float_scale(name):
    """Regression: 1.8e308 x 2^20 is infinite; rounding that raised OverflowError, not ValueError."""
    value = 1.7976931348623157e308
    limit = "16 x groups = 320" if name == "radius_scale" else "16"
    message = f"{name} must be at least 0 and below {limit}, not {value}"
    with pytest.raises(ValueError, match=exactly(message)):
        AmperConfig(rows=1, **{name: value})
