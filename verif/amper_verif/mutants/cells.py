"""Which register a flip-flop of a netlist is, or a multiplexer of a process leads to: Yosys numbers both, and anew
where the Verilog changes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

# What Yosys's ``dump`` writes of them.
CELLS = "t:$mux t:$pmux t:$dff"
_NAME = r"(?:\$\d+)?\\(\w+)(?:\[[\d:]+\])?(?: (\[[\d:]+\]))?"


def registers(listing: str) -> dict[tuple[str, str], str]:
    """By module and cell, of the ``dump`` of ``CELLS``, the name, and if it is a part, its bits, as in ``kept[7:4]``;
    those that lead to no register are left out."""
    return {
        (module, cell): register
        for module, text in re.findall(r"(?ms)^module \\(\w+)(.*?)^end$", listing)
        for cell, register in _of_module(text)
    }


def _of_module(text: str) -> Iterator[tuple[str, str]]:
    leads_to: dict[str, str] = {}  # by wire, the register or the next wire
    drives: dict[str, str] = {}
    for cell, body in re.findall(r"(?ms)^  cell \S+ (\S+)\n(.*?)^  end$", text):
        ends = dict(re.findall(r"(?m)^    connect \\(\w+) (.*)$", body))
        drives[cell] = ends["Q" if "Q" in ends else "Y"]
        for wire in re.findall(r"\$\S+_Y", f"{ends.get('A', '')} {ends.get('B', '')}"):
            leads_to[wire] = drives[cell]
    for cell, driven in drives.items():
        while driven in leads_to:
            driven = leads_to[driven]
        if found := re.fullmatch(_NAME, driven):
            yield cell, found[1] + (found[2] or "")
