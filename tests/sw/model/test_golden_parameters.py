"""The golden model's parameters at run time: parameters.md, and models that were made with the same values."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import exactly
from oracles.golden import STEADY, assert_follows_the_page, busy_model, filled, take

from amper import AMPER_VARIANTS, AmperConfig, DisabledError, GoldenModel, NoValidRowError, Parameter, Status, streams

ALL = AmperConfig(rows=12, priority_width=8, groups=6, batch=5, variants=AMPER_VARIANTS, radius_scale=2.5, seed=4)
CODES = [10, 20, 40, 80, 80, 160, 200, 100, 0, 255, 3, 120]
STATES = [name for name in Parameter if name >= Parameter.QUERY_STATE_0]


def snapshot(model):
    return [model.get_parameter(name) for name in Parameter], list(model.priorities)


def drawn_like(model, config):
    """Whether the next batch is that of a new model of ``config`` with the same rows and streams."""
    other = filled(config, model.priorities)
    for name in STATES:
        other.set_parameter(name, model.get_parameter(name))
    model.sample(config.batch)
    other.sample(config.batch)
    return model.last_batch == other.last_batch


def test_after_reset_the_parameters_are_those_of_the_configuration():
    model = GoldenModel(replace(ALL, variant="fr", neighbour_scale=0.3))
    (q0, q1), (d0, d1) = ALL.stream_states
    states = [word >> shift & 0xFFFFFFFF for word in (q0, q1, d0, d1) for shift in (0, 32)]
    assert snapshot(model)[0] == [6, 2621440, 314573, 2, 5, 12, 1, 0, *states]


def test_numbers_are_the_documented_ones():
    names = ["GROUPS", "RADIUS", "NEIGHBOURS", "VARIANT", "BATCH", "ROWS", "ENABLE", "CLEAR"]
    assert [name.name for name in Parameter] == names + [f"{s}_STATE_{i}" for s in ("QUERY", "DRAW") for i in range(4)]
    assert list(Parameter) == list(range(16))


# --- effects ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
@pytest.mark.parametrize("groups", [1, 2, 3, 5, 6])
def test_groups(variant, groups):
    """Also the reciprocal and the radius coefficient follow m."""
    model = filled(replace(ALL, variant=variant), CODES)
    model.set_parameter(Parameter.GROUPS, groups)
    assert drawn_like(model, replace(ALL, variant=variant, groups=groups))
    assert len(model.last_batch.query_words) == groups


@pytest.mark.parametrize("scale", [0.0, 0.5, 1.0, 95.9])
@pytest.mark.parametrize("variant", AMPER_VARIANTS[:3])
def test_radius(variant, scale):
    model = filled(replace(ALL, variant=variant), CODES)
    model.set_parameter(Parameter.RADIUS, round(scale * 2**20))
    assert drawn_like(model, replace(ALL, variant=variant, radius_scale=scale))


@pytest.mark.parametrize("scale", [0.0, 0.7, 15.9])
def test_neighbours(scale):
    model = filled(replace(ALL, variant="k"), CODES)
    model.set_parameter(Parameter.NEIGHBOURS, round(scale * 2**20))
    assert drawn_like(model, replace(ALL, variant="k", neighbour_scale=scale))


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
@pytest.mark.parametrize("first", AMPER_VARIANTS)
def test_variant(first, variant):
    model = filled(replace(ALL, variant=first), CODES)
    model.sample()
    model.set_parameter(Parameter.VARIANT, AMPER_VARIANTS.index(variant))
    assert drawn_like(model, replace(ALL, variant=variant))


def test_batch_is_what_a_request_means_that_says_nothing():
    model = filled(ALL, CODES)
    model.set_parameter(Parameter.BATCH, 2)
    assert len(model.sample()) == 2
    assert len(model.sample(5)) == 5  # up to what it was built for


def test_rows_in_use():
    model = GoldenModel(ALL)
    model.set_parameter(Parameter.ROWS, 3)
    for call in (lambda: model.write(3, 7), lambda: model.invalidate(3)):
        with pytest.raises(ValueError, match=exactly("row must be 0 to 2, not 3")):
            call()
    model.write(2, 7)
    before = snapshot(model)
    message = "ROWS can only be set, here to 4, while no row is valid: set CLEAR first"
    with pytest.raises(ValueError, match=exactly(message)):
        model.set_parameter(Parameter.ROWS, 4)
    assert snapshot(model) == before
    model.invalidate(2)
    model.set_parameter(Parameter.ROWS, 12)
    model.write(11, 7)
    assert model.sample().tolist() == [11] * 5


def test_disabled():
    """Checked before the batch and before the rows; no random word is used up, and writes go on."""
    model = GoldenModel(AmperConfig(rows=64, variant="fr-dithered", seed=21))
    model.set_parameter(Parameter.ENABLE, 0)
    for row in range(64):
        model.write(row, 100 * row)
    message = "sample needs the sampler enabled, and ENABLE is 0: set it to 1 first"
    for size in (None, 1, 0, 65):
        with pytest.raises(DisabledError, match=exactly(message)):
            model.sample(size)
    model.set_parameter(Parameter.ENABLE, 1)
    assert model.sample().tolist() == busy_model().sample().tolist()
    assert issubclass(DisabledError, RuntimeError)
    assert Status.DISABLED == 4


def test_clear():
    model = filled(ALL, CODES)
    model.set_parameter(Parameter.GROUPS, 4)
    model.set_parameter(Parameter.CLEAR, 1)
    assert model.priorities == [None] * 12
    assert (model.vmax, model.get_parameter(Parameter.GROUPS)) == (None, 4)
    with pytest.raises(NoValidRowError):
        model.sample()


def test_stream_states_are_a_seed():
    """Eight words make any model draw like one that was seeded."""
    model = filled(ALL, CODES)
    model.sample()
    (q0, q1), (d0, d1) = replace(ALL, seed=99).stream_states
    words = [word >> shift & 0xFFFFFFFF for word in (q0, q1, d0, d1) for shift in (0, 32)]
    for name, word in zip(STATES, words, strict=True):
        model.set_parameter(name, word)
        assert model.get_parameter(name) == word
    query, draw = streams(99)
    model.sample(3)
    assert list(model.last_batch.query_words) == take(query, 6)
    assert list(model.last_batch.draw_words) == take(draw, 3)


def test_reset_restores_all():
    model = filled(ALL, CODES)
    first = snapshot(GoldenModel(ALL))
    for name, value in (("GROUPS", 3), ("RADIUS", 5), ("NEIGHBOURS", 6), ("VARIANT", 3), ("BATCH", 1), ("ENABLE", 0)):
        model.set_parameter(Parameter[name], value)
    for name in STATES:
        model.set_parameter(name, 7)
    model.set_parameter(Parameter.CLEAR, 1)
    model.set_parameter(Parameter.ROWS, 2)
    assert all(now != then for now, then in zip(snapshot(model)[0][:7], first[0][:7], strict=True))
    model.reset()
    assert snapshot(model) == first


# --- refusals --------------------------------------------------------------------------------------------------------

REFUSED = [
    ("GROUPS", 0, "GROUPS must be 1 to 6, not 0"),
    ("GROUPS", 7, "GROUPS must be 1 to 6, not 7"),
    ("RADIUS", 6 << 24, "RADIUS must be 0 to 100663295, not 100663296"),
    ("NEIGHBOURS", 1 << 24, "NEIGHBOURS must be 0 to 16777215, not 16777216"),
    ("VARIANT", 5, "VARIANT must be 0 to 4, not 5"),
    ("BATCH", 0, "BATCH must be 1 to 5, not 0"),
    ("BATCH", 6, "BATCH must be 1 to 5, not 6"),
    ("ROWS", 0, "ROWS must be 1 to 12, not 0"),
    ("ROWS", 13, "ROWS must be 1 to 12, not 13"),
    ("ROWS", 12, "ROWS can only be set, here to 12, while no row is valid: set CLEAR first"),
    ("ENABLE", 2, "ENABLE must be 0 to 1, not 2"),
    ("CLEAR", 0, "CLEAR must be 1 to 1, not 0"),
    ("CLEAR", 2, "CLEAR must be 1 to 1, not 2"),
    *(
        (name.name, value, f"{name.name} must be 0 to 4294967295, not {value}")
        for name in Parameter
        for value in (-1, 1 << 32)
    ),
]


@pytest.mark.parametrize(("name", "value", "message"), REFUSED)
def test_a_refused_value_changes_nothing(name, value, message):
    model = filled(ALL, CODES)
    before = snapshot(model)
    with pytest.raises(ValueError, match=exactly(message)):
        model.set_parameter(Parameter[name], value)
    assert snapshot(model) == before


def test_groups_keep_the_radius_below_16():
    model = filled(ALL, CODES)
    model.set_parameter(Parameter.RADIUS, 3 << 24)
    with pytest.raises(
        ValueError, match=exactly("GROUPS must be at least 4, so that RADIUS / GROUPS is below 16, not 3")
    ):
        model.set_parameter(Parameter.GROUPS, 3)
    assert model.get_parameter(Parameter.GROUPS) == 6
    model.set_parameter(Parameter.RADIUS, (3 << 24) - 1)
    model.set_parameter(Parameter.GROUPS, 3)
    assert model.settings.radius_coefficient == (1 << 24) - 1
    with pytest.raises(ValueError, match=exactly("RADIUS must be 0 to 50331647, not 50331648")):
        model.set_parameter(Parameter.RADIUS, 3 << 24)


@pytest.mark.parametrize(
    ("variants", "name", "value", "message"),
    [
        (("k",), "RADIUS", 1, "RADIUS needs an fr variant built in, got 1; built in: k"),
        (("k",), "VARIANT", 0, "VARIANT needs its variant, fr-dithered, built in, got 0; built in: k"),
        (("fr", "fr-prefix"), "NEIGHBOURS", 0, "NEIGHBOURS needs variant k built in, got 0; built in: fr-prefix, fr"),
        (("fr", "fr-prefix"), "VARIANT", 3, "VARIANT needs its variant, k, built in, got 3; built in: fr-prefix, fr"),
    ],
)
def test_what_is_not_built_in(variants, name, value, message):
    model = GoldenModel(AmperConfig(rows=3, variant=variants[0], variants=variants))
    before = snapshot(model)
    with pytest.raises(ValueError, match=exactly(message)):
        model.set_parameter(Parameter[name], value)
    assert snapshot(model) == before


@pytest.mark.parametrize("stream", ["QUERY", "DRAW"])
@pytest.mark.parametrize("last", range(4))
def test_a_state_of_zeros_is_refused(stream, last):
    """By the word that would make it so, whichever that is."""
    model = GoldenModel(ALL)
    names = [Parameter[f"{stream}_STATE_{word}"] for word in range(4)]
    for name in names:
        if name != names[last]:
            model.set_parameter(name, 0)
    model.set_parameter(names[last], 5)
    message = f"{names[last].name} must not make the state of the stream all 0, got 0"
    with pytest.raises(ValueError, match=exactly(message)):
        model.set_parameter(names[last], 0)
    assert [model.get_parameter(name) for name in names] == [5 if name == names[last] else 0 for name in names]


@pytest.mark.parametrize("number", [-1, 16, 255])
def test_unknown_parameter(number):
    model = GoldenModel(ALL)
    for call in (lambda: model.set_parameter(number, 1), lambda: model.get_parameter(number)):
        with pytest.raises(ValueError, match=exactly(f"parameter must be 0 to 15, not {number}")):
            call()


@pytest.mark.parametrize("value", [None, True, 1.0, "1", np.float64(1)], ids=repr)
def test_wrong_kind(value):
    model = GoldenModel(ALL)
    with pytest.raises(TypeError, match=exactly(f"GROUPS must be an integer, not {value!r}")):
        model.set_parameter(Parameter.GROUPS, value)
    with pytest.raises(TypeError, match=exactly(f"parameter must be an integer, not {value!r}")):
        model.set_parameter(value, 1)


def test_plain_and_numpy_integers():
    model = GoldenModel(ALL)
    model.set_parameter(0, np.uint32(2))
    assert model.get_parameter(np.int64(0)) == 2
    assert type(model.settings.groups) is int


# --- any order -------------------------------------------------------------------------------------------------------


def legal(config, force, parameter, value, empty):
    """The table of parameters.md, a second time; ``force`` is the configuration with the values in force."""
    rules = {
        Parameter.GROUPS: 1 <= value <= config.groups and round(force.radius_scale * 2**20) < value * 2**24,
        Parameter.RADIUS: value < force.groups * 2**24 and config.variants != ("k",),
        Parameter.NEIGHBOURS: value < 2**24 and "k" in config.variants,
        Parameter.VARIANT: value < 4 and AMPER_VARIANTS[value % 4] in config.variants,
        Parameter.BATCH: 1 <= value <= config.batch,
        Parameter.ROWS: 1 <= value <= config.rows and empty,
    }
    return rules[parameter]


def changed(force, parameter, value):
    """``force`` after a legal change."""
    scale = {Parameter.RADIUS: "radius_scale", Parameter.NEIGHBOURS: "neighbour_scale"}.get(parameter)
    if scale:
        return replace(force, **{scale: value / 2**20})
    if parameter == Parameter.VARIANT:
        return replace(force, variant=AMPER_VARIANTS[value])
    return replace(force, **{parameter.name.lower(): value})


@STEADY
@given(data=st.data(), built_in=st.sets(st.sampled_from(AMPER_VARIANTS), min_size=1), seed=st.integers(0, 2**32))
def test_any_order_of_changes_and_batches(data, built_in, seed):
    variants = tuple(sorted(built_in))
    config = AmperConfig(
        rows=6, priority_width=5, groups=7, batch=4, variant=variants[0], variants=variants, radius_scale=3.0, seed=seed
    )
    model, force = GoldenModel(config), config
    query, draw = streams(seed)
    number = st.integers(0, 9) | st.integers(0, 2**27) | st.integers(0, 2**32 - 1)
    operation = st.one_of(
        st.tuples(st.just("write"), st.integers(0, 5), st.integers(0, 31)),
        st.tuples(st.just("set"), st.sampled_from(list(Parameter)[:6]), number),
        st.tuples(st.just("clear")),
        st.tuples(st.just("sample"), st.integers(1, 4)),
    )
    for name, *values in data.draw(st.lists(operation, max_size=25)):
        empty = model.vmax is None
        if name == "write" and values[0] < force.rows:
            model.write(*values)
        elif name == "clear":
            model.set_parameter(Parameter.CLEAR, 1)
        elif name == "set":
            if legal(config, force, *values, empty):
                model.set_parameter(*values)
                force = changed(force, *values)
            else:
                with pytest.raises(ValueError, match=values[0].name):
                    model.set_parameter(*values)
        elif name == "sample" and not empty:
            model.sample(values[0])
            assert list(model.last_batch.query_words) == take(query, force.groups)
            page = replace(force, rows=config.rows)
            assert_follows_the_page(model, model.last_batch, take(draw, values[0]), page)
