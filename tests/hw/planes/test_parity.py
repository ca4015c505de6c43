"""Rows with a parity bit: the same draws, and a flipped bit is found (docs/hardware/upsets.md)."""

from __future__ import annotations

import pytest

from amper_hw.base import latency
from amper_spec.config import AmperConfig
from amper_verif.harness import components, plane_components
from amper_verif.upsets import registers, upsets

SIZES = {"rows": 20, "bank_rows": 8, "priority_width": 8, "batch": 9}
BUILDS = {
    "plain": {},
    "latches": {"storage": "latches", "pipeline": "shallow"},
    "lanes": {"draws": "stratified", "draw_ports": 4, "write_ports": 2},
    "bare": {"result_priority": False, "primitives": "blocks", "storage": "latches"},
}


def config_of(build="plain", **more):
    return AmperConfig(**({"variant": "exact", "protection": "parity", "seed": 3} | SIZES | BUILDS[build] | more))


@pytest.mark.parametrize("build", BUILDS)
def test_draws_are_the_golden_ones(simulate, build):
    report = simulate(components.sampler(config_of(build)))
    assert report["mismatches"] == 0, report["first_mismatch"]
    assert report["statuses"]["OK"] > 10
    assert "ROW_FAULT" not in report["statuses"]


@pytest.mark.parametrize("priority_width", [4, 7, 8])
def test_the_census_finds_an_odd_number_of_flips(simulate, priority_width):
    """With 7 bits of code, the parity's plane is the last that three bits can name."""
    report = simulate(plane_components.census(config_of(priority_width=priority_width)))
    assert report["faults"] > 5
    assert report["compared"] > report["faults"] + 5


def test_a_census_takes_a_cycle_more():
    assert latency.census_cycles(config_of()) == latency.census_cycles(config_of(protection="none")) + 1


def test_registers_are_what_a_clock_sets():
    text = "module m (\n  output reg  [3:0] a,\n  output reg b\n);\n  reg [1:0] c [0:6];\n  reg d;\n"
    text += (
        "  always @* b = a[0];\n  always @(posedge clk) begin\n    a[2:1] <= 1; c[d] <= 2; d <= b;\n  end\nendmodule\n"
    )
    assert registers(text) == {"m": ["a", "c", "d"]}


def outcomes(folder, **settings):
    config = AmperConfig(rows=4, bank_rows=2, priority_width=4, batch=4, variant="exact", **settings)
    found = upsets(config, doubles=0, only="row_storage", folder=folder)
    assert len(found) == 4 * config.stored_width
    return {one.outcome for one in found}


def test_no_flip_of_a_row_is_silent(tmp_path):
    assert outcomes(tmp_path, protection="parity") <= {"masked", "detected"}


def test_without_parity_some_are(tmp_path):
    assert "silent" in outcomes(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"variants": ("exact", "fr")}, "protection must be none with other variants than exact, not parity"),
        ({"primitives": "blocks"}, "protection must be none with primitives blocks and storage flip-flops, not parity"),
        ({"protection": "secded"}, "protection must be none or parity with organisation parallel, not secded"),
    ],
)
def test_where_there_is_none(settings, message):
    with pytest.raises(ValueError, match=message):
        AmperConfig(rows=8, variant="exact", **{"protection": "parity"} | settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bus": "axi"}, "bus must be native"),
        ({"variant": "fr"}, "variants must be exact alone"),
        ({"organisation": "tree", "batch": 1}, "batch must be at least 2"),
        ({"primitives": "blocks"}, "primitives must be gates"),
        ({"draw_ports": 2}, "draw_ports and write_ports must be 1"),
        ({"result_priority": False}, "result_priority must be yes"),
    ],
)
def test_a_campaign_is_of_some_samplers(tmp_path, settings, message):
    with pytest.raises(ValueError, match=message):
        upsets(AmperConfig(rows=8, **settings), folder=tmp_path)
