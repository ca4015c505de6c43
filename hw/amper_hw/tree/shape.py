"""How many levels the tree has, and how large each is. Page: docs/hardware/tree.md."""

from __future__ import annotations

from dataclasses import dataclass

from amper_spec.config import AmperConfig

CHILD_BITS = 2  # of a child's number: four children a node, but two at the root where the bits of a row are odd
LEVEL_CYCLES = 5  # from an operation entering a level to its entering the next


@dataclass(frozen=True)
class Level:
    """A level of nodes.

    Attributes
    ----------
    bits : of a child's number. below : bits of a row's number that a child leaves open. nodes : that have rows.
    code_width : bits of a code.
    """

    bits: int
    below: int
    nodes: int
    code_width: int

    @property
    def children(self) -> int:
        """Of a node."""
        return 1 << self.bits

    @property
    def sum_widths(self) -> tuple[int, ...]:
        """Bits of each sum that a node keeps: of its first child, of its first two, and so on; not of all."""
        return tuple(self.child_width + child.bit_length() for child in range(self.children - 1))

    @property
    def child_width(self) -> int:
        """Bits of the sum of a child."""
        return self.code_width + self.below

    @property
    def node_width(self) -> int:
        """Bits of the sum of a node."""
        return self.child_width + self.bits


def bank_rows(config: AmperConfig) -> int:
    """Rows of a bank, the fullest of them."""
    return -(-config.rows // config.banks)


def bank_bits(config: AmperConfig) -> int:
    """Low bits of a row that are its bank's number."""
    return config.banks.bit_length() - 1


def of_a_bank(config: AmperConfig) -> AmperConfig:
    """The configuration of a bank: a tree of its own, an operation a cycle."""
    if config.banks == 1:
        return config
    return config.changed(rows=bank_rows(config), banks=1, draw_ports=1, write_ports=1)


def levels(config: AmperConfig) -> tuple[Level, ...]:
    """Of a bank, from the root down."""
    rows = bank_rows(config)
    row_bits = (rows - 1).bit_length()
    first = row_bits % CHILD_BITS or CHILD_BITS
    shapes: list[Level] = []
    for below in range(row_bits - first, -1, -CHILD_BITS):
        bits = CHILD_BITS if shapes else first
        nodes = -(-rows // (1 << below + bits))
        shapes.append(Level(bits, below, nodes, config.priority_width))
    return tuple(shapes)


def code_columns(config: AmperConfig) -> int:
    """Memories that hold the codes, one for each child of the lowest level: so a clear takes them all at once."""
    return levels(config)[-1].children
