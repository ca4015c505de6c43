"""A second reading of algorithm.md, in exact fractions and NumPy arrays, and memories to hold against it.

It shares no code with the golden model.
"""

from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from amper import AMPER_VARIANTS, AmperConfig, Batch, GoldenModel, Status, Xoroshiro128PlusPlus

# The same examples every time, however busy the machine.
STEADY = settings(deadline=None, derandomize=True)
SIZES = (1, 2, 7, 64, 100, 257)
WIDTHS = (4, 8, 16, 32)
GROUPS = (1, 3, 20)
WORD_MAX = 2**64 - 1


class Page:
    """The steps of docs/reference/algorithm.md for the codes of ``rows`` (None = invalid) and given query words."""

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
        coefficient = round(Fraction(self.config.radius_scale) * 2**20) // self.m
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


def assert_follows_the_page(
    model: GoldenModel, batch: Batch, draw_words: list[int], config: AmperConfig | None = None
) -> None:
    """Every field of ``batch``, just drawn from ``model``; ``config`` if it differs from what the model was made of."""
    page = Page(config or model.config, model.priorities, batch.query_words)
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


def busy_model(seed: int = 21, rows: int = 64) -> GoldenModel:
    return filled(AmperConfig(rows=rows, variant="fr-dithered", seed=seed), [100 * row for row in range(rows)])


class Script:
    """A stream of given words."""

    def __init__(self, words: Iterable[int]) -> None:
        self.words = iter(words)

    def next(self) -> int:
        return next(self.words)


def scripted(
    config: AmperConfig, codes: list[int | None], query_words: list[int], draw_words: list[int]
) -> GoldenModel:
    """A filled model whose streams give these words."""
    model = filled(config, codes)
    model.settings.query, model.settings.draw = Script(query_words), Script(draw_words)
    return model


@st.composite
def configurations(draw, variant=None):
    groups = draw(st.sampled_from([1, 2, 3, 20, 256]))
    return AmperConfig(
        rows=draw(st.integers(1, 12)),
        priority_width=draw(st.sampled_from([4, 5, 8, 23, 24, 25, 32])),
        groups=groups,
        batch=draw(st.integers(1, 8)),
        variant=variant or draw(st.sampled_from(AMPER_VARIANTS)),
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
