"""AmperConfig: derived numbers against the page's formula or a literal, errors with their full message."""

import dataclasses

import numpy as np
import pytest
from messages import exactly

from amper import AMPER_VARIANTS, AmperConfig, GoldenModel
from amper_spec.algorithm import Algorithm
from amper_spec.build import Build
from amper_spec.declare import declarations
from amper_spec.rules import Integer

NAMES = ", ".join(declarations(AmperConfig))


INTEGERS = [name for name, each in declarations(AmperConfig).items() if isinstance(each.rule, Integer)]


def test_defaults():
    assert AmperConfig(rows=100).to_dict() == {
        "rows": 100,
        "priority_width": 16,
        "groups": 20,
        "batch": 64,
        "variant": "exact",
        "draws": "independent",
        "organisation": "parallel",
        "banks": 1,
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
        "protection": "none",
        "memories": "inferred",
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
    with pytest.raises(ValueError, match=exactly("variants must include variant, fr, not only none")):
        AmperConfig(rows=1, variant="fr", variants=())


@pytest.mark.parametrize("values", [None, [("rows", 8)], 8])
def test_values_that_have_no_names(values):
    with pytest.raises(TypeError, match=exactly(f"values must be a mapping, not {values!r}")):
        AmperConfig.from_dict(values)


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
