"""Where every number of cycles is derived; docs/theory/hardware.md explains them.

The components take their numbers of stages from here, and their benches measure that they keep to them.
"""

from __future__ import annotations

from dataclasses import replace

from amper_hw.base.variants import has_candidates, has_exact, has_tree, in_lut_ram
from amper_hw.tree.shape import LEVEL_CYCLES, bank_rows, levels
from amper_spec.config import AmperConfig

PREPARE_CYCLES = (
    1  # from a request being taken to its keys being started, or its record being taken; alone, exact has 0
)
RECORD_CYCLES = 1  # exact: from a record being taken, where none is before it, to its first word being taken
CSP_CYCLES = 1  # from |CSP| to its first draw
DIVISION_CYCLES = 61  # the most from a change of m or lambda' to its reciprocal and radius
CODE_CYCLES = 4  # tree: from a write entering the memory of codes to its entering the root
TOTAL_CYCLES = CODE_CYCLES + 3  # tree: from a write being taken to T of its bank and whether it is 0
BANK_CYCLES = 3  # tree in banks: from a place in T to the bank that holds it, the place there, and a queue's output
CHECKED_CYCLES = 8  # tree: from a row entering the memory of codes to whether its code has a flipped bit, and which
PATROL_CYCLES = 16  # tree: from one row that is looked at in idle cycles to the next one
CHECK_CYCLES = 1024  # exact, with parity: the longest that a sampler at rest goes without looking at it
SMALL_VECTOR = 8  # the most bits that BitSelect handles in one stage


def is_deep(config: AmperConfig) -> bool:
    """Whether the pipeline has a register wherever the clock could want one, or only where state needs one."""
    return config.pipeline == "deep"


def multiplier_cycles(config: AmperConfig) -> int:
    """A multiplication."""
    return 2 if is_deep(config) else 1


def urng_cycles(config: AmperConfig) -> int:
    """From words taken to the words."""
    return 2 if is_deep(config) else 1


def numerator_cycles(config: AmperConfig) -> int:
    """From a random word to the numerator of f_i: the shift of an m below the largest."""
    return 1 if is_deep(config) else 0


def representative_cycles(config: AmperConfig) -> int:
    """From a batch's start to its first V_i: random words, the numerator of f_i, f_i, V_i."""
    return urng_cycles(config) + numerator_cycles(config) + 2 * multiplier_cycles(config)


def radius_cycles(config: AmperConfig) -> int:
    """From a V_i to its key: the product D_i, saturation and ones below its leading one, the key."""
    return 4 if is_deep(config) else 1


def key_cycles(config: AmperConfig) -> int:
    """From a batch's start to its first key, in the fr variants."""
    return representative_cycles(config) + radius_cycles(config)


def tree_levels(config: AmperConfig) -> int:
    """Levels of nodes above the banks: 0 for a single bank."""
    levels, reach = 0, config.bank_rows
    while reach < config.rows:
        levels, reach = levels + 1, reach * config.fan_out
    return levels


def node_cycles(config: AmperConfig) -> int:
    """What a node adds on the way down, and again on the way up."""
    return 1 if is_deep(config) else 0


def tree_cycles(config: AmperConfig) -> int:
    """What the nodes add to a question and its answer."""
    return 2 * node_cycles(config) * tree_levels(config)


def row_answer_cycles(config: AmperConfig) -> int:
    """From a selection or read entering the row array to its answer."""
    return bank_answer_cycles(config) + tree_cycles(config)


def read_answer_cycles(config: AmperConfig) -> int:
    """exact: from a read entering the row array to its priority; a block RAM for all rows has no tree in front."""
    if in_lut_ram(config) and config.write_ports == 1:
        return 2 if is_deep(config) else 1
    return row_answer_cycles(config)


def any_answer_cycles(config: AmperConfig) -> int:
    """From a search or write entering the row array to whether any row matches, or which valid bits have changed."""
    return bank_any_cycles(config) + tree_cycles(config)


def bank_answer_cycles(config: AmperConfig) -> int:
    """From a question to a bank to its answer: a register before, one behind."""
    return 2 if is_deep(config) else 1


def bank_any_cycles(config: AmperConfig) -> int:
    """From a search of a bank to whether any of its rows matches, or a write to what it changed: a register before,
    groups of rows, all rows."""
    return 3 if is_deep(config) else 1


def bank_count_cycles(config: AmperConfig) -> int:
    """From the last search of a CSP to the bank's part of |CSP|: key, bitmap, partial counts, sum."""
    return 4 if is_deep(config) else 2


def queue_cycles(config: AmperConfig) -> int:
    """From a result entering the empty queue to its being offered."""
    return 1 if has_exact(config) else 2


