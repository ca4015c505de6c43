"""AmperConfig: derived numbers against the page's formula or a literal, errors with their full message."""

import dataclasses
import math
import re

import numpy as np
import pytest

from amper import AMPER_VARIANTS, AmperConfig, GoldenModel
from amper_spec.algorithm import Algorithm
from amper_spec.build import Build
from amper_spec.declare import declarations
from amper_spec.rules import Integer

NAMES = ", ".join(declarations(AmperConfig))


INTEGERS = [name for name, each in declarations(AmperConfig).items() if isinstance(each.rule, Integer)]


def exactly(message: str) -> str:
    """Pattern for the whole of a message."""
    return rf"\A{re.escape(message)}\Z"


def test_defaults():
    assert AmperConfig(rows=100).to_dict() == {
        "rows": 100,
        "priority_width": 16,
        "groups": 20,
        "batch": 64,
        "variant": "exact",
        "draws": "independent",
        "organisation": "parallel",
        "radius_scale": 0.15,
        "neighbour_scale": 0.3,
        "seed": 0,
        "priority_scale": 256.0,
        "bank_rows": 64,
        "fan_out": 2,
        "variants": ["exact"],
        "search_ports": 1,
        "draw_ports": 1,
        "write_ports": 1,
        "pipeline": "deep",
        "result_priority": True,
        "bus": "native",
        "packed_registers": False,
        "storage": "flip-flops",
        "primitives": "gates",
        "row_parity": False,
        "name": "amper",
    }
    assert AMPER_VARIANTS == ("fr-dithered", "fr-prefix", "fr", "k")


TREES = [(1, 64, 2), (128, 64, 2), (129, 64, 4), (257, 64, 8), (512, 64, 8), (513, 64, 4), (1024, 64, 4), (1025, 64, 8)]
TREES += [(4096, 64, 8), (4097, 64, 8), (65536, 64, 8), (12, 4, 4), (1024, 1024, 2)]


@pytest.mark.parametrize(("rows", "bank_rows", "fan_out"), TREES)
def test_a_tree_is_no_deeper_for_smaller_nodes(rows, bank_rows, fan_out):
    assert AmperConfig(rows=rows, bank_rows=bank_rows).fan_out == fan_out
    assert AmperConfig(rows=rows, bank_rows=bank_rows, fan_out=None).fan_out == fan_out


def test_rows_has_no_default():
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'rows'"):
        AmperConfig()


def test_keyword_only():
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        AmperConfig(100)


def test_a_parameter_is_of_the_algorithm_or_of_the_build():
    algorithm, build = declarations(Algorithm), declarations(Build)
    assert not algorithm.keys() & build.keys()
    assert sorted([*algorithm, *build]) == sorted(NAMES.split(", "))


def test_the_algorithm_alone():
    """It draws without a build, and no part of the build is in it."""
    config = AmperConfig(rows=9, seed=5, variant="k", bus="axi", bank_rows=4, draw_ports=2, pipeline="shallow")
    alone = Algorithm(rows=9, seed=5, variant="k")
    assert config.algorithm == alone
    assert not hasattr(alone, "draw_ports")
    models = [GoldenModel(each) for each in (config, alone)]
    for model in models:
        for row in range(9):
            model.write(row, 1 + 31 * row)
    assert models[0].sample(64).tolist() == models[1].sample(64).tolist()


def test_every_parameter_is_in_the_docstring():
    for name, each in declarations(AmperConfig).items():
        assert f"    {name} : {each.text}.\n" in AmperConfig.__doc__
    assert "rows : n, rows of the associative memory, any number (1 to 2^20)." in AmperConfig.__doc__
    assert "bank_rows : rows of a bank (a power of two, 2 to 1024; default 64)." in AmperConfig.__doc__


@pytest.mark.parametrize("config", [
    AmperConfig(rows=3), AmperConfig(rows=300, priority_width=9, fan_out=64), AmperConfig(rows=5, variant="exact"),
    AmperConfig(rows=5, variants=("fr-dithered", "exact"), draws="stratified", result_priority=False),
], ids=str)  # fmt: skip
def test_what_is_given_makes_the_configuration(config):
    given = config.given()
    assert AmperConfig.from_dict(given) == config
    for name in given:  # and nothing less does
        rest = {other: value for other, value in given.items() if other != name}
        try:
            assert AmperConfig.from_dict(rest) != config
        except ValueError:
            continue


