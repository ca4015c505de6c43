"""What the generated Verilog's registers are called."""

import re

import pytest

from amper import AmperConfig
from amper_hw.output.generate import generate

# Amaranth names a signal after the variable that it is assigned to, and finds none where several are assigned at once.
NAMELESS = re.compile(r"^\s*reg\s+(?:\[[^]]*\]\s*)?((?:register|signal|block)(?:_\d+)?);", re.MULTILINE)
CONFIGURATIONS = [
    {"variants": ("exact", "fr-dithered", "fr-prefix", "fr", "k")},
    {"variant": "k", "bus": "axi"},
    {"variant": "fr", "variants": ("fr", "k"), "search_ports": 4, "draw_ports": 4, "write_ports": 4, "bus": "wishbone"},
    {"draws": "stratified", "draw_ports": 4, "write_ports": 4, "primitives": "blocks"},
    {"organisation": "tree", "bus": "axi4"},
    {"organisation": "tree", "banks": 4},
]


@pytest.mark.parametrize("options", CONFIGURATIONS, ids=lambda options: " ".join(map(str, options.values())))
def test_each_register_is_called_after_what_it_holds(options):
    assert NAMELESS.findall(generate(AmperConfig(rows=12, bank_rows=4, **options)).verilog) == []
