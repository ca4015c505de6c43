"""Units, and the names that Yosys gives to registers."""

from __future__ import annotations

REGISTER = "_reg"  # what a flip-flop's name has behind the name of its output


FEMTO, NANO, PICO = 1e-15, 1e-9, 1e-12