@pytest.mark.parametrize(("before", "changes"), [
    ({}, {"bus": "axi"}), ({"bus": "wishbone"}, {"bus": "native"}), ({"bus": "axi"}, {"rows": 1 << 15}),
    ({}, {"rows": 1025}), ({}, {"variant": "k"}), ({"priority_width": 8}, {"priority_width": 32}),
], ids=str)  # fmt: skip
def test_what_follows_from_a_change_follows(before, changes):
    """A derived value that ``dataclasses.replace`` keeps, or refuses together with the change."""
    base = {"rows": 100} | before
    assert AmperConfig(**base).changed(**changes) == AmperConfig(**(base | changes))


def test_what_was_given_stays():
    config = AmperConfig(rows=100, fan_out=8, bus="axi", packed_registers=False, variants=("k", "exact"), variant="k")
    assert config.changed(rows=9, bus="wishbone", variant="exact") == AmperConfig(
        rows=9, fan_out=8, bus="wishbone", packed_registers=False, variants=("k", "exact"), variant="exact"
    )
    with pytest.raises(ValueError, match="packed_registers must be no with bus native"):
        AmperConfig(rows=9, bus="axi").changed(bus="native", packed_registers=True)


@pytest.mark.parametrize("name", NAMES.split(", "))
def test_frozen(name):
    config = AmperConfig(rows=100)
    before = getattr(config, name)
    with pytest.raises(dataclasses.FrozenInstanceError, match=exactly(f"cannot assign to field '{name}'")):
        setattr(config, name, before)
    assert getattr(config, name) == before


def test_equal_configurations_are_equal_and_hash_alike():
    one, other = AmperConfig(rows=7), AmperConfig(rows=np.int64(7), priority_scale=256)
    assert one == other
    assert hash(one) == hash(other)
    assert one != AmperConfig(rows=8)


# --- derived numbers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "row_width", "count_width"),
    [(1, 1, 1), (2, 1, 2), (7, 3, 3), (64, 6, 7), (100, 7, 7), (257, 9, 9), (1 << 20, 20, 21)],
)
def test_widths_of_rows(rows, row_width, count_width):
    config = AmperConfig(rows=rows)
    assert (config.row_width, config.count_width) == (row_width, count_width)


@pytest.mark.parametrize(("batch", "width"), [(1, 1), (2, 2), (3, 2), (63, 6), (64, 7), (4095, 12), (4096, 13)])
def test_batch_width(batch, width):
    assert AmperConfig(rows=1, batch=batch).batch_width == width


@pytest.mark.parametrize(
    ("groups", "group_width", "extra"),
    [(1, 1, 0), (2, 1, 1), (3, 2, 2), (20, 5, 5), (255, 8, 8), (256, 8, 8)],
)
@pytest.mark.parametrize("priority_width", range(4, 33))
def test_reciprocal(groups, group_width, extra, priority_width):
    config = AmperConfig(rows=1, groups=groups, priority_width=priority_width)
    assert config.group_width == group_width
    assert config.reciprocal_shift == config.fraction_width + extra
    assert config.reciprocal * groups <= 2**config.reciprocal_shift < (config.reciprocal + 1) * groups


