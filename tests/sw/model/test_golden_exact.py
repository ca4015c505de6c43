"""Variant exact of the golden model (algorithm.md, section 7) against the distribution that it promises."""

import random
from collections import Counter
from fractions import Fraction

import pytest

from amper import AmperConfig, GoldenModel, NoValidRowError, Parameter, Status
from amper.model.planes import exact_batch


def config(rows, width, **more):
    return AmperConfig(rows=rows, priority_width=width, batch=more.pop("batch", 1), variant="exact", **more)


def memories(count):
    """Codes of a few rows: random, tied, sparse, all equal, one alone, the largest."""
    chance = random.Random(13)
    for _ in range(count):
        width = chance.randint(4, 10)
        top = (1 << width) - 1
        rows = chance.randint(1, 12)
        kind = chance.randrange(5)
        if kind == 0:
            codes = [chance.randint(0, top) for _ in range(rows)]
        elif kind == 1:
            codes = [chance.choice((0, 1, top)) for _ in range(rows)]
        elif kind == 2:
            codes = [chance.randint(0, top) if chance.random() < 0.3 else 0 for _ in range(rows)]
        else:
            codes = [top if kind == 3 else chance.randint(1, top)] * rows
        if sum(codes):
            yield width, codes


def word_of(place, total, place_width):
    """The first draw word whose y is ``place`` of ``total``."""
    return -(-(place << place_width) // total) << (64 - place_width)


def test_every_place_hits_its_row_as_often_as_its_priority():
    """400 memories, each place in [0, T) drawn once."""
    seen = 0
    for width, codes in memories(450):
        shape = config(len(codes), width)
        total = sum(codes)
        words = [word_of(place, total, shape.place_width) for place in range(total)]
        batch = exact_batch(shape, codes, words)
        assert batch.places == tuple(range(total))
        hits = Counter(batch.indices)
        assert [hits[row] for row in range(len(codes))] == codes
        seen += 1
    assert seen >= 400


def test_the_bias_is_within_its_bound():
    """Words that give a place, counted: no row is further from p / T than the page says."""
    for width, codes in memories(100):
        shape = config(len(codes), width)
        total, values = sum(codes), 1 << shape.place_width
        begins = [-(-(place << shape.place_width) // total) for place in range(total + 1)]
        batch = exact_batch(shape, codes, [begin << (64 - shape.place_width) for begin in begins[:-1]])
        share = Counter()
        for place, row in enumerate(batch.indices):
            share[row] += begins[place + 1] - begins[place]
        for row, code in enumerate(codes):
            if code:
                error = abs(Fraction(share[row], values) / Fraction(code, total) - 1)
                assert error <= Fraction(total, values) <= Fraction(1, 1 << 14)


@pytest.mark.parametrize("batch", [1, 2, 3, 7, 8, 48])
def test_stratified_places_lie_in_their_parts_and_keep_every_expectation(batch):
    """Over all words of few bits, each place comes batch / T times in the mean; each draw stays in its part."""
    codes = [3, 0, 5, 9]
    shape = config(4, 4, batch=batch, draws="stratified")
    total = sum(codes)
    parts = [(part, bit) for bit in range(6, -1, -1) if batch >> bit & 1 for part in range(1 << bit)]
    share = Counter()
    steps = 17 * 48  # values of w, the same for every draw of the batch
    for step in range(steps):
        word = word_of(step, steps, shape.place_width)
        drawn = exact_batch(shape, codes, [word] * batch)
        for place, row, (part, bit) in zip(drawn.places, drawn.indices, parts, strict=True):
            assert part * total >> bit <= place <= ((part + 1) * total - 1) >> bit
            share[row] += 1
    for row, code in enumerate(codes):
        assert share[row] == steps * batch * code // total


def test_the_two_level_case():
    """10 percent of the rows at 300, 90 at 1: PER draws the first in 0.971 of the cases."""
    codes = [300] * 10 + [1] * 90
    shape = config(100, 16)
    chance = random.Random(4)
    drawn = exact_batch(shape, codes, [chance.getrandbits(64) for _ in range(20_000)])
    share = sum(row < 10 for row in drawn.indices) / len(drawn.indices)
    assert share == pytest.approx(3000 / 3090, abs=5 * (0.971 * 0.029 / 20_000) ** 0.5)


def test_code_0_is_an_invalid_row():
    model = GoldenModel(config(3, 8))
    model.write(1, 0)
    with pytest.raises(NoValidRowError, match="no"):
        model.sample()
    model.set_parameter(Parameter.ROWS, 2)  # only while no row is valid
    model.write(1, 7)
    assert model.sample().tolist() == [1]
    assert model.last_batch.status == Status.OK
    model.write(1, 0)
    assert model.vmax is None


def test_no_word_of_the_query_stream_is_used():
    model = GoldenModel(AmperConfig(rows=3, variant="exact", variants=("exact", "fr"), batch=4))
    model.write(0, 9)
    before = model.settings.query.state
    model.sample()
    assert model.settings.query.state == before
    model.set_parameter(Parameter.VARIANT, 2)
    model.sample()
    assert model.settings.query.state != before


@pytest.mark.parametrize(
    ("parameter", "message"),
    [
        (Parameter.GROUPS, "GROUPS needs a variant with groups built in, got 1; built in: exact"),
        (Parameter.RADIUS, "RADIUS needs an fr variant built in, got 1; built in: exact"),
        (Parameter.NEIGHBOURS, "NEIGHBOURS needs variant k built in, got 1; built in: exact"),
        (Parameter.QUERY_STATE_1, "QUERY_STATE_1 needs a variant with groups built in, got 1; built in: exact"),
        (Parameter.VARIANT, "VARIANT needs its variant, fr-prefix, built in, got 1; built in: exact"),
    ],
)
def test_what_only_the_other_variants_have_is_refused(parameter, message):
    model = GoldenModel(config(3, 8))
    with pytest.raises(ValueError, match=message):
        model.set_parameter(parameter, 1)


def test_stratified_needs_the_variant():
    with pytest.raises(ValueError, match="draws must be independent unless variants includes exact, not stratified"):
        AmperConfig(rows=3, variant="fr", draws="stratified")
