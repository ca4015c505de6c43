"""The plan of functional coverage: document and code agree, and a few benches fill every bin."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from amper import AMPER_VARIANTS, AmperConfig
from amper_verif.harness import components, coverage, plane_components

DOCUMENT = Path(__file__).parents[2] / "docs/reference/coverage.md"

SMALL = AmperConfig(
    rows=7, variant="fr-dithered", bank_rows=4, fan_out=2, priority_width=8, groups=3, batch=5, radius_scale=1.0, seed=3
)
TREE = AmperConfig(
    rows=33,
    variant="fr-dithered",
    bank_rows=8,
    fan_out=2,
    priority_width=8,
    groups=3,
    batch=40,
    radius_scale=40.0,
    seed=3,
)
WHOLE = replace(SMALL, variants=AMPER_VARIANTS, search_ports=2, draw_ports=2, write_ports=4)
EXACT = AmperConfig(rows=7, bank_rows=4, fan_out=2, priority_width=8, batch=5, variant="exact", seed=3)

# The fewest benches that together reach every bin: each new point needs a place here.
UNITS = {
    "match_line": components.match_line(rows=7, priority_width=8),
    "match_range": components.match_line(rows=7, priority_width=8, range_match=True),
    "multiplier": components.multiplier(a_width=13, b_width=6),
    "urng": components.draw_urng(SMALL),
    "rank_select": components.rank_select(width=9, tag_width=2),
    "bank": components.row_array(AmperConfig(rows=8, variant="fr-dithered", bank_rows=8, priority_width=8)),
    "one_level": components.row_array(SMALL),
    "more_levels": components.row_array(TREE),
    "dithered": components.query_generator(TREE),
    "prefix": components.query_generator(AmperConfig(rows=7, priority_width=8, groups=3, variant="fr-prefix")),
    "vmax_unit": components.vmax_unit(SMALL),
    "draw_unit": components.draw_unit(TREE, batches=200),
    "controller": components.controller(SMALL),
    "sampler": components.sampler(WHOLE, batches=400),
    "census": plane_components.census(EXACT),
    "exact": components.sampler(EXACT, batches=400),
}


def test_document_and_code_have_the_same_points():
    rows = re.findall(r"^\| `([\w.]+)` \| (.*?) \|", DOCUMENT.read_text("utf-8"), flags=re.MULTILINE)
    assert {point: tuple(re.findall(r"`(\w+)`", bins)) for point, bins in rows} == coverage.PLAN
    assert len(rows) == len(coverage.PLAN)


@pytest.mark.long  # all benches once more
def test_every_bin_is_hit(simulate):
    tables = [simulate(unit)["coverage"] for unit in UNITS.values()]
    assert coverage.empty_bins(coverage.merged(tables)) == []


def test_an_empty_bin_is_seen():
    table = {"request.batch": {"zero": 2, "one": 1, "middle": 0, "maximum": 3}}
    empty = coverage.empty_bins(table)
    assert "request.batch: middle" in empty
    assert "request.batch: above" in empty
    assert "request.batch: zero" not in empty
    assert "match.rows: zero" in empty
    assert any(re.match(r"request\.batch +3/5 +zero 2, one 1, middle 0", line) for line in coverage.lines(table))


def test_only_what_is_planned_can_be_hit():
    with pytest.raises(KeyError, match=r"request\.batch has no bin 'two'; its bins are zero, one, middle"):
        coverage.cover("request.batch", "two")
    with pytest.raises(KeyError, match="unheard"):
        coverage.cover("unheard.of", "zero")


def test_tables_add_up():
    one, two = {"select.rank": {"first": 1}}, {"select.rank": {"first": 2, "last": 5}}
    assert coverage.merged([one, two])["select.rank"] == {"first": 3, "middle": 0, "last": 5}


@pytest.mark.parametrize(
    ("count", "everything", "kind"), [(0, 3, "zero"), (1, 3, "one"), (2, 3, "many"), (3, 3, "all"), (1, 1, "all")]
)
def test_amounts(count, everything, kind):
    assert coverage.amount(count, everything) == kind


@pytest.mark.parametrize(
    ("rows", "kind"),
    [
        ([], "none"),
        ([3], "one"),
        ([3, 4], "other_banks"),
        ([4, 7], "same_bank"),
        ([1, 9, 8], "same_bank"),
        ([4, 7, 4], "same_row"),
    ],
)
def test_kinds_of_lanes(rows, kind):
    """In banks of 4 rows."""
    assert coverage.lanes_kind(rows, 4) == kind


@pytest.mark.parametrize(
    ("before", "valid", "kind"),
    [
        (None, [1, 2], "already_invalid"),
        (2, [2], "last_valid"),
        (1, [1, 2], "lower"),
        (2, [1, 2], "only_maximum"),
        (2, [2, 1, 2], "tied_maximum"),
    ],
)
def test_kinds_of_invalidation(before, valid, kind):
    assert coverage.invalidate_kind(before, valid) == kind
