"""What the generated Verilog's registers are called."""

import ast
import re
from pathlib import Path

import pytest

import amper_hw
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


def _assigned_together(path: Path) -> list[str]:
    """Signals that several names are given at once, without a name of their own."""
    found = []
    for each in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(each, ast.Assign)
            and isinstance(each.targets[0], ast.Tuple)
            and isinstance(each.value, ast.Tuple)
        ):
            calls = [one for one in each.value.elts if isinstance(one, ast.Call)]
            nameless = [one for one in calls if not any(word.arg == "name" for word in one.keywords)]
            found += [f"{path}:{one.lineno}" for one in nameless if ast.unparse(one.func) in ("Signal", "Signal.like")]
    return found


def test_no_signals_are_assigned_together():
    sources = sorted(Path(amper_hw.__file__).parent.rglob("*.py"))
    assert len(sources) > 80
    assert [line for path in sources for line in _assigned_together(path)] == []
