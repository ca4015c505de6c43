"""A level of the tree: a node's sums are read, changed or compared with a place, and the operation goes on to a child.

Latency: ``shape.LEVEL_CYCLES``, one operation a cycle. Page: docs/hardware/tree.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import any_of, delayed, nth
from amper_hw.base.modules import Composite
from amper_hw.tree.checked_memory import SYNDROME_CYCLES, tree_memory
from amper_hw.tree.ports import operation_layout, sum_checks
from amper_hw.tree.shape import Level
from amper_spec.config import AmperConfig


@dataclass(frozen=True)
class _Stage:
    """What a stage of the pipeline holds of an operation."""

    draw: Value
    store: Value
    zero: Value
    value: Value
    past: Value
    row: Value


class TreeLevel(Composite):
    """Operations in their order, each as if it were done before the next one comes.

    In cycle 0 the node's address goes to the memory, in cycle 2 its sums are there; in cycle 3 they grow or are
    compared; in cycle 4 they are stored, and a child is chosen. So the sums of the four operations before are not in
    the memory yet, and are taken from where they are.

    Parameters
    ----------
    config : the configuration. shape : the level.

    Members
    -------
    operation : In, ``operation_layout`` of the node's sum. result : Out, of the child's.
    fault : Out, with protection: the sums that an operation used were faulty, in the cycle of its ``result``.
    """

    def __init__(self, config: AmperConfig, shape: Level) -> None:
        self._config = config
        self._shape = shape
        super().__init__(
            {
                "operation": In(operation_layout(config, sum_width=shape.node_width)),
                "result": Out(operation_layout(config, sum_width=shape.child_width)),
                **({"fault": Out(1)} if config.protected else {}),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        config, shape = self._config, self._shape
        width = sum(shape.sum_widths)
        columns = sum_checks(config, width)
        ram = tree_memory(depth=shape.nodes, width=width, blocks=config.primitives == "blocks", columns=columns)
        words = self.instantiate(m, "sums", ram)
        stages = self._stages(m)
        stores = [stage.store for stage in stages]
        nodes = [self._node(stage.row) for stage in stages]
        stores += [delayed(m, stores[4], "store_5", reset_less=False)]
        nodes += [delayed(m, nodes[4], "node_5")]
        # The sums of the operation in stage 4 and of those before it.
        newest = Signal(len(words.write_data), name="sums_4", reset_less=True)
        older = [newest, *(Signal(len(newest), name=f"sums_{stage}", reset_less=True) for stage in (5, 6))]
        m.d.sync += [there.eq(before) for there, before in zip(older[1:], older[:-1], strict=True)]

        def behind(stage: int, other: int, name: str) -> Signal:
            """In the next cycle: the operation that was in ``stage`` has the node that the one in ``other`` stored."""
            same = Signal(name=name)
            m.d.sync += same.eq(stores[other] & (nodes[stage] == nodes[other]))
            return same

        known: Value = words.read_data
        others = []
        for ahead in (5, 4, 3):
            others.append(behind(1, ahead, f"behind_{ahead}"))
            known = Mux(others[-1], older[ahead - 3], known)
        found = delayed(m, known, "sums_3")
        latest = behind(2, 3, "behind_2")
        current = Mux(latest, newest, found)
        m.d.sync += newest.eq(self._grown(stages[3], current))
        m.d.comb += [
            words.read_address.eq(nodes[0]),
            words.write_enable.eq(stores[4]),
            words.write_address.eq(nodes[4]),
            words.write_data.eq(newest),
        ]
        self._choose(m, stages[3], stages[4], current)
        if config.protected:
            self._check(m, stages[2], words.syndrome, any_of(others), latest)
        return m

    def _check(self, m: Module, stage: _Stage, syndrome: Value, others: Value, latest: Value) -> None:
        """Whether the sums of the operation in ``stage``, the second, are faulty where they lie in the memory: not if
        they were taken from others, as that says, or one cycle later ``latest``; a clear needs none."""
        used = delayed(m, (stage.draw | (stage.store & ~stage.zero)) & ~others, "used_3", reset_less=False)
        used = delayed(m, used & ~latest, "used_4", SYNDROME_CYCLES - 3, reset_less=False)
        m.d.comb += self.fault.eq(used & syndrome.any())

    def _stages(self, m: Module) -> list[_Stage]:
        """The operation in the cycles 0 to 4."""
        stages = [_Stage(**{name: Value.cast(self.operation[name]) for name in _Stage.__dataclass_fields__})]
        for cycle in range(1, 5):
            held = {}
            for name, value in vars(stages[-1]).items():
                if cycle == 4 and name in ("value", "past"):
                    value = value[: self._shape.child_width]  # no place of a child needs more
                held[name] = delayed(m, value, f"{name}_{cycle}", reset_less=name not in ("draw", "store"))
            stages.append(_Stage(**held))
        return stages

    def _node(self, row: Value) -> Value:
        """The node's number, of which the root has none."""
        return row[self._shape.below + self._shape.bits :] if self._shape.nodes > 1 else Const(0, 1)

    def _child(self, row: Value) -> Value:
        return row[self._shape.below : self._shape.below + self._shape.bits]

    def _sums(self, word: Value) -> list[Value]:
        """The sums in a word of the memory."""
        sums, low = [], 0
        for width in self._shape.sum_widths:
            sums.append(word[low : low + width])
            low += width
        return sums

    def _grown(self, stage: _Stage, word: Value) -> Value:
        """The sums with what is stored: those of the child and of all behind it grow."""
        child = self._child(stage.row)
        grown = []
        for index, each in enumerate(self._sums(word)):
            more = stage.value[: len(each)] & (child <= index).replicate(len(each))
            kept = each & (~stage.zero).replicate(len(each))
            grown.append((kept + more)[: len(each)])
        return Cat(*grown)

    def _choose(self, m: Module, stage: _Stage, later: _Stage, word: Value) -> None:
        """Compares the place with all sums in ``stage``, and chooses the child in the one after it, ``later``."""
        width = self._shape.child_width
        places, below = [], []  # from the end of each child, and whether the place lies before it
        for index, each in enumerate(self._sums(word)):
            place = Signal(len(stage.value) + 1, name=f"from_sum_{index}")
            m.d.comb += place.eq(stage.value - each)
            places.append(delayed(m, place[:width], f"place_{index}"))
            below.append(delayed(m, place[-1], f"below_{index}"))
        child = Signal(self._shape.bits, name="chosen")
        # Sums ascend: the child is the number of those that the place has passed. What is stored has its child already,
        # and its value goes on as that of a place in the first one does.
        m.d.comb += child.eq(_passed(below) & later.draw.replicate(self._shape.bits))
        value, past = nth([later.value, *places], child), nth([*places, later.past], child)
        row = Signal(len(later.row), name="row_of_child")
        m.d.comb += row.eq(later.row)
        with m.If(later.draw):
            m.d.comb += self._child(row).eq(child)
        kept = {"draw": later.draw, "store": later.store, "zero": later.zero, "value": value, "past": past, "row": row}
        for name, result in kept.items():
            register = Signal(len(result), name=f"next_{name}", reset_less=name not in ("draw", "store"))
            m.d.sync += register.eq(result)
            m.d.comb += self.result[name].eq(register)


def _passed(below: list[Value]) -> Value:
    """How many sums the place has passed; ``below`` says that it lies before a sum, and so before all after it."""
    if len(below) == 1:
        return ~below[0]
    return Cat((~below[0] & below[1]) | ~below[2], ~below[1])
