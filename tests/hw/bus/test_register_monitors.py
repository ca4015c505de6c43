"""Registers that show a monitor, by themselves."""

import pytest

from amper import VARIANTS, AmperConfig
from amper_verif.harness import bus_components


@pytest.mark.parametrize("variants", [("exact",), VARIANTS], ids=len)
def test_every_bit_is_read(simulate, variants):
    config = AmperConfig(rows=12, variants=variants, bus="axi")
    assert simulate(bus_components.register_monitors(config))["compared"] == 300
