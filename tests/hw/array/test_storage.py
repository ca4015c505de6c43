"""Rows in latches: the same answers in the same cycles as rows in flip-flops."""

import re
from dataclasses import replace

import pytest
from configurations import table

from amper import AmperConfig
from amper_hw.output.generate import generate
from amper_verif.harness import components
from amper_verif.harness.simulators import SimulationError

# A row alone, as many as lines cross at, fewer.
BANKS = table(
    "rows bank_rows pipeline variant search_ports draw_ports write_ports",
    (1, 2, "deep", "fr-dithered", 1, 1, 1),
    (2, 2, "shallow", "fr", 2, 2, 2),
    (7, 8, "deep", "k", 2, 2, 2),
    (16, 16, "shallow", "fr-prefix", 1, 1, 1),
    (33, 64, "deep", "fr-dithered", 4, 4, 4),
)
CONFIG = AmperConfig(rows=16, variant="fr-dithered", bank_rows=16, priority_width=5, storage="latches")


@pytest.mark.parametrize("settings", BANKS)
def test_every_answer_is_right_and_in_its_cycle(simulate, settings):
    """Icarus runs the latches themselves."""
    config = AmperConfig(priority_width=5, storage="latches", **settings)
    report = simulate(components.bank(config, rounds=60))
    assert report["least"] > 20
    assert report["overlapping"] > 10


def test_every_answer_is_right_in_verilator(simulate):
    """Verilator runs the flip-flops that stand in for them."""
    report = simulate(components.bank(CONFIG, rounds=60), simulator="verilator")
    assert report["compared"] > 1000
    assert report["cleared"] > 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("if (!clk) high_open <= high", "high_open <= high"),  # the lines change while the rows are open
        ("if (!clk) held <= {valid, code}", "held <= {valid, code}"),  # and so does what they take
        ("assign open = clk & ", "assign open = "),
        ("assign open = clk & ", "assign open = clk & clear_open | clk & "),  # a clear takes the codes away
        (
            "always @(open or held) if (open) stored <= held[4:0]",
            "always @(negedge clk) if (high_open[0]) stored <= held[4:0]",
        ),
    ],
)
def test_a_latch_at_the_wrong_time_is_noticed(simulate, before, after):
    def mutate(verilog):
        assert verilog.count(before) == 1
        return verilog.replace(before, after)

    with pytest.raises(SimulationError, match=r"AssertionError|Cannot convert Logic"):
        simulate(replace(components.bank(CONFIG, rounds=60), mutate=mutate))


def test_only_the_storage_differs():
    """Two modules are alike but for what is between the lines that open a row and the row's outputs."""
    latches = generate(CONFIG).verilog
    flip_flops = generate(replace(CONFIG, storage="flip-flops")).verilog
    head, text = re.split(r"(?m)^`ifdef VERILATOR\n(?:  //.*\n)*", latches)
    stand_in, rest = text.split("`else\n")
    assert "posedge" not in rest
    assert (head + stand_in + rest.split("`endif\n")[1]).replace(
        "storage = latches", "storage = flip-flops"
    ) == flip_flops
