"""The parameters of the build: how the RTL is made. None of them changes an index, some the number of cycles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from amper_spec.declare import DERIVED, Declared, parameter, word
from amper_spec.rules import Choice, Identifier, Integer, Switch

Pipeline = Literal["deep", "shallow"]
PIPELINES: tuple[str, ...] = get_args(Pipeline)
Bus = Literal["native", "axi", "wishbone", "axi4"]
BUSES: tuple[str, ...] = get_args(Bus)
Storage = Literal["flip-flops", "latches"]
STORAGES: tuple[str, ...] = get_args(Storage)
Primitives = Literal["gates", "blocks"]
PRIMITIVES: tuple[str, ...] = get_args(Primitives)
Memories = Literal["inferred", "macro"]
MEMORIES: tuple[str, ...] = get_args(Memories)
Protection = Literal["none", "parity", "secded"]
PROTECTIONS: tuple[str, ...] = get_args(Protection)

FAN_OUT = 8  # of a node, the most by default: above it, a node's choice of a child is slower than all else
PACKED_ROW_WIDTH = 14  # bits of a row in a word with a priority
PACKED_BATCH = 256  # the largest batch whose rows are remembered by default
_PORTS = Integer(1, 16, power_of_two=True)
#: What organisation tree has one kind of: every level has a pipeline of its own, and its rows lie in memories.
FIXED_IN_THE_TREE = {"pipeline": "deep", "storage": "flip-flops"}
#: A tree in one bank.
OF_THE_TREE = FIXED_IN_THE_TREE | {"draw_ports": 1, "write_ports": 1}


def least_fan_out(config: Any) -> int:
    """The least power of two that needs no more levels of nodes than ``FAN_OUT``, and at least 2."""
    banks = -(-config.rows // config.bank_rows)
    levels = 0
    while FAN_OUT**levels < banks:
        levels += 1
    fan_out = 2
    while fan_out**levels < banks:
        fan_out *= 2
    return fan_out


def can_pack(config: Any) -> bool:
    """Whether a draw fits into one word of the bus, two flags beside it, and two priorities do."""
    fits: bool = config.row_width <= PACKED_ROW_WIDTH and config.priority_width <= 16
    return config.bus != "native" and fits


@dataclass(frozen=True, kw_only=True)
class Build(Declared):
    """The part of an ``AmperConfig`` that changes no index."""

    bank_rows: int = parameter(64, Integer(2, 1024, power_of_two=True), "R", "rows of a bank")
    fan_out: int = parameter(
        DERIVED,
        Integer(2, 64, power_of_two=True),
        "F",
        "banks or sub-arrays under a node of the tree",
        derive=least_fan_out,
        default_text=f"the least that needs no more levels than {FAN_OUT}",
    )
    search_ports: int = parameter(1, _PORTS, "P", "P, searches a cycle")
    draw_ports: int = parameter(1, _PORTS, "D", "D, draws a cycle")
    write_ports: int = parameter(1, _PORTS, "W", "W, writes a cycle")
    pipeline: Pipeline = parameter("deep", Choice(PIPELINES), "X", "deep, for the clock, or shallow, for few cycles")
    result_priority: bool = parameter(
        True, Switch(), "X", "whether results carry the drawn rows' priorities; without, writes wait less"
    )
    bus: Bus = parameter(
        "native", Choice(BUSES), "BUS", "ready/valid streams, AXI4-Lite or AXI4 with AXI4-Stream, or Wishbone B4"
    )
    packed_registers: bool = parameter(
        DERIVED,
        Switch(),
        "X",
        "whether one read takes a draw and one write updates two; the registers then remember a batch's rows",
        derive=lambda config: can_pack(config) and config.batch <= PACKED_BATCH,
        default_text=f"yes with a bus, for n <= 2^{PACKED_ROW_WIDTH}, Q <= 16, b <= {PACKED_BATCH}",
    )
    storage: Storage = parameter(
        "flip-flops", Choice(STORAGES), "CELLS", "what holds the rows; latches are smaller in a cell library"
    )
    primitives: Primitives = parameter(
        "gates",
        Choice(PRIMITIVES),
        "X",
        "what it is made of beside registers; an FPGA's blocks are multipliers and small memories",
    )
    protection: Protection = parameter(
        "none",
        Choice(PROTECTIONS),
        "X",
        "against flipped bits of rows, of variant exact alone; in registers parity at most, in LUT RAM none",
    )
    memories: Memories = parameter(
        "inferred",
        Choice(MEMORIES),
        "X",
        "RAM of organisation tree: inferred by the tools, or macros: also in files of their own, to be replaced",
    )
    name: str = parameter(
        "amper",
        Identifier(),
        "NAME",
        "of the top module, and what the names of all other modules and of the files begin with",
        changes="software",
    )

    @property
    def stored_width(self) -> int:
        """Bits of a row: a code, and above it the bit that makes the number of ones even."""
        width: int = getattr(self, "priority_width", 0)
        return width + self.protected

    @property
    def protected(self) -> bool:
        """Whether a flipped bit of a row is found."""
        return self.protection != "none"

    @property
    def streams(self) -> bool:
        """Whether it has AXI4-Streams."""
        return self.bus in ("axi", "axi4")

    @property
    def window(self) -> bool:
        """Whether bursts reach the packed registers."""
        return self.bus == "axi4" and self.packed_registers

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_tree()
        self._check_protection()
        if self.packed_registers and not can_pack(self):
            raise ValueError(
                f"packed_registers must be no with bus native, above {1 << PACKED_ROW_WIDTH} rows and above 16 bits of "
                "priority"
            )

    def _check_tree(self) -> None:
        if getattr(self, "organisation", "parallel") == "tree":
            for name, value in FIXED_IN_THE_TREE.items():
                if getattr(self, name) != value:
                    raise ValueError(
                        f"{name} must be {word(value)} with organisation tree, not {word(getattr(self, name))}"
                    )
            for name in ("draw_ports", "write_ports"):
                ports, banks = getattr(self, name), getattr(self, "banks", 1)
                if ports > banks:
                    raise ValueError(f"{name} must be at most banks, {banks}, with organisation tree, not {ports}")
        elif self.memories != "inferred":
            raise ValueError(f"memories must be inferred unless organisation is tree, not {self.memories}")
        if self.memories == "macro" and self.primitives != "gates":
            raise ValueError(f"primitives must be gates with memories macro, not {self.primitives}")

    def _check_protection(self) -> None:
        """A census sees every bit of every row in registers; who has none would need a check of another kind."""
        if not self.protected:
            return
        has = self.protection
        if getattr(self, "variants", ()) != ("exact",):
            raise ValueError(f"protection must be none with other variants than exact, not {has}")
        if getattr(self, "organisation", "parallel") == "tree":
            return
        if self.protection == "secded":
            raise ValueError(f"protection must be none or parity with organisation parallel, not {has}")
        if self.primitives == "blocks" and self.storage == "flip-flops":
            raise ValueError(f"protection must be none with primitives blocks and storage flip-flops, not {has}")
