"""The grid of ``amper explore``: every legal combination once, or a sample of them."""

import re

import pytest

from amper import AmperConfig
from amper_spec.declare import declarations, word
from amper_synth.explore.grid import configurations


def test_every_parameter_can_be_swept():
    """Each is read from the word that the command line shows for it."""
    config = AmperConfig(rows=9, variants=("fr-dithered", "k"), result_priority=False, radius_scale=0.5, bus="axi")
    found = declarations(AmperConfig)
    read = {name: found[name].rule.read(word(value)) for name, value in config.to_dict().items()}
    assert AmperConfig.from_dict(read) == config
    assert read["result_priority"] is False


def test_every_combination_once():
    found = configurations({"rows": [8, 4, 8], "search_ports": [1, 2], "result_priority": [True, False]})
    assert len(found) == 8
    assert {(each.rows, each.search_ports, each.result_priority) for each in found} == {
        (rows, ports, kept) for rows in (4, 8) for ports in (1, 2) for kept in (True, False)
    }


@pytest.mark.parametrize(
    ("variants", "active"),
    [
        (["fr-dithered", "k"], "fr-dithered"),
        (["k", "fr"], "fr"),
        (["exact", "fr"], "exact"),
        (["fr-prefix"], "fr-prefix"),
    ],
)
def test_the_active_variant_is_among_those_built_in(variants, active):
    assert configurations({"rows": [8], "variants": [variants]})[0].variant == active


def test_an_active_variant_that_is_named_counts():
    (found,) = configurations({"rows": [8], "variants": [["fr-dithered", "k"]], "variant": ["k"]})
    assert found.variant == "k"


def test_parameters_that_depend_on_each_other():
    """Only variant exact has stratified draws; what is not legal is left out, and what is there keeps its order."""
    found = configurations({"rows": [8], "variants": [["k"], ["exact"]], "draws": ["stratified", "independent"]})
    assert [(each.variant, each.draws) for each in found] == [
        ("k", "independent"),
        ("exact", "stratified"),
        ("exact", "independent"),
    ]


def test_a_sample_holds_that_of_a_smaller_number():
    axes = {"rows": [8, 16, 32], "search_ports": [1, 2, 4], "draw_ports": [1, 2, 4]}
    five, nine = (configurations(axes, points=number, seed=3) for number in (5, 9))
    assert nine[:5] == five
    assert len(set(nine)) == 9
    assert configurations(axes, points=9, seed=4) != nine
    assert set(configurations(axes, points=100)) == set(configurations(axes))


@pytest.mark.parametrize(
    ("axes", "points", "message"),
    [
        ({"rows": [8, 0]}, None, "rows must be 1 to 1048576, not 0"),
        ({"groups": [2]}, None, "rows must be given: it has no default"),
        ({}, None, "rows must be given: it has no default"),
        ({"rows": [8]}, 0, "points must be 1 to 1048576, not 0"),
        ({"rows": [8], "seed": range(1 << 11), "batch": range(1, 1025)}, None, "a grid must have at most 1048576 "
         "points, not 2097152"),
        ({"rows": [8], "variants": [["k"]], "variant": ["fr"]}, None, "variants must include variant, fr, not only k"),
        ({"rows": [8], "variants": [["k"], ["fr"]], "variant": ["fr", "exact"]}, None,
         "variants must include variant, fr, not only k"),
        ({"rows": [8, 16], "variants": [["k"], ["fr"]], "draws": ["stratified", "independent"]}, None,
         "draws must be independent unless variants includes exact, not stratified"),
    ],
)  # fmt: skip
def test_an_illegal_grid(axes, points, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        configurations(axes, points=points)