def count_cycles(config: AmperConfig) -> int:
    """From the last search entering the row array to |CSP|."""
    return bank_count_cycles(config) + tree_cycles(config)


def plane_lead_cycles(config: AmperConfig) -> int:
    """exact: by how many cycles a plane enters the row array before the rank within it."""
    return 2 if is_deep(config) else 1


def rank_answer_cycles(config: AmperConfig) -> int:
    """exact: from a rank entering the row array to its answer; from LUT RAM, the bank's vector has a register of its
    own, and another behind the exchange of its groups."""
    return tree_cycles(config) + (2 if in_lut_ram(config) and is_deep(config) else 0)


def plane_answer_cycles(config: AmperConfig) -> int:
    """exact: from a plane entering the row array to the answer to the rank that follows it."""
    return plane_lead_cycles(config) + rank_answer_cycles(config)


def bank_plane_count_cycles(config: AmperConfig) -> int:
    """exact: from a plane to a bank's count of it: its line, its rows, partial counts, sum.

    With the rows in LUT RAM, sums of partial counts before: an FPGA's adders take longer than a group's count.
    """
    return (5 if in_lut_ram(config) else 4) if is_deep(config) else 2


def plane_count_cycles(config: AmperConfig) -> int:
    """exact: from a plane entering the row array to its count."""
    return bank_plane_count_cycles(config) + tree_cycles(config)


def census_cycles(config: AmperConfig) -> int:
    """exact: from a write entering the row array to a census of all planes: the longest that a batch waits for it."""
    return 1 + config.stored_width + plane_count_cycles(config)


def factor_cycles(config: AmperConfig) -> int:
    """exact: from a random word to the multiplier: an FPGA's blocks take half of a cycle, and their place is given."""
    return 1 if is_deep(config) and config.primitives == "blocks" else 0


def place_cycles(config: AmperConfig) -> int:
    """exact: from a random word to a place in T: the multiplier, the product, the shift to the part of T."""
    shift = 1 if is_deep(config) and config.draws == "stratified" else 0
    return factor_cycles(config) + multiplier_cycles(config) + shift


def choice_cycles(config: AmperConfig) -> int:
    """exact: from a place to its plane: comparisons, choice."""
    return 2 if is_deep(config) else 1


def front_cycles(config: AmperConfig) -> int:
    """exact: from a random word to its plane entering the row array."""
    return place_cycles(config) + choice_cycles(config)


def bit_select_cycles(config: AmperConfig, width: int) -> int:
    """The choice of a bit in a vector of ``width`` bits."""
    return 4 if is_deep(config) and width > SMALL_VECTOR else 1


def draw_cycles(config: AmperConfig) -> int:
    """From a random word to its result entering the result queue; with exact built in, of every variant."""
    if has_tree(config):
        return place_cycles(config) + (BANK_CYCLES if config.banks > 1 else 0) + bank_draw_cycles(config)
    if has_exact(config):
        return front_cycles(config) + plane_draw_cycles(config)
    select = row_answer_cycles(config) + bit_select_cycles(config, min(config.rows, config.bank_rows))
    read = row_answer_cycles(config) if config.result_priority else 0
    return multiplier_cycles(config) + select + read


def plane_draw_cycles(config: AmperConfig) -> int:
    """exact: from a plane entering the row array to its draw entering the result queue."""
    select = plane_answer_cycles(config) + bit_select_cycles(config, min(config.rows, config.bank_rows))
    return select + (read_answer_cycles(config) if config.result_priority else 0)


def bank_draw_cycles(config: AmperConfig) -> int:
    """tree: from a place in a bank to its result entering the result queue; a register lies before banks and one
    behind."""
    return (2 if config.banks > 1 else 0) + sum_tree_cycles(config) + 1


def total_cycles(config: AmperConfig) -> int:
    """tree: from a write being taken to T and whether it is 0; with banks, adders two by two, and registers before and
    behind."""
    banks = config.banks.bit_length() - 1
    return TOTAL_CYCLES + (banks + 2 if banks else 0)


def sum_tree_cycles(config: AmperConfig) -> int:
    """tree: from an operation entering the root to its leaving the lowest level."""
    return LEVEL_CYCLES * len(levels(config))


def fault_cycles(config: AmperConfig) -> int:
    """tree, with protection: after so many cycles without a draw or a write every one before has told of every fault
    that it met, and all sums stand still: codes, levels and their checks, T and its sum over at most 16 banks."""
    return CHECKED_CYCLES + TOTAL_CYCLES + sum_tree_cycles(config) + 16