@pytest.mark.parametrize("priority_width", range(4, 33))
def test_widths_of_a_priority(priority_width):
    config = AmperConfig(rows=1, priority_width=priority_width)
    assert f"{config.priority_max:b}" == "1" * priority_width
    assert config.fraction_width == (priority_width + 8 if priority_width < 24 else 32)
    assert config.priority_scale == 2.0 ** (priority_width // 2)
    assert type(config.priority_scale) is float


@pytest.mark.parametrize(
    ("groups", "radius_scale", "coefficient"),
    [
        (1, 0.0, 0),
        (1, 1.0, 1 << 20),
        (3, 1.0, 349525),  # 349525.33
        (20, 0.15, 7864),  # 7864.32
        (256, 4095.999, (1 << 24) - 5),  # 16777211.904
        (1, (2**24 - 1) / 2**20, 2**24 - 1),  # the largest
        (1, 0.5 / 2**20, 0),  # ties to even
        (1, 1.5 / 2**20, 2),
    ],
)
def test_radius_coefficient(groups, radius_scale, coefficient):
    config = AmperConfig(rows=1, groups=groups, radius_scale=radius_scale)
    assert config.radius_coefficient == coefficient
    assert coefficient * groups <= config.radius_fixed < (coefficient + 1) * groups


@pytest.mark.parametrize(
    ("neighbour_scale", "coefficient"),
    [(0, 0), (0.3, 314573), (1, 1 << 20), (15.999999, 2**24 - 1), (0.5 / 2**20, 0), (1.5 / 2**20, 2)],
)
def test_neighbour_coefficient(neighbour_scale, coefficient):
    config = AmperConfig(rows=1, groups=256, neighbour_scale=neighbour_scale)
    assert config.neighbour_coefficient == coefficient


def test_stream_states():
    (s0, s1), draw = AmperConfig(rows=1, seed=1234567).stream_states
    assert (s0, s1) == (6457827717110365317, 3203168211198807973)  # SplitMix64's published words
    assert draw != (s0, s1)
    assert AmperConfig(rows=1, seed=1234568).stream_states[0] != (s0, s1)


# --- errors ---------------------------------------------------------------------------------------


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
            AmperConfig(**{"rows": 100, name: value})
    for value in (low, high):
        assert getattr(AmperConfig(**{"rows": 100, name: value}), name) == value


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
    value = getattr(AmperConfig(**{"rows": 100, name: kind(4)}), name)
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
    for value in CHOICES[name].split(", "):
        assert getattr(AmperConfig(rows=1, **{name: value}), name) == value


@pytest.mark.parametrize("value", [None, 0, 1, "true", np.True_], ids=repr)
def test_result_priority_is_a_boolean(value):
    with pytest.raises(TypeError, match=exactly(f"result_priority must be True or False, not {value!r}")):
        AmperConfig(rows=1, result_priority=value)


# --- variants -------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_only_the_variant_itself_is_built_in_by_default(variant):
    config = AmperConfig(rows=1, variant=variant)
    assert config.variants == (variant,)
    assert config.range_match == (variant in ("fr", "k"))


@pytest.mark.parametrize(
    ("built_in", "active"), [(None, "exact"), (("k",), "k"), (["k", "fr"], "fr"), (("exact", "fr"), "exact")]
)
def test_the_active_variant_unless_given(built_in, active):
    """exact, or where it is not built in the first that is."""
    config = AmperConfig(rows=1, variants=built_in)
    assert config.variant == active
    assert AmperConfig.from_dict(config.given()) == config


@pytest.mark.parametrize("given", [["k", "fr-dithered"], ("k", "fr-dithered", "k")])
def test_variants_are_kept_in_one_order_and_once(given):
    config = AmperConfig(rows=1, variants=given)
    assert config.variants == ("fr-dithered", "k")
    assert config == AmperConfig(rows=1, variants=("fr-dithered", "k"))
    assert config.range_match


def test_variants_must_include_the_variant():
    with pytest.raises(ValueError, match=exactly("variants must include variant, fr, not only fr-prefix, k")):
        AmperConfig(rows=1, variant="fr", variants=("fr-prefix", "k"))
    with pytest.raises(ValueError, match=r"\Avariants must include variant, fr, not only "):
        AmperConfig(rows=1, variant="fr", variants=())


@pytest.mark.parametrize("value", ["fr", 3, {"fr"}, {"fr": 1}], ids=repr)
def test_variants_of_the_wrong_kind(value):
    with pytest.raises(TypeError, match=exactly(f"variants must be a list of variants, not {value!r}")):
        AmperConfig(rows=1, variant="fr", variants=value)


def test_an_unknown_variant_among_several():
    message = "variants must be one of fr-dithered, fr-prefix, fr, k, exact, not 'per'"
    with pytest.raises(ValueError, match=exactly(message)):
        AmperConfig(rows=1, variant="fr", variants=("fr", "per"))
    with pytest.raises(TypeError, match=exactly("variants must be a string, not 3")):
        AmperConfig(rows=1, variant="fr", variants=("fr", 3))


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


# --- dictionaries and files -----------------------------------------------------------------------

ODD = AmperConfig(
    rows=257,
    priority_width=5,
    groups=3,
    batch=7,
    variant="k",
    radius_scale=0.1 + 0.2,
    neighbour_scale=1e-7,
    seed=2**64 - 1,
    priority_scale=1e300,
    bank_rows=2,
    fan_out=2,
    variants=("k", "fr"),
    search_ports=8,
    draw_ports=4,
    write_ports=2,
    pipeline="shallow",
    result_priority=False,
    bus="wishbone",
    packed_registers=False,
    storage="latches",
    primitives="blocks",
    name="replay_0",
)


@pytest.mark.parametrize("config", [ODD, AmperConfig(rows=1)], ids=["odd", "defaults"])
def test_dictionary_round_trip(config):
    assert AmperConfig.from_dict(config.to_dict()) == config
    assert list(config.to_dict()) == NAMES.split(", ")


def test_from_dict_fills_in_defaults():
    assert AmperConfig.from_dict({"rows": 5}) == AmperConfig(rows=5)


@pytest.mark.parametrize("name", ["row", "Rows", "", "row_width", "to_dict"])
def test_from_dict_unknown_name(name):
    message = f"{name!r} is not a parameter; the parameters are {NAMES}"
    with pytest.raises(ValueError, match=exactly(message)):
        AmperConfig.from_dict({"rows": 1, name: 1})


@pytest.mark.parametrize("values", [{}, {"groups": 3}])
def test_from_dict_without_rows(values):
    with pytest.raises(ValueError, match=exactly("rows must be given: it has no default")):
        AmperConfig.from_dict(values)


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
@pytest.mark.parametrize("config", [ODD, AmperConfig(rows=1 << 20)], ids=["odd", "defaults"])
def test_file_round_trip(tmp_path, config, variant):
    config = dataclasses.replace(config, variant=variant, variants=(variant, *config.variants))
    path = tmp_path / "config.toml"
    config.save(path)
    assert AmperConfig.load(path) == config
    assert AmperConfig.load(str(path)) == config
    assert len(path.read_text().splitlines()) == len(NAMES.split(", "))


def test_file_by_hand(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('# two banks\nrows = 0x80\nvariant = "fr"\nradius_scale = 1\n')
    assert AmperConfig.load(path) == AmperConfig(rows=128, variant="fr", radius_scale=1.0)


def test_saved_text(tmp_path):
    AmperConfig(rows=8).save(tmp_path / "config.toml")
    assert (tmp_path / "config.toml").read_text() == (
        "rows = 8\npriority_width = 16\ngroups = 20\nbatch = 64\n"
        'variant = "exact"\ndraws = "independent"\norganisation = "parallel"\n'
        "radius_scale = 0.15\nneighbour_scale = 0.3\n"
        "seed = 0\npriority_scale = 256.0\nbank_rows = 64\nfan_out = 2\n"
        'variants = ["exact"]\nsearch_ports = 1\ndraw_ports = 1\nwrite_ports = 1\npipeline = "deep"\n'
        'result_priority = true\nbus = "native"\npacked_registers = false\nstorage = "flip-flops"\n'
        'primitives = "gates"\nrow_parity = false\nname = "amper"\n'
    )


@pytest.mark.parametrize(
    ("text", "kind", "message"),
    [
        ("rows = 1\nrow = 2\n", ValueError, f"'row' is not a parameter; the parameters are {NAMES}"),
        ("", ValueError, "rows must be given: it has no default"),
        ("rows = 0\n", ValueError, "rows must be 1 to 1048576, not 0"),
        ('rows = "1"\n', TypeError, "rows must be an integer, not '1'"),
        ("rows = true\n", TypeError, "rows must be an integer, not True"),
        ("rows = 1.0\n", TypeError, "rows must be an integer, not 1.0"),
        ("rows = 1\nradius_scale = nan\n", ValueError, "radius_scale must be finite, not nan"),
        (
            'rows = 1\nvariant = "x"\n',
            ValueError,
            "variant must be one of fr-dithered, fr-prefix, fr, k, exact, not 'x'",
        ),
        ('rows = 1\nvariants = "fr"\n', TypeError, "variants must be a list of variants, not 'fr'"),
        ("rows = 1\nresult_priority = 1\n", TypeError, "result_priority must be True or False, not 1"),
        ("[rows]\n", TypeError, "rows must be an integer, not {}"),
    ],
)
def test_illegal_value_in_a_file(tmp_path, text, kind, message):
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(kind, match=exactly(f"{path}: {message}")) as caught:
        AmperConfig.load(path)
    assert type(caught.value) is kind


@pytest.mark.parametrize("raw", [b"rows\n", b"rows = \n", b"rows = 1\nrows = 2\n", b"rows = 1 # \xff\n", b"\x00"])
def test_not_a_toml_file(tmp_path, raw):
    path = tmp_path / "config.toml"
    path.write_bytes(raw)
    with pytest.raises(ValueError, match=rf"\A{re.escape(f'{path}: not a TOML file: ')}.+") as caught:
        AmperConfig.load(path)
    assert type(caught.value) is ValueError


def test_missing_file(tmp_path):
    path = tmp_path / "none.toml"
    with pytest.raises(FileNotFoundError) as caught:
        AmperConfig.load(path)
    assert str(path) in str(caught.value)


def test_read_does_not_check(tmp_path):
    """What a file names, also when it is no legal configuration: a command line fills in the rest."""
    path = tmp_path / "config.toml"
    path.write_text('groups = 0\nnonsense = "x"\n')
    assert AmperConfig.read(path) == {"groups": 0, "nonsense": "x"}
    assert AmperConfig.read(str(path)) == {"groups": 0, "nonsense": "x"}
    path.write_text("groups\n")
    with pytest.raises(ValueError, match=rf"\A{re.escape(f'{path}: not a TOML file: ')}.+"):
        AmperConfig.read(path)
    with pytest.raises(FileNotFoundError):
        AmperConfig.read(tmp_path / "none.toml")
