"""The golden model: radii, masks, match sets and nearest neighbours."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles.golden import GROUPS, SIZES, STEADY, WORD_MAX, Page, filled, filled_models, scripted

from amper import AMPER_VARIANTS, AmperConfig

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
def test_dithered_block_is_two_radii_wide_on_average(radius):
    """Every value of t once: the mean number of codes in the block is exactly 2 D."""
    choices = 2 ** (radius.bit_length() - 1)
    # One group, Vmax = V = 255: u is all ones and D = (255 * coefficient) >> 20.
    config = AmperConfig(
        rows=1, variant="fr-dithered", priority_width=8, groups=1, batch=1, radius_scale=(radius + 0.5) / 255
    )
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
def test_mask_never_wider_than_the_code(variant):
    """A radius of 2^Q - 1 ignores all bits: dither must not go beyond."""
    config = AmperConfig(rows=2, priority_width=4, groups=1, batch=1, variant=variant, radius_scale=15.9)
    model = scripted(config, [15, 0], [0xFFF << 52], [0])
    model.sample()
    assert (model.last_batch.radii, model.last_batch.masks) == ((15,), (0,))
    assert model.last_batch.match_sets == (frozenset({0, 1}),)


@pytest.mark.parametrize(("variant", "rows"), [("fr", {1, 2, 3}), ("fr-prefix", {2, 3}), ("k", {2})])
def test_match_sets_at_the_edges(variant, rows):
    """V = 15 and D = 3 (k: N = 1): distance 3 matches, 4 does not, and nothing wraps from 15 to 0."""
    config = AmperConfig(
        rows=5, priority_width=4, groups=1, batch=1, variant=variant, radius_scale=0.21, neighbour_scale=0.2
    )
    codes = [11, 12, 15, 13, 0] if variant == "fr" else [11, 7, 15, 13, 0]
    model = scripted(config, codes, [WORD_MAX], [0])
    model.sample()
    assert model.last_batch.representatives == (15,)
    assert model.last_batch.match_sets == (frozenset(rows),)


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
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


def test_ties_at_the_last_neighbour_all_count():
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
