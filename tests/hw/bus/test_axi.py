"""The sampler behind AXI4-Lite and AXI4-Stream in simulation."""

import pytest

from amper import AmperConfig
from amper_hw.bus.registers import BUS_ERRORS
from amper_verif.harness import bus_components

ALL_VARIANTS = ("fr-dithered", "fr-prefix", "fr", "k")
SMALL = AmperConfig(
    rows=7, variant="fr-dithered", bank_rows=4, fan_out=2, groups=3, batch=5, priority_width=8, bus="axi"
)
WIDE = AmperConfig(
    rows=16,
    bank_rows=4,
    fan_out=4,
    groups=4,
    batch=8,
    priority_width=8,
    variants=ALL_VARIANTS,
    search_ports=2,
    draw_ports=2,
    write_ports=4,
    pipeline="shallow",
    bus="axi",
)
WIDEST = AmperConfig(
    rows=20,
    bank_rows=4,
    fan_out=4,
    groups=3,
    batch=7,
    priority_width=32,
    variant="fr",
    draw_ports=4,
    write_ports=2,
    result_priority=False,
    bus="axi",
)
SINGLE = AmperConfig(rows=1, bank_rows=2, groups=1, batch=1, priority_width=4, bus="axi")
IN_LUT_RAM = AmperConfig(
    rows=20, bank_rows=8, fan_out=2, batch=7, priority_width=16, variant="exact", primitives="blocks", bus="axi"
)
CONFIGURATIONS = [SMALL, WIDE, WIDEST, SINGLE, IN_LUT_RAM]
NAMES = ["small", "wide", "widest", "single", "lut_ram"]
#: The widest by streams only, unless long.
BY_REGISTERS = [
    pytest.param(config, marks=pytest.mark.long) if config is WIDEST else config for config in CONFIGURATIONS
]


@pytest.mark.share(2)
@pytest.mark.parametrize("config", CONFIGURATIONS, ids=NAMES)
def test_streams(simulate, config):
    """Writes, requests and results by stream, malformed beats among them, every draw against the golden model."""
    report = simulate(bus_components.axi_sampler(config, part="streams"))
    assert report["compared"] > 20
    assert report["malformed"] > 3
    assert report["beats"] - report["malformed"] > 30


@pytest.mark.share(2)
@pytest.mark.parametrize("config", BY_REGISTERS, ids=NAMES)
def test_registers(simulate, config):
    """The same by registers alone."""
    report = simulate(bus_components.axi_sampler(config, part="registers"))
    assert report["compared"] > 20
    assert all(count > 0 for count in report["packed"].values()) == config.packed_registers, report["packed"]


def test_without_streams(simulate):
    """Every input of the streams tied to 0, as docs/hardware/interfaces.md says."""
    assert simulate(bus_components.axi_sampler(WIDE, part="tied"))["compared"] > 20


def test_a_stream_and_registers_write_at_the_same_time(simulate):
    assert simulate(bus_components.axi_sampler(WIDE, part="streams", batches=60), seed=2)["mixed"] > 10


def test_in_verilator(simulate):
    for part in ("streams", "registers"):
        report = simulate(bus_components.axi_sampler(SMALL, part=part, batches=50), simulator="verilator")
        assert report["compared"] > 50


@pytest.mark.parametrize("config", [SMALL, pytest.param(WIDE, marks=pytest.mark.long)], ids=["small", "wide"])
def test_every_illegal_access(simulate, config):
    """Each is answered with its error, sets its bit and changes nothing else; docs/hardware/programmers-guide.md."""
    report = simulate(bus_components.axi_sampler(config, part="illegal"))
    refused_write = {"WRITE_REFUSED"} if config.rows < 1 << config.row_width else set()
    others = {"STREAM_MALFORMED", "WRITE_REFUSED", "ROW_FAULT"}  # of streams, of some sizes, of flipped bits
    assert set(report["tried"]) == set(BUS_ERRORS) - others | refused_write
    assert report["accesses"] > 500
    assert report["answer_cycles"] == {"b": 3, "r": 3}
    assert report["compared"] > 20


def test_two_streams_go_in_turns(simulate):
    report = simulate(bus_components.stream_arbiter())
    assert report["both"] > 500
