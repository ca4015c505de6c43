"""Where every number of cycles is derived; docs/architecture.md explains them."""

from __future__ import annotations

from dataclasses import dataclass

from amper.config import AmperConfig
from amper_hw.bank import Bank
from amper_hw.multiplier import PipelinedMultiplier
from amper_hw.rank_select import BitSelect


def tree_levels(config: AmperConfig) -> int:
    """Levels of nodes above the banks: 0 for a single bank."""
    levels, reach = 0, config.bank_rows
    while reach < config.rows:
        levels, reach = levels + 1, reach * config.fan_out
    return levels


def row_answer_cycles(config: AmperConfig) -> int:
    """From a search, selection or read entering the row array to its answer."""
    return Bank.ANSWER_LATENCY + 2 * tree_levels(config)


def count_cycles(config: AmperConfig) -> int:
    """From the last search entering the row array to |CSP|."""
    return Bank.COUNT_LATENCY + 2 * tree_levels(config)


def draw_cycles(config: AmperConfig) -> int:
    """From a random word taken to its result entering the result queue."""
    bit_select = BitSelect.latency_of(min(config.rows, config.bank_rows))
    return PipelinedMultiplier.LATENCY + 2 * row_answer_cycles(config) + bit_select
