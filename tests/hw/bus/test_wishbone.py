"""The sampler behind Wishbone in simulation."""

import dataclasses

import pytest

from amper_hw.bus.registers import BUS_ERRORS
from amper_verif.harness import bus_components

from .test_axi import SINGLE, SMALL, WIDE, WIDEST

NAMES = ["small", "wide", "widest", "single"]
CONFIGURATIONS = [dataclasses.replace(config, bus="wishbone") for config in (SMALL, WIDE, WIDEST, SINGLE)]


@pytest.mark.parametrize("config", CONFIGURATIONS, ids=NAMES)
def test_random_programs(simulate, config):
    """Commands in pipelined cycles with gaps, resets among them; every draw against the golden model."""
    assert simulate(bus_components.wishbone_sampler(config, part="registers"))["compared"] > 20


def test_a_queue_that_is_often_full(simulate):
    """An access a cycle is faster than the sampler: what came when the queue was full is given again."""
    report = simulate(bus_components.wishbone_sampler(CONFIGURATIONS[1], part="registers", batches=60))
    assert report["refused"] > 10
    assert report["compared"] > 100


def test_in_verilator(simulate):
    unit = bus_components.wishbone_sampler(CONFIGURATIONS[0], part="registers", batches=100)
    assert simulate(unit, simulator="verilator")["compared"] > 100


@pytest.mark.parametrize("config", CONFIGURATIONS[:2], ids=NAMES[:2])
def test_a_master_that_is_not_ours(simulate, config):
    """cocotbext-wishbone: every access acknowledged or refused, every draw that of the golden model."""
    report = simulate(bus_components.wishbone_peer(config))
    assert report["compared"] > 20
    assert report["acks"] > 100
    assert report["errors"] >= 1


@pytest.mark.parametrize("config", CONFIGURATIONS[:2], ids=NAMES[:2])
def test_every_illegal_access(simulate, config):
    """Each is answered with its error, sets its bit and changes nothing else; docs/hardware/programmers-guide.md."""
    report = simulate(bus_components.wishbone_sampler(config, part="illegal"))
    refused_write = {"WRITE_REFUSED"} if config.rows < 1 << config.row_width else set()
    missing = {"STREAM_MALFORMED", "UNALIGNED", "WRITE_REFUSED"}  # there are no streams, and addresses count words
    assert set(report["tried"]) == set(BUS_ERRORS) - missing | refused_write
    assert report["accesses"] == 400
