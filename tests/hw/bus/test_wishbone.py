"""The sampler behind Wishbone in simulation."""

import dataclasses
import re

import pytest

from amper_hw.bus.registers import BUS_ERRORS
from amper_verif.harness import bus_components
from amper_verif.harness.simulators import SimulationError
from amper_verif.verify import verify

from . import test_axi
from .test_axi import NAMES

CONFIGURATIONS = [dataclasses.replace(config, bus="wishbone") for config in test_axi.CONFIGURATIONS]


@pytest.mark.share(2)
@pytest.mark.parametrize("config", CONFIGURATIONS, ids=NAMES)
def test_random_programs(simulate, config):
    """Commands in classic and pipelined cycles with gaps, cycles that end early and resets among them; every draw
    against the golden model, so that no command is done twice or lost.
    """
    report = simulate(bus_components.wishbone_sampler(config, part="registers"))
    assert report["compared"] > 20
    assert all(count > 10 for count in report["styles"].values()), report["styles"]
    assert all(count > 0 for count in report["packed"].values()) == config.packed_registers, report["packed"]


def test_a_queue_that_is_often_full(simulate):
    """Accesses are faster than the sampler: what came when the queue was full is given again."""
    report = simulate(bus_components.wishbone_sampler(CONFIGURATIONS[1], part="registers", batches=60))
    assert report["refused"] > 10
    assert report["compared"] > 100


@pytest.mark.long
def test_in_verilator(simulate):
    unit = bus_components.wishbone_sampler(CONFIGURATIONS[0], part="registers", batches=100)
    assert simulate(unit, simulator="verilator")["compared"] > 100


@pytest.mark.parametrize("simulator", ["icarus", pytest.param("verilator", marks=pytest.mark.long)])
@pytest.mark.parametrize("config", CONFIGURATIONS[:2], ids=NAMES[:2])
def test_masters_that_are_not_ours(simulate, config, simulator):
    """cocotbext-wishbone, classic and pipelined: every access answered once, every draw that of the golden model."""
    report = simulate(bus_components.wishbone_peer(config), simulator=simulator)
    assert report["compared"] > 20
    assert all(count > 50 for count in report["styles"].values()), report["styles"]
    assert report["acks"] > 100
    assert report["errors"] >= 1


@pytest.mark.parametrize(
    "config", [CONFIGURATIONS[0], pytest.param(CONFIGURATIONS[1], marks=pytest.mark.long)], ids=NAMES[:2]
)
def test_every_illegal_access(simulate, config):
    """Each is answered with its error, sets its bit and changes nothing else; docs/hardware/programmers-guide.md."""
    report = simulate(bus_components.wishbone_sampler(config, part="illegal"))
    refused_write = {"WRITE_REFUSED"} if config.rows < 1 << config.row_width else set()
    # There are no streams, addresses count words, and no bit flips.
    missing = {"STREAM_MALFORMED", "UNALIGNED", "WRITE_REFUSED", "ROW_FAULT"}
    assert set(report["tried"]) == set(BUS_ERRORS) - missing | refused_write
    assert report["accesses"] == 400


def test_the_corners_find_what_chance_does_not(tmp_path):
    """A register that is also found where bit 9 of its address is 1."""

    def doubled(verilog):
        broken, hits = re.subn(r"(access_address_is_48 = access_address)\[11:2\]", r"\1[10:2]", verilog)
        assert hits == 1
        return broken

    with pytest.raises(SimulationError, match="a read of 0x8c0, where there is no register"):
        verify(CONFIGURATIONS[0], simulator="icarus", batches=3, folder=tmp_path, mutate=doubled)
