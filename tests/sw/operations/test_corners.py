"""The corners of ``amper verify``: that they are where they must be, in the golden model alone."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from amper import VARIANTS, AmperConfig, DisabledError, GoldenModel, NoValidRowError, Parameter
from amper.model.planes import ExactBatch
from amper.model.states import state, stepped_back
from amper.operations.corners import corner_operations
from amper.operations.vocabulary import Beat, Control, Reset, Sample
from amper_spec.algorithm import DRAW_RANDOM_WIDTH, RANDOM_WIDTH
from amper_spec.urng import WORD, Xoroshiro128PlusPlus

SMALL = AmperConfig(rows=12, priority_width=6, groups=3, batch=6, bank_rows=4)
ALL = replace(SMALL, variants=VARIANTS, variant="exact")


def followed(config, seed=1):
    """The operations in a golden model: yields it and each operation with whether it was refused, after it."""
    model = GoldenModel(config)
    for operation in corner_operations(config, seed):
        refused = False
        try:
            if isinstance(operation, Control):
                model.set_parameter(*operation)
            elif isinstance(operation, Sample):
                model.sample(operation.batch)
            elif isinstance(operation, Beat):
                for write in filter(None, operation.writes):
                    model.invalidate(write.row) if write.invalidate else model.write(write.row, write.priority)
        except (ValueError, DisabledError, NoValidRowError):
            refused = True
        yield model, operation, refused


@pytest.mark.parametrize("config", [SMALL, ALL, AmperConfig(rows=1, batch=1)], ids=["exact", "all", "one row"])
def test_every_parameter_is_taken_and_refused(config):
    taken, refused = Counter(), Counter()
    for _, operation, was_refused in followed(config):
        if isinstance(operation, Control):
            (refused if was_refused else taken)[operation.parameter] += 1
    exact = config.variants == ("exact",)
    absent = {0, 1, 2, 8, 9, 10, 11} if exact else set()  # m, lambda', lambda and the query stream
    assert set(refused) == set(Parameter)
    assert set(taken) == set(Parameter) - absent


def test_they_begin_with_a_reset_and_are_the_same_for_a_seed():
    assert corner_operations(SMALL, 1)[0] == Reset(3)
    assert corner_operations(SMALL, 1) == corner_operations(SMALL, 1) != corner_operations(SMALL, 2)


def test_every_code_bit_and_every_row_is_drawn_alone():
    alone = set()
    for model, operation, refused in followed(SMALL):
        valid = [(row, code) for row, code in enumerate(model.priorities) if code]
        if isinstance(operation, Sample) and not refused and len(valid) == 1:
            alone.add(valid[0])
    assert {row for row, _ in alone} == set(range(12))
    assert {code for _, code in alone} >= {1 << bit for bit in range(6)} | {63 ^ 1 << bit for bit in range(6)}


@pytest.mark.parametrize("before", range(4))
def test_a_state_brings_the_word_that_is_wanted(before):
    found = state(0x0123456789ABCDEF, before, 99)
    stream = Xoroshiro128PlusPlus(found & WORD, found >> 64)
    words = [stream.next() for _ in range(before + 1)]
    assert words[-1] == 0x0123456789ABCDEF
    again = stream.s0 | stream.s1 << 64
    assert stepped_back(again) != again
    for _ in words:
        again = stepped_back(again)
    assert again == found


@pytest.mark.parametrize("variant", ["exact", "fr-dithered"])
def test_borders_show_a_wrong_bit_anywhere_in_the_product(variant):
    """For every bit of the product there is a draw that its loss, and one that its excess, would move to another
    place; chance alone finds the lowest ones once in a million draws."""
    config = replace(SMALL, variant=variant, variants=(variant,))
    width = config.place_width if variant == "exact" else DRAW_RANDOM_WIDTH
    lost, gained = set(), set()
    for model, operation, refused in followed(config):
        if refused or operation != Sample(1):
            continue
        drawn = model.last_batch
        size = drawn.total if isinstance(drawn, ExactBatch) else drawn.csp_size
        product = (drawn.draw_words[0] >> 64 - width) * size
        for bit in range(width):
            lost |= {bit} if product - (1 << bit) >> width != product >> width else set()
            gained |= {bit} if product + (1 << bit) >> width != product >> width else set()
    assert gained == set(range(width))
    assert lost >= set(range(1, width))  # a product that ends in zeros alone is an x without a part


@pytest.mark.parametrize("bit", [0, 31, 32, 63, 64, 95, 96, 127])
def test_every_bit_of_the_state_stands_alone_once(bit):
    assert any(
        isinstance(operation, Sample) and model.settings.draw.s0 | model.settings.draw.s1 << 64 == 1 << bit
        for model, operation, _ in followed(SMALL)
    )


def sampled(variant):
    """The batches of the corners of a variant, each with the rows that it could draw."""
    for model, operation, refused in followed(replace(SMALL, variant=variant, variants=(variant,))):
        if isinstance(operation, Sample) and not refused:
            yield model.last_batch


@pytest.mark.parametrize("variant", ["fr-dithered", "fr-prefix", "fr", "k"])
def test_scales_right_before_and_behind_a_border(variant):
    """The same random words with two settings one apart: other rows can be drawn, mostly."""
    pairs = [(one, other) for one, other in pairwise(sampled(variant)) if one.query_words == other.query_words]
    grown = [(one.radii, one.neighbours) != (other.radii, other.neighbours) for one, other in pairs]
    assert sum(grown) >= 20
    assert sum(one.csp != other.csp for one, other in pairs) >= 13


@pytest.mark.parametrize("variant", ["fr-dithered", "fr", "k"])
def test_words_right_before_and_behind_a_representative(variant):
    """A word and the one before it: another representative, and mostly other rows can be drawn."""
    shift = RANDOM_WIDTH - SMALL.fraction_width
    pairs = [
        (one, other)
        for one, other in pairwise(sampled(variant))
        if any((a >> shift) + 1 == b >> shift > 2 for a, b in zip(one.query_words, other.query_words, strict=False))
    ]
    assert len(pairs) >= 40
    assert all(one.representatives != other.representatives for one, other in pairs)
    assert sum(one.csp != other.csp for one, other in pairs) > 0.9 * len(pairs)


def test_every_bit_of_vmax_is_found_when_a_larger_one_goes_away():
    found, before = set(), 0
    for model, operation, _ in followed(ALL):
        vmax = model.vmax or 0
        if isinstance(operation, Beat) and vmax < before:
            found.add(vmax)
        before = vmax
    assert found >= {1 << bit for bit in range(6)} | {63 ^ 1 << bit for bit in range(1, 6)}


def test_the_sum_of_all_priorities_has_each_of_its_bits_alone():
    totals = {batch.total for batch in sampled("exact") if batch is not None}
    assert totals >= {1 << bit for bit in range((12 * 63).bit_length())}


@pytest.mark.parametrize("variant", ["fr-prefix", "fr"])
def test_no_row_is_a_representative_though_some_are_right_beside_them(variant):
    beside = [
        batch
        for batch in sampled(variant)
        if batch.fallback and len(batch.representatives) == 3 and max(batch.radii) == 0 < min(batch.representatives)
    ]
    assert len(beside) >= 4
