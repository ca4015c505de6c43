"""The sampler behind AXI4 in simulation: bursts by cocotbext-axi's master."""

import pytest

from amper_verif.harness import bus_components

from . import test_axi

SMALL, WIDE, WIDEST, LUT_RAM = (
    config.changed(bus="axi4") for config in (test_axi.SMALL, test_axi.WIDE, test_axi.WIDEST, test_axi.IN_LUT_RAM)
)


@pytest.mark.share(2)
@pytest.mark.parametrize("config", [SMALL, WIDE, LUT_RAM], ids=["small", "wide", "lut_ram"])
def test_random_programs(simulate, config):
    """Batches taken and rows updated by bursts of every kind with pauses, every draw against the golden model."""
    report = simulate(bus_components.axi_bursts(config, part="registers"))
    assert report["compared"] > 20
    assert all(count > 5 for count in report["bursts"].values()), report["bursts"]
    assert all(count > 0 for count in report["packed"].values()), report["packed"]


@pytest.mark.parametrize("config", [SMALL, WIDEST], ids=["small", "no_window"])
def test_streams(simulate, config):
    assert simulate(bus_components.axi_bursts(config, part="streams"))["compared"] > 20


def test_bursts_of_registers_and_illegal_ones(simulate):
    report = simulate(bus_components.axi_bursts(SMALL, part="bursts"))
    assert report["compared"] > 20


@pytest.mark.long
def test_in_verilator(simulate):
    report = simulate(bus_components.axi_bursts(SMALL, part="registers", batches=100), simulator="verilator")
    assert report["compared"] > 100
