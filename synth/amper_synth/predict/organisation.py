"""Rows side by side or in RAM: what each would take, said before either is made. Page: docs/hardware/how-large.md."""

from __future__ import annotations

from amper_hw.base.latency import batch_cycles
from amper_hw.tree.checks import check_width
from amper_hw.tree.ports import code_checks
from amper_hw.tree.shape import levels
from amper_spec.algorithm import AUTO, ORGANISATIONS, TREE_FROM
from amper_spec.build import OF_THE_TREE
from amper_spec.config import AmperConfig

# Look-up tables of an ECP5 at Q = 16 and D = W = 1, with those that carry cells and small memories take, from what
# docs/hardware/how-large.md shows: of the parts that each sampler has, and of a row or a bit of a row's number.
PARALLEL_LUTS, PARALLEL_LUTS_A_ROW = 2130, 6.27
TREE_LUTS, TREE_LUTS_A_BIT = 330, 466


def parallel_luts(config: AmperConfig) -> float:
    """With the rows in LUT RAM."""
    return PARALLEL_LUTS + PARALLEL_LUTS_A_ROW * config.rows


def tree_luts(config: AmperConfig) -> float:
    """Beside the RAM."""
    return TREE_LUTS + TREE_LUTS_A_BIT * (config.rows - 1).bit_length()


def memory_bits(config: AmperConfig) -> int:
    """Bits of RAM of organisation tree: codes and sums, with protection their check bits."""
    checks = check_width(code_checks(config) or (0,))
    sums = sum(shape.nodes * (sum(shape.sum_widths) + config.protected) for shape in levels(config))
    return config.rows * (config.priority_width + checks) + config.banks * sums


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
        size = f"no RAM, some {parallel_luts(config):,.0f} look-up tables of an ECP5 (Q = 16)"
        plain = {"banks": 1, "memories": "inferred", "protection": "none"}
        cycles = batch_cycles(config.changed(organisation=organisation, **plain))
    else:
        tree = config.organisation == organisation
        alike = config if tree else config.changed(organisation=organisation, **OF_THE_TREE)
        logic = f"some {tree_luts(alike):,.0f}" if alike.banks == 1 else "an unmeasured number of"
        size = f"{memory_bits(alike):,} bits of RAM, {logic} look-up tables"
        cycles = batch_cycles(alike)
    return f"  {organisation}: {size}, a batch of {config.batch} in {cycles} cycles"
