"""Rows side by side or in RAM: what each would take, said before either is made. Page: docs/hardware/how-large.md."""

from __future__ import annotations

from dataclasses import replace

from amper_hw.base.latency import batch_cycles
from amper_hw.tree.shape import levels
from amper_spec.algorithm import AUTO, ORGANISATIONS, TREE_FROM
from amper_spec.build import OF_THE_TREE
from amper_spec.config import AmperConfig

PARALLEL_LUTS = 6.9  # four-input look-up tables a row of an ECP5, small memories among them: docs/hardware/exact.md


def memory_bits(config: AmperConfig) -> int:
    """Bits of RAM of organisation tree: codes and sums."""
    return config.rows * config.priority_width + sum(shape.nodes * sum(shape.sum_widths) for shape in levels(config))


def organisations(config: AmperConfig, asked: object) -> list[str]:
    """Which organisation it is and why, and then a line for each that it could be; none where there is no choice.

    ``asked`` : what was asked for, before ``auto`` was resolved.
    """
    if config.variants != ("exact",) or config.rows < 2:
        return []
    rule = f"auto: {config.rows} rows, the tree from {TREE_FROM} on"
    why = rule if asked == AUTO else f"asked for {config.organisation}" if asked else "the default"
    return [f"organisation: {config.organisation} ({why})", *(_line(config, name) for name in ORGANISATIONS)]


def _line(config: AmperConfig, organisation: str) -> str:
    if organisation == "parallel":
        luts = PARALLEL_LUTS * config.rows
        size = f"no RAM, some {luts:,.0f} LUT4 of an ECP5"
        cycles = batch_cycles(replace(config, organisation=organisation))
    else:
        alike = config.changed(organisation=organisation, **OF_THE_TREE)
        size, cycles = f"{memory_bits(config):,} bits of RAM", batch_cycles(alike)
    return f"  {organisation}: {size}, a batch of {config.batch} in {cycles} cycles"
