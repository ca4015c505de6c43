"""The write unit in simulation."""

import pytest

from amper import AmperConfig
from amper_verif.harness import components

# rows, bank_rows, write_ports: one bank, equal banks, a tail.
SIZES = [(1, 2, 1), (7, 8, 4), (64, 8, 1), (64, 8, 2), (100, 16, 4), (5, 2, 8)]


def config_of(rows: int, bank_rows: int, ports: int) -> AmperConfig:
    return AmperConfig(
        rows=rows, variant="fr-dithered", bank_rows=bank_rows, fan_out=4, priority_width=8, write_ports=ports
    )


@pytest.mark.parametrize(("rows", "bank_rows", "ports"), SIZES)
def test_every_write_comes_in_order_and_in_its_cycle(simulate, rows, bank_rows, ports):
    report = simulate(components.write_unit(config_of(rows, bank_rows, ports)))
    assert report["compared"] > 300
    assert report["without_gap"] > 100
    # No longer than the lanes that meet in a bank take, which the bench checks, and all of them do at times.
    assert report["longest"] == ports
    assert report["refusals"] > 0


@pytest.mark.long
def test_every_write_comes_in_order_and_in_its_cycle_in_verilator(simulate):
    report = simulate(components.write_unit(config_of(100, 16, 4), cycles=5000), simulator="verilator")
    assert report["compared"] > 2000
