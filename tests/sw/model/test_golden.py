"""The golden model against a second reading of docs/reference/algorithm.md; representatives, Vmax, errors."""

import re
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.golden import (
    GROUPS,
    SIZES,
    STEADY,
    WIDTHS,
    WORD_MAX,
    assert_follows_the_page,
    busy_model,
    configurations,
    filled,
    filled_models,
    pattern,
    scripted,
    take,
)

from amper import AMPER_VARIANTS, AmperConfig, GoldenModel, NoValidRowError, Status, streams


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rows", SIZES)
def test_every_step_of_the_page(rows, width, groups, variant):
    """Four patterns of codes, one after the other; the words are those of the two streams, in order."""
    random = np.random.default_rng([rows, width, groups, AMPER_VARIANTS.index(variant)])
    config = AmperConfig(
        rows=rows,
        priority_width=width,
        groups=groups,
        batch=5,
        variant=variant,
        radius_scale=float(random.choice([0.15, 1.0, 3.0])),
        neighbour_scale=float(random.choice([0.02, 0.3, 2.0])),
        seed=int(random.integers(2**63)),
    )
    model = GoldenModel(config)
    query, draw = streams(config.seed)
    for name in ("equal", "tiny", "skewed", "holes"):
        for row, code in enumerate(pattern(name, rows, config.priority_max, random)):
            if code is None:
                model.invalidate(row)
            else:
                model.write(row, code)
        size = int(random.integers(1, 5, endpoint=True))
        indices = model.sample(size)
        batch = model.last_batch
        assert list(batch.query_words) == take(query, groups)
        assert_follows_the_page(model, batch, take(draw, size))
        assert indices.dtype == np.int64
        assert indices.tolist() == list(batch.indices)


@settings(STEADY, max_examples=200)
@given(model=filled_models())
def test_any_memory_follows_the_page(model):
    query, draw = streams(model.config.seed)
    model.sample()
    assert list(model.last_batch.query_words) == take(query, model.config.groups)
    assert_follows_the_page(model, model.last_batch, take(draw, model.config.batch))


@STEADY
@given(data=st.data(), config=configurations())
def test_any_operations(data, config):
    """Writes, invalidations and batches in any order against a dictionary of the valid rows."""
    model, valid = GoldenModel(config), {}
    query, draw = streams(config.seed)
    row, code = st.integers(0, config.rows - 1), st.integers(0, config.priority_max)
    operation = st.one_of(
        st.tuples(st.just("write"), row, code),
        st.tuples(st.just("invalidate"), row),
        st.tuples(st.just("sample"), st.integers(1, config.batch)),
    )
    for name, *values in data.draw(st.lists(operation, max_size=30)):
        if name == "write":
            model.write(*values)
            valid[values[0]] = values[1]
        elif name == "invalidate":
            model.invalidate(*values)
            valid.pop(values[0], None)
        elif valid:
            assert set(model.sample(*values).tolist()) <= set(valid)
            assert list(model.last_batch.query_words) == take(query, config.groups)
            assert_follows_the_page(model, model.last_batch, take(draw, *values))
        else:
            with pytest.raises(NoValidRowError):
                model.sample(*values)
        assert model.vmax == max(valid.values(), default=None)
        assert {row: code for row, code in enumerate(model.priorities) if code is not None} == valid


# --- representatives --------------------------------------------------------------------------------


@STEADY
@given(model=filled_models())
def test_representatives_ascend_in_their_groups(model):
    config = model.config
    model.sample()
    batch = model.last_batch
    assert all(low <= high for low, high in pairwise(batch.representatives))
    assert batch.representatives[0] >= 0
    assert batch.representatives[-1] <= batch.vmax
    width = min(config.priority_width + 8, 32)
    for group, (word, value) in enumerate(zip(batch.query_words, batch.representatives, strict=True)):
        # The exact place in [0, 1); the page's is less than two units of 2^-FW below it.
        place = (group + Fraction(word >> (64 - width), 2**width)) / config.groups
        assert value <= place * (batch.vmax + 1) < value + 1 + Fraction(2 * (batch.vmax + 1), 2**width)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("groups", [1, 2, 3, 20, 256])
def test_ends_of_the_groups(groups, width):
    """u = 0 and u at its largest: the first group starts at code 0, the last ends at Vmax."""
    config = AmperConfig(rows=1, variant="fr-dithered", priority_width=width, groups=groups, batch=1)
    model = scripted(config, [config.priority_max], [0] * groups + [WORD_MAX] * groups, [0, 0])
    model.sample()
    first = model.last_batch.representatives
    model.sample()
    last = model.last_batch.representatives
    assert first[0] == 0
    assert all(begin <= end for begin, end in zip(first, last, strict=True))
    assert all(end <= begin for end, begin in zip(last, first[1:], strict=False))
    assert last[-1] == config.priority_max


