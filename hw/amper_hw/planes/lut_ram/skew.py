"""Where the bits of a row lie in LUT RAM, so that a row is written, and a plane read, in one cycle.

Page: docs/hardware/exact.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Mux, Value

from amper_spec.config import AmperConfig

COLUMNS = 4  # bits of a word of LUT RAM: rows whose bits of one plane lie together, a group
_DEPTH_WIDTH = 4  # bits of the address of a word: 16


def skew_width(config: AmperConfig) -> int:
    """S: the S low bits of a memory's number, of a group's and of a plane's are what the skew is about.

    Group g has plane k in memory g ^ k, at address k. So the planes of a group lie in different memories, and in each
    memory the groups lie at different addresses. A bank of few rows has few memories, and uses them in part.
    """
    groups = -(-min(config.rows, config.bank_rows) // COLUMNS)
    return min(_DEPTH_WIDTH, max(1, (groups - 1).bit_length()))


def layers(config: AmperConfig) -> int:
    """Memories side by side, each for 2^S planes."""
    return -(-config.priority_width >> skew_width(config))


def skewed_width(config: AmperConfig) -> int:
    """Bits of a code on its way to its row: one for each memory that its group may use."""
    return layers(config) << skew_width(config)


def vector_width(config: AmperConfig, rows: int) -> int:
    """Places that a bank of ``rows`` rows has: whole groups, 2^S of them or a multiple."""
    block = COLUMNS << skew_width(config)
    return -(-rows // block) * block


def exchanged(value: Value, by: Value, *, size: int) -> Value:
    """``value`` in groups of ``size`` bits, with group i in the place of group i ^ ``by``.

    The exchange is its own inverse. Groups above those that ``by`` reaches stay with their neighbours.
    """
    groups = [value[low : low + size] for low in range(0, len(value), size)]
    for bit in range(len(by)):
        groups = [Mux(by[bit], groups[index ^ 1 << bit], group) for index, group in enumerate(groups)]
    return Cat(groups)


def skewed(config: AmperConfig, code: Value, row: Value) -> Value:
    """A code as the memories of the group of ``row`` take it; of a skewed code, the code.

    Bit k, with k = layer 2^S + low, goes to place layer 2^S + (low ^ group).
    """
    padded = Cat(code, Const(0, skewed_width(config) - len(code)))
    return exchanged(padded, group_of(config, row), size=1)


def group_of(config: AmperConfig, row: Value) -> Value:
    """The S low bits of a row's group within its bank, which may have fewer."""
    low = COLUMNS.bit_length() - 1
    high = min(low + skew_width(config), (config.bank_rows - 1).bit_length())
    group = row[low : max(low, high)]
    return Cat(group, Const(0, skew_width(config) - len(group)))
