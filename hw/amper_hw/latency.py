"""Where every number of cycles is derived; docs/architecture.md explains them."""

from __future__ import annotations

from amper.config import AmperConfig
from amper_hw.bank import Bank
from amper_hw.multiplier import PipelinedMultiplier
from amper_hw.query_generator import QueryGenerator
from amper_hw.rank_select import BitSelect

PREPARE_CYCLES = 1  # from a request being accepted to its keys being started
DRAW_START_CYCLES = 1  # from |CSP| being known to the first random word being taken
QUEUE_CYCLES = 2  # from a result entering the empty queue to its being offered


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


def constant_cycles(config: AmperConfig) -> int:
    """c: a batch takes m + b + c cycles from its request being accepted to its last result being taken.

    Without back-pressure and with Vmax settled; it depends neither on |CSP| nor on the priorities.
    """
    stages = (
        PREPARE_CYCLES
        + QueryGenerator.LATENCY
        + count_cycles(config)
        + DRAW_START_CYCLES
        + draw_cycles(config)
        + QUEUE_CYCLES
    )
    return stages - 2  # the first of the m searches and the first of the b draws are among the stages


def fallback_cycles(config: AmperConfig) -> int:
    """More cycles for a batch whose CSP is empty: one more search, that of all valid rows."""
    return 1 + count_cycles(config)


def batch_cycles(config: AmperConfig, batch: int | None = None) -> int:
    """m + b + c for a request of ``batch`` draws, ``config.batch`` unless given."""
    return config.groups + (config.batch if batch is None else batch) + constant_cycles(config)


def settle_cycles(config: AmperConfig) -> int:
    """The longest that Vmax takes to be exact again after the last write, if that write took the maximum away."""
    probe = row_answer_cycles(config) + 1
    return probe + config.priority_width * probe + 1
