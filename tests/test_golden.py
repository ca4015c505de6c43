"""The golden model against a second reading of docs/algorithm.md, and against properties the page promises.

The oracle below was written from the page, in exact fractions and NumPy arrays; it shares no code with it.
"""

import re
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amper import (
    VARIANTS,
    AmperConfig,
    Batch,
    GoldenModel,
    NoValidRowError,
    Status,
    Xoroshiro128PlusPlus,
    streams,
)

# The same examples every time, however busy the machine.
STEADY = settings(deadline=None, derandomize=True)
SIZES = (1, 2, 7, 64, 100, 257)
WIDTHS = (4, 8, 16, 32)
GROUPS = (1, 3, 20)
WORD_MAX = 2**64 - 1

# --- the oracle -------------------------------------------------------------------------------------


class Page:
    """The steps of docs/algorithm.md for the codes of ``rows`` (None = invalid) and given query words."""

    def __init__(self, config, rows, query_words):
        self.config = config
        self.q, self.m = config.priority_width, config.groups
        self.valid = np.array([code is not None for code in rows])
        self.codes = np.array([-1 if code is None else code for code in rows], dtype=np.int64)
        self.vmax = int(self.codes.max())
        self.fraction = min(self.q + 8, 32)
        self.values = [self.value(i, word >> (64 - self.fraction)) for i, word in enumerate(query_words)]
        self.bounds = [self.value(i, 0) for i in range(self.m)] + [self.vmax + 1]
        self.radii = [0] * self.m
        self.masks = [2**self.q - 1] * self.m
        self.neighbours = [0] * self.m
        search = {"k": self.search_nearest, "fr": self.search_range}.get(config.variant, self.search_prefix)
        self.match_sets = [search(i, word) for i, word in enumerate(query_words)]
        self.union = np.logical_or.reduce(self.match_sets)
        self.csp = self.union if self.union.any() else self.valid

    def value(self, group, u):
        shift = self.fraction + next(k for k in range(9) if 2**k >= self.m)
        reciprocal = int(Fraction(2**shift, self.m))
        f = int(Fraction((group * 2**self.fraction + u) * reciprocal, 2**shift))
        return int(Fraction(f * (self.vmax + 1), 2**self.fraction))

    def radius(self, group):
        coefficient = round(Fraction(self.config.radius_scale * 2**20 / self.m))
        return min(2**self.q - 1, int(Fraction(self.values[group] * coefficient, 2**20)))

    def search_range(self, group, _word):
        self.radii[group] = self.radius(group)
        return self.within(self.values[group], self.radii[group])

    def search_prefix(self, group, word):
        d = self.radii[group] = self.radius(group)
        s = len(f"{d:b}") if d else 0
        if self.config.variant == "fr-dithered" and d:
            low = f"{word:064b}"[64 - (s - 1) :] or "0"
            s += int(low, 2) < d - 2 ** (s - 1)
        s = min(s, self.q)
        self.masks[group] = int("1" * (self.q - s) + "0" * s, 2)
        return self.valid & (self.codes >> s == self.values[group] >> s)

    def search_nearest(self, group, _word):
        first, end = self.bounds[group : group + 2]
        in_group = np.count_nonzero((self.codes >= first) & (self.codes < end) & self.valid)
        if not in_group:
            return np.zeros_like(self.valid)
        coefficient = round(Fraction(self.config.neighbour_scale * 2**20))
        wanted = 1
        if self.vmax:
            share = Fraction(coefficient * self.values[group] * int(in_group), 2**20 * self.vmax)
            wanted = int(np.clip(-(-share // 1), 1, np.count_nonzero(self.valid)))
        self.neighbours[group] = wanted
        # Bisection, as hardware does it: the smallest d with at least that many rows within d.
        low, high = 0, 2**self.q - 1
        while low < high:
            middle = (low + high) // 2
            if np.count_nonzero(self.within(self.values[group], middle)) >= wanted:
                high = middle
            else:
                low = middle + 1
        self.radii[group] = low
        return self.within(self.values[group], low)

    def within(self, value, radius):
        return self.valid & (np.abs(self.codes - value) <= radius)


def assert_follows_the_page(model: GoldenModel, batch: Batch, draw_words: list[int]) -> None:
    """Every field of ``batch``, just drawn from ``model``."""
    page = Page(model.config, model.priorities, batch.query_words)
    assert batch.vmax == page.vmax
    assert list(batch.representatives) == page.values
    assert list(batch.radii) == page.radii
    assert list(batch.masks) == page.masks
    assert list(batch.neighbours) == page.neighbours
    assert [sorted(rows) for rows in batch.match_sets] == [np.flatnonzero(s).tolist() for s in page.match_sets]
    assert list(batch.csp) == page.csp.tolist()
    assert batch.csp_size == np.count_nonzero(page.csp)
    assert batch.fallback == (not page.union.any())
    assert batch.status is (Status.OK if page.union.any() else Status.FALLBACK)
    candidates = np.flatnonzero(page.csp)
    assert list(batch.draw_words) == draw_words
    assert list(batch.ranks) == [int(Fraction((w >> 32) * len(candidates), 2**32)) for w in draw_words]
    assert list(batch.indices) == candidates[list(batch.ranks)].tolist()
    assert list(batch.priorities) == page.codes[list(batch.indices)].tolist()


def take(stream: Xoroshiro128PlusPlus, count: int) -> list[int]:
    return [stream.next() for _ in range(count)]


def filled(config: AmperConfig, codes: list[int | None]) -> GoldenModel:
    model = GoldenModel(config)
    for row, code in enumerate(codes):
        if code is not None:
            model.write(row, code)
    return model


def pattern(name: str, rows: int, top: int, random: np.random.Generator) -> list[int | None]:
    """Codes of every row, 0 to ``top``; None where the row is invalid."""
    if name == "equal":
        return [int(random.integers(0, top, endpoint=True))] * rows
    if name == "tiny":  # few codes, so that Vmax + 1 is below the number of groups
        return random.integers(0, min(top, 2), rows, endpoint=True).tolist()
    if name == "skewed":
        return np.minimum(top, random.exponential(top / 8, rows)).astype(np.int64).tolist()
    codes = random.integers(0, top, rows, endpoint=True).tolist()
    holes = random.random(rows) < 0.4
    holes[random.integers(rows)] = False
    return [None if hole else code for code, hole in zip(codes, holes, strict=True)]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rows", SIZES)
def test_every_step_of_the_page(rows, width, groups, variant):
    """Four patterns of codes, one after the other; the words are those of the two streams, in order."""
    random = np.random.default_rng([rows, width, groups, VARIANTS.index(variant)])
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


@st.composite
def configurations(draw, variant=None):
    groups = draw(st.sampled_from([1, 2, 3, 20, 256]))
    return AmperConfig(
        rows=draw(st.integers(1, 12)),
        priority_width=draw(st.sampled_from([4, 5, 8, 23, 24, 25, 32])),
        groups=groups,
        batch=draw(st.integers(1, 8)),
        variant=variant or draw(st.sampled_from(VARIANTS)),
        radius_scale=draw(st.floats(0, 15.9 * groups)),
        neighbour_scale=draw(st.floats(0, 15.9)),
        seed=draw(st.integers(0, WORD_MAX)),
    )


@st.composite
def filled_models(draw, variant=None):
    """A model with at least one valid row; many codes are 0, the top or a few others: ties abound."""
    config = draw(configurations(variant))
    few = draw(st.lists(st.integers(0, config.priority_max), min_size=1, max_size=3))
    code = st.sampled_from([*few, 0, config.priority_max]) | st.integers(0, config.priority_max)
    codes = draw(st.lists(st.none() | code, min_size=config.rows, max_size=config.rows))
    codes[draw(st.integers(0, config.rows - 1))] = draw(code)
    return filled(config, codes)


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


class Script:
    """A stream of given words."""

    def __init__(self, words):
        self.words = iter(words)

    def next(self):
        return next(self.words)


@pytest.fixture
def scripted(monkeypatch):
    """Make a model whose streams give the words asked for."""

    def make(config, codes, query_words, draw_words):
        monkeypatch.setattr("amper.golden.streams", lambda _seed: (Script(query_words), Script(draw_words)))
        return filled(config, codes)

    return make


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("groups", [1, 2, 3, 20, 256])
def test_ends_of_the_groups(scripted, groups, width):
    """u = 0 and u at its largest: the first group starts at code 0, the last ends at Vmax."""
    config = AmperConfig(rows=1, priority_width=width, groups=groups, batch=1)
    model = scripted(config, [config.priority_max], [0] * groups + [WORD_MAX] * groups, [0, 0])
    model.sample()
    first = model.last_batch.representatives
    model.sample()
    last = model.last_batch.representatives
    assert first[0] == 0
    assert all(begin <= end for begin, end in zip(first, last, strict=True))
    assert all(end <= begin for end, begin in zip(last, first[1:], strict=False))
    assert last[-1] == config.priority_max


def test_representatives_are_uniform_in_their_group(scripted):
    """All 4096 values of u at Q = 4 and one group: each of the 16 codes is drawn 256 times."""
    config = AmperConfig(rows=1, priority_width=4, groups=1, batch=1)
    model = scripted(config, [15], [u << 52 for u in range(4096)], [0] * 4096)
    counts = np.zeros(16, dtype=int)
    for _ in range(4096):
        model.sample()
        counts[model.last_batch.representatives[0]] += 1
    assert counts.tolist() == [256] * 16


@pytest.mark.parametrize("variant", VARIANTS)
def test_more_groups_than_codes(variant):
    config = AmperConfig(rows=7, priority_width=4, groups=20, variant=variant, radius_scale=20.0, seed=3)
    model = filled(config, [0, 1, 2, 2, 1, 0, None])
    for _ in range(20):
        assert set(model.sample().tolist()) <= set(range(6))
        assert set(model.last_batch.representatives) == {0, 1, 2}


@pytest.mark.parametrize("variant", VARIANTS)
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
    model = filled(AmperConfig(rows=7, priority_width=8), [3, 200, 7, 200])
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
    model = GoldenModel(AmperConfig(rows=2))
    assert model.vmax is None
    model.write(1, 0)
    assert model.vmax == 0
    model.invalidate(1)
    assert model.vmax is None


# --- radii, masks, match sets -----------------------------------------------------------------------


@STEADY
@given(model=st.one_of(filled_models("fr-prefix"), filled_models("fr-dithered")))
def test_masks_are_contiguous_and_blocks_hold_their_representative(model):
    model.sample()
    batch, top = model.last_batch, model.config.priority_max
    for value, mask, radius, rows in zip(
        batch.representatives, batch.masks, batch.radii, batch.match_sets, strict=True
    ):
        ignored = top - mask
        assert ignored & (ignored + 1) == 0  # ones only at the low end
        assert min(radius, top) <= ignored <= 4 * radius
        block = range(value & mask, (value & mask) + ignored + 1)
        assert value in block
        expected = {row for row, code in enumerate(model.priorities) if code is not None and code in block}
        assert rows == expected


@pytest.mark.parametrize("radius", [1, 2, 3, 5, 8, 13, 31, 64, 100, 127])
def test_dithered_block_is_two_radii_wide_on_average(scripted, radius):
    """Every value of t once: the mean number of codes in the block is exactly 2 D."""
    choices = 2 ** (radius.bit_length() - 1)
    # One group, Vmax = V = 255: u is all ones and D = (255 * coefficient) >> 20.
    config = AmperConfig(rows=1, priority_width=8, groups=1, batch=1, radius_scale=(radius + 0.5) / 255)
    top_bits = 0xFFFF << 48
    model = scripted(config, [255], [top_bits | t for t in range(choices)], [0] * choices)
    blocks = []
    for _ in range(choices):
        model.sample()
        assert model.last_batch.radii == (radius,)
        assert model.last_batch.representatives == (255,)
        blocks.append(256 - model.last_batch.masks[0])
    assert Fraction(sum(blocks), choices) == 2 * radius
    assert set(blocks) <= {2 ** radius.bit_length(), 2 ** (radius.bit_length() + 1)}


@pytest.mark.parametrize("variant", ["fr-prefix", "fr-dithered"])
def test_mask_never_wider_than_the_code(scripted, variant):
    """A radius of 2^Q - 1 ignores all bits: dither must not go beyond."""
    config = AmperConfig(rows=2, priority_width=4, groups=1, batch=1, variant=variant, radius_scale=15.9)
    model = scripted(config, [15, 0], [0xFFF << 52], [0])
    model.sample()
    assert (model.last_batch.radii, model.last_batch.masks) == ((15,), (0,))
    assert model.last_batch.match_sets == (frozenset({0, 1}),)


@pytest.mark.parametrize(("variant", "rows"), [("fr", {1, 2, 3}), ("fr-prefix", {2, 3}), ("k", {2})])
def test_match_sets_at_the_edges(scripted, variant, rows):
    """V = 15 and D = 3 (k: N = 1): distance 3 matches, 4 does not, and nothing wraps from 15 to 0."""
    config = AmperConfig(
        rows=5, priority_width=4, groups=1, batch=1, variant=variant, radius_scale=0.21, neighbour_scale=0.2
    )
    codes = [11, 12, 15, 13, 0] if variant == "fr" else [11, 7, 15, 13, 0]
    model = scripted(config, codes, [WORD_MAX], [0])
    model.sample()
    assert model.last_batch.representatives == (15,)
    assert model.last_batch.match_sets == (frozenset(rows),)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("rows", SIZES)
def test_all_equal_priorities_match_together(rows, variant):
    """Rows of the same code are in a match set together or not at all, and all are drawn."""
    config = AmperConfig(rows=rows, priority_width=8, batch=4, variant=variant, radius_scale=20.0, seed=rows)
    model = filled(config, [77] * rows)
    model.sample()
    assert {len(matched) for matched in model.last_batch.match_sets} <= {0, rows}
    assert model.last_batch.csp == (True,) * rows


# --- k ----------------------------------------------------------------------------------------------


@settings(STEADY, max_examples=200)
@given(model=filled_models("k"))
def test_nearest_neighbours(model):
    """At least one in every group that has a row, the nearest ones, as few as N allows, and ties all in."""
    model.sample()
    batch = model.last_batch
    valid = {row: code for row, code in enumerate(model.priorities) if code is not None}
    page = Page(model.config, model.priorities, batch.query_words)
    for group, (value, wanted, radius, rows) in enumerate(
        zip(batch.representatives, batch.neighbours, batch.radii, batch.match_sets, strict=True)
    ):
        populated = any(page.bounds[group] <= code < page.bounds[group + 1] for code in valid.values())
        assert populated == (wanted >= 1) == bool(rows)
        if not populated:
            assert radius == 0
            continue
        distances = {row: abs(code - value) for row, code in valid.items()}
        assert wanted <= len(rows) <= len(valid)
        assert max(distances[row] for row in rows) == radius
        assert all(distances[row] > radius for row in valid.keys() - rows)
        assert sum(distance < radius for distance in distances.values()) < wanted


def test_ties_at_the_last_neighbour_all_count(scripted):
    """V = 8 and N = 2: rows 0 and 1 are 1 away and row 3 is too."""
    config = AmperConfig(rows=5, priority_width=4, groups=1, batch=1, variant="k", neighbour_scale=0.6)
    model = scripted(config, [7, 9, 15, 9, 2], [0x800 << 52], [0])
    model.sample()
    batch = model.last_batch
    assert (batch.representatives, batch.neighbours, batch.radii) == ((8,), (2,), (1,))
    assert batch.match_sets == (frozenset({0, 1, 3}),)


@pytest.mark.parametrize("groups", GROUPS)
def test_scale_zero_still_finds_one_neighbour(groups):
    config = AmperConfig(rows=64, priority_width=16, groups=groups, variant="k", neighbour_scale=0.0, seed=9)
    model = filled(config, list(range(0, 64000, 1000)))
    model.sample()
    assert set(model.last_batch.neighbours) == {1}


# --- the candidate set and the draws ----------------------------------------------------------------


def test_empty_csp_falls_back_to_all_valid_rows(scripted):
    """V = 0 with radius 0, and nobody holds code 0."""
    config = AmperConfig(rows=5, priority_width=4, groups=1, batch=4, variant="fr", radius_scale=0.0)
    model = scripted(config, [3, None, 9, 15, None], [0], [0, 2**62, 2**63, WORD_MAX])
    assert model.sample().tolist() == [0, 0, 2, 3]
    batch = model.last_batch
    assert (batch.fallback, batch.status) == (True, Status.FALLBACK)
    assert batch.match_sets == (frozenset(),)
    assert batch.csp == (True, False, True, True, False)


def test_csp_of_one_row(scripted):
    config = AmperConfig(rows=5, priority_width=4, groups=1, batch=3, variant="fr", radius_scale=0.0)
    model = scripted(config, [3, 0, 9, 15, None], [0], [0, 2**63, WORD_MAX])
    assert model.sample().tolist() == [1, 1, 1]
    assert model.last_batch.status is Status.OK
    assert model.last_batch.csp_size == 1


@pytest.mark.parametrize("rows", SIZES)
def test_csp_of_all_rows(rows):
    config = AmperConfig(rows=rows, priority_width=8, groups=3, variant="fr", radius_scale=47.0, seed=2)
    model = filled(config, [(37 * row) % 256 for row in range(rows)])
    model.sample()
    batch = model.last_batch
    assert max(batch.radii) >= batch.vmax
    assert batch.csp == (True,) * rows
    assert batch.status is Status.OK


@pytest.mark.parametrize("rows", SIZES)
def test_rank_thresholds(scripted, rows):
    """Rank j is chosen from ceil(j 2^32 / |CSP|) on, and the low half of a word plays no part."""
    starts = [-(-(rank << 32) // rows) for rank in range(rows)]
    ends = [start - 1 for start in starts[1:]] + [2**32 - 1]
    words = [start << 32 for start in starts] + [end << 32 | 2**32 - 1 for end in ends]
    config = AmperConfig(rows=rows, groups=1, batch=2 * rows)
    model = scripted(config, [0] * rows, [5], words)
    assert model.sample().tolist() == [*range(rows), *range(rows)]


@pytest.mark.parametrize("variant", VARIANTS)
def test_index_is_a_row_of_the_csp(variant):
    config = AmperConfig(rows=100, variant=variant, seed=11)
    model = filled(config, np.random.default_rng(4).integers(1, 2**16, 100).tolist())
    for row in range(0, 100, 3):
        model.invalidate(row)
    for _ in range(10):
        indices = model.sample()
        batch = model.last_batch
        assert len(indices) == 64
        for index, rank, priority in zip(batch.indices, batch.ranks, batch.priorities, strict=True):
            assert batch.csp[index]
            assert sum(batch.csp[:index]) == rank
            assert model.priorities[index] == priority


# --- the streams in time ----------------------------------------------------------------------------


def busy_model(seed: int = 21, rows: int = 64) -> GoldenModel:
    return filled(AmperConfig(rows=rows, seed=seed), [100 * row for row in range(rows)])


def test_same_seed_same_indices():
    one, other, third = busy_model(), busy_model(), busy_model(seed=22)
    runs = [[model.sample().tolist() for _ in range(5)] for model in (one, other, third)]
    assert runs[0] == runs[1] != runs[2]
    assert len({tuple(batch) for batch in runs[0]}) == 5


def test_smaller_batches_use_as_many_draw_words_as_they_draw():
    model = busy_model()
    query, draw = streams(21)
    for size in (1, 64, 5, 63):
        assert len(model.sample(size)) == size
        assert list(model.last_batch.draw_words) == take(draw, size)
        assert list(model.last_batch.query_words) == take(query, 20)
        assert len(model.last_batch.indices) == len(model.last_batch.ranks) == size


def test_default_batch_is_the_configured_one():
    assert len(busy_model().sample()) == 64
    assert len(busy_model().sample(np.int8(3))) == 3


@pytest.mark.parametrize("variant", VARIANTS)
def test_words_used_do_not_depend_on_the_priorities(variant):
    """Two models of one seed see the same words whatever they hold."""
    config = AmperConfig(rows=7, groups=3, batch=4, variant=variant, seed=8)
    full, single = filled(config, [9, 5, 0, 800, 65535, 1, 2]), filled(config, [None, 0])
    for _ in range(5):
        full.sample()
        single.sample()
        assert full.last_batch.query_words == single.last_batch.query_words
        assert full.last_batch.draw_words == single.last_batch.draw_words


def test_no_valid_row_uses_no_words():
    model = GoldenModel(AmperConfig(rows=64, seed=21))
    message = "sample needs at least one valid row, and there is none: write a row first"
    for size in (None, 1, 64):
        with pytest.raises(NoValidRowError, match=rf"\A{message}\Z"):
            model.sample(size)
    assert model.last_batch is None
    assert issubclass(NoValidRowError, ValueError)
    for row in range(64):
        model.write(row, 100 * row)
    assert model.sample().tolist() == busy_model().sample().tolist()


def test_no_valid_row_leaves_the_last_batch():
    model = filled(AmperConfig(rows=1), [3])
    model.sample()
    before = model.last_batch
    model.invalidate(0)
    with pytest.raises(NoValidRowError):
        model.sample()
    assert model.last_batch is before


def test_illegal_batch_uses_no_words():
    model = busy_model()
    for size in (0, 65, -1):
        with pytest.raises(ValueError, match=rf"\Abatch must be 1 to 64, not {size}\Z"):
            model.sample(size)
    assert model.last_batch is None
    assert model.sample().tolist() == busy_model().sample().tolist()


def test_reset():
    model = busy_model()
    first = model.sample().tolist()
    model.sample()
    model.reset()
    assert model.priorities == [None] * 64
    assert model.last_batch is None
    assert model.vmax is None
    for row in range(64):
        model.write(row, 100 * row)
    assert model.sample().tolist() == first


def test_sampling_changes_no_priority():
    model = busy_model()
    before = list(model.priorities)
    model.sample()
    assert model.priorities == before


def test_a_batch_is_a_record_of_its_time():
    """What was drawn is not changed by a later write, and cannot be assigned to."""
    model = busy_model()
    model.sample()
    batch = model.last_batch
    copy = Batch(**vars(batch))
    for row in range(64):
        model.write(row, 0)
    model.sample()
    assert batch == copy
    with pytest.raises(AttributeError, match="cannot assign to field 'vmax'"):
        batch.vmax = 1


# --- errors -----------------------------------------------------------------------------------------


def test_statuses_are_the_documented_numbers():
    assert {status.name: status.value for status in Status} == {
        "OK": 0,
        "FALLBACK": 1,
        "NO_VALID_ROW": 2,
        "BAD_BATCH": 3,
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
    model = GoldenModel(AmperConfig(rows=rows, priority_width=width))
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
    model = GoldenModel(AmperConfig(rows=7, priority_width=8))
    model.write(kind(6), kind(100))
    assert model.priorities == [None] * 6 + [100]
    assert type(model.priorities[6]) is int
    model.invalidate(kind(6))
    assert model.vmax is None