def repair_cycles(config: AmperConfig) -> int:
    """tree, with protection: the longest from a fault, once nothing is under way, to the end of its repair: all sums
    zeroed, two cycles a row; changes and writes wait for it, and requests for the first ``fault_cycles``."""
    return 2 * fault_cycles(config) + clear_cycles(config) + 2 * bank_rows(config) + 8


def turn_cycles(config: AmperConfig) -> int:
    """k: from a group's turn to its query being offered: its state, the range."""
    return 2 if is_deep(config) else 1


def loop_cycles(config: AmperConfig) -> int:
    """k: from a query to the next one of the same group: the count, its product, the comparison, the turn."""
    return count_cycles(config) + multiplier_cycles(config) + 1 + turn_cycles(config)


def nearest_cycles(config: AmperConfig, groups: int) -> int:
    """k: from the first point of a batch of ``groups`` groups being taken to its last query being taken.

    Without back-pressure; it does not depend on the priorities. About m (Q + 2) where m is at least ``loop_cycles``.
    """
    first_turn = max(groups + 1, count_cycles(config) + 3)  # the first V_i is there, and the first C_i
    rounds = config.priority_width * max(groups, loop_cycles(config))
    return first_turn + turn_cycles(config) + rounds + groups - 1


def search_cycles(config: AmperConfig) -> int:
    """From a batch's start to its last search entering the row array."""
    if config.variant == "k":
        return representative_cycles(config) + nearest_cycles(config, config.groups)
    return key_cycles(config) + -(-config.groups // config.search_ports) - 1


def batch_cycles(config: AmperConfig, batch: int | None = None) -> int:
    """From the request of ``batch`` draws (``config.batch`` unless given) being taken to its last result being so.

    Without back-pressure, nothing before it under way and Vmax, or the census, settled; it depends neither on |CSP| nor
    on the priorities, but for exact with D > 1: a beat of lanes in more than one plane takes a cycle a plane.
    """
    beats = -(-(config.batch if batch is None else batch) // config.draw_ports)
    if config.variant == "exact":
        words = (PREPARE_CYCLES if has_candidates(config) else 0) + RECORD_CYCLES + urng_cycles(config)
        return words + draw_cycles(config) + queue_cycles(config) + beats - 1
    searches = PREPARE_CYCLES + search_cycles(config) + count_cycles(config)
    first_result = searches + CSP_CYCLES + draw_cycles(config) + queue_cycles(config)
    return first_result + beats - 1


def constant_cycles(config: AmperConfig) -> int:
    """c of the fr variants, whose batch takes ceil(m / P) + ceil(b / D) + c cycles."""
    stages = PREPARE_CYCLES + key_cycles(config) + count_cycles(config) + CSP_CYCLES
    stages += draw_cycles(config) + queue_cycles(config)
    return stages - 2  # the first of the searches and the first of the draws are among the stages


def fallback_cycles(config: AmperConfig) -> int:
    """More cycles for a batch whose CSP is empty: the last answer says so, then comes the search of all valid rows."""
    return any_answer_cycles(config) + 1


def probe_cycles(config: AmperConfig) -> int:
    """From the Vmax unit's asking to the answer of the row array: a register on the way, and the array."""
    return (1 if is_deep(config) else 0) + any_answer_cycles(config)


def settle_cycles(config: AmperConfig) -> int:
    """The longest that Vmax takes to be exact again after the last write, if that write took the maximum away; where
    only variant exact is built in, that the census takes; of organisation tree, that T takes."""
    if has_tree(config):
        return total_cycles(config)
    if not has_candidates(config):
        return census_cycles(config)
    probe = probe_cycles(config) + 1
    return probe + config.priority_width * probe + 1


def unsettled_cycles(config: AmperConfig) -> int:
    """The longest that a batch waits for what writes and changes before it began: Vmax, census, a division."""
    census = census_cycles(config) if has_exact(config) and not has_tree(config) else 0
    return settle_cycles(config) + census + DIVISION_CYCLES


def clear_cycles(config: AmperConfig) -> int:
    """For how many cycles after a clear or a reset writes wait for memories: of organisation tree one for every node of
    the lowest level; of the other a few, which count as settling."""
    return levels(config)[-1].nodes if has_tree(config) else 0


def answer_cycles(config: AmperConfig) -> int:
    """The longest from a request that is first in line to its last result, without back-pressure: the slowest variant
    that is built in, an empty CSP, a beat for each draw, and everything to settle before."""
    slowest = max(batch_cycles(replace(config, variant=variant)) for variant in config.variants)
    beats = config.batch - -(-config.batch // config.draw_ports)
    fallback = fallback_cycles(config) if has_candidates(config) else 0
    return slowest + beats + fallback + unsettled_cycles(config)