def test_representatives_are_uniform_in_their_group():
    """All 4096 values of u at Q = 4 and one group: each of the 16 codes is drawn 256 times."""
    config = AmperConfig(rows=1, variant="fr-dithered", priority_width=4, groups=1, batch=1)
    model = scripted(config, [15], [u << 52 for u in range(4096)], [0] * 4096)
    counts = np.zeros(16, dtype=int)
    for _ in range(4096):
        model.sample()
        counts[model.last_batch.representatives[0]] += 1
    assert counts.tolist() == [256] * 16


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_more_groups_than_codes(variant):
    config = AmperConfig(rows=7, priority_width=4, groups=20, variant=variant, radius_scale=20.0, seed=3)
    model = filled(config, [0, 1, 2, 2, 1, 0, None])
    for _ in range(20):
        assert set(model.sample().tolist()) <= set(range(6))
        assert set(model.last_batch.representatives) == {0, 1, 2}


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
@pytest.mark.parametrize("groups", GROUPS)
def test_vmax_zero(groups, variant):
    """Every representative and radius is 0 and every row matches."""
    config = AmperConfig(rows=7, priority_width=8, groups=groups, variant=variant, radius_scale=groups, seed=3)
    model = filled(config, [0] * 7)
    model.sample()
    batch = model.last_batch
    assert batch.vmax == 0
    assert set(batch.representatives) == set(batch.radii) == {0}
    assert batch.csp == (True,) * 7
    assert batch.status is Status.OK


# --- Vmax -------------------------------------------------------------------------------------------


def test_vmax_after_overwrite_and_invalidate():
    model = filled(AmperConfig(rows=7, variant="fr-dithered", priority_width=8), [3, 200, 7, 200])
    seen = [model.vmax]
    for change in (
        lambda: model.write(1, 5),
        lambda: model.invalidate(3),
        lambda: model.write(6, 8),
        lambda: model.write(6, 6),
        lambda: model.invalidate(2),
    ):
        change()
        seen.append(model.vmax)
        model.sample()
        assert model.last_batch.vmax == model.vmax
    assert seen == [200, 200, 7, 8, 7, 6]


def test_vmax_of_an_empty_memory():
    model = GoldenModel(AmperConfig(rows=2, variant="fr-dithered"))
    assert model.vmax is None
    model.write(1, 0)
    assert model.vmax == 0
    model.invalidate(1)
    assert model.vmax is None


# --- errors -----------------------------------------------------------------------------------------


def test_statuses_are_the_documented_numbers():
    assert {status.name: status.value for status in Status} == {
        "OK": 0,
        "FALLBACK": 1,
        "NO_VALID_ROW": 2,
        "BAD_BATCH": 3,
        "DISABLED": 4,
        "ROW_FAULT": 5,
    }


@pytest.mark.parametrize("config", [None, {"rows": 3}, 3, AmperConfig], ids=repr)
def test_not_a_configuration(config):
    with pytest.raises(TypeError, match=rf"\A{re.escape(f'config must be an AmperConfig, not {config!r}')}\Z"):
        GoldenModel(config)


@pytest.mark.parametrize("value", [True, np.True_, 1.0, np.float64(1), "1", [1]], ids=repr)
@pytest.mark.parametrize("name", ["row", "priority", "invalidated row", "batch"])
def test_wrong_kind(name, value):
    model = busy_model()
    calls = {
        "row": lambda: model.write(value, 1),
        "priority": lambda: model.write(1, value),
        "invalidated row": lambda: model.invalidate(value),
        "batch": lambda: model.sample(value),
    }
    message = f"{name.split()[-1]} must be an integer, not {value!r}"
    with pytest.raises(TypeError, match=rf"\A{re.escape(message)}\Z"):
        calls[name]()
    assert model.priorities == busy_model().priorities


def test_none_is_no_code():
    """None marks an invalid row inside the model; writing it is no way to invalidate."""
    with pytest.raises(TypeError, match=r"\Apriority must be an integer, not None\Z"):
        busy_model().write(1, None)


@pytest.mark.parametrize("rows", SIZES)
@pytest.mark.parametrize("width", WIDTHS)
def test_out_of_range(rows, width):
    top = 2**width - 1
    model = GoldenModel(AmperConfig(rows=rows, variant="fr-dithered", priority_width=width))
    for row in (-1, rows, 10**30):
        message = rf"\Arow must be 0 to {rows - 1}, not {row}\Z"
        with pytest.raises(ValueError, match=message):
            model.write(row, 1)
        with pytest.raises(ValueError, match=message):
            model.invalidate(row)
    for priority in (-1, top + 1, 10**30):
        with pytest.raises(ValueError, match=rf"\Apriority must be 0 to {top}, not {priority}\Z"):
            model.write(0, priority)
    assert model.priorities == [None] * rows
    model.write(0, top)
    model.write(rows - 1, 0)
    assert (model.priorities[0], model.priorities[-1]) == (top if rows > 1 else 0, 0)


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64, np.uint64])
def test_numpy_integers(kind):
    model = GoldenModel(AmperConfig(rows=7, variant="fr-dithered", priority_width=8))
    model.write(kind(6), kind(100))
    assert model.priorities == [None] * 6 + [100]
    assert type(model.priorities[6]) is int
    model.invalidate(kind(6))
    assert model.vmax is None
