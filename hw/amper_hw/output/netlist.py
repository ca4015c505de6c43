"""A module as what its Verilog is written from: expressions, registers, blocks, memories and instances.

What RTLIL says twice is said once, bits of a result that nobody asks for are not computed, and wires that are only
other names of something are left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby

from amper_hw.output.operators import MODULAR, Operator, as_choice, narrowed, one_default, operator_of, possible
from amper_hw.output.rtlil import Assign, Bits, Cell, Chunk, RtlilModule, Statement, Switch, Wire


@dataclass
class Register:
    """What ``target`` takes at the rising edge of ``clock``; where no statement says anything, it holds."""

    target: Bits
    clock: Bits
    statements: list[Statement]


@dataclass
class Netlist:
    """A module. ``operators`` : what drives a wire, operands before what is made of them."""

    name: str
    wires: list[Wire]
    operators: dict[Wire, Operator] = field(default_factory=dict)
    blocks: dict[Wire, list[Statement]] = field(default_factory=dict)
    registers: list[Register] = field(default_factory=list)
    memories: dict[str, tuple[int, int]] = field(default_factory=dict)
    accesses: list[Cell] = field(default_factory=list)  # of memories
    instances: list[Cell] = field(default_factory=list)
    outputs: list[tuple[Wire, Bits]] = field(default_factory=list)  # of whatever has another name inside
    used: dict[Wire, int] = field(default_factory=dict)  # which bits somebody reads, as a mask

    def values(self) -> Iterator[Bits]:
        """Everything that is read."""
        yield from self.roots(self.registers)
        for operator in self.operators.values():
            yield from operator.operands

    def roots(self, registers: list[Register]) -> Iterator[Bits]:
        """What is read by other things than operators, of the registers by these."""
        yield from _values([register.statements for register in registers])
        yield from (register.clock for register in registers)
        yield from _values(self.blocks.values())
        yield from (bits for _, bits in self.outputs)
        for cell in [*self.instances, *self.accesses]:
            driven = driven_ports(cell)
            yield from (bits for port, bits in cell.ports.items() if port not in driven)
            if cell.kind == "$memwr_v2":
                yield from (data for _, data, _ in written_parts(cell))


def written_parts(cell: Cell) -> list[tuple[int, Bits, Bits]]:
    """Of a memory's write port the lowest bit, the data and the enable of each part that is written on its own."""
    parts = []
    bits = (cell.ports["EN"].part(place, 1) for place in range(cell.ports["EN"].width))
    low = 0
    for enable, same in groupby(bits):
        width = len(list(same))
        parts.append((low, cell.ports["DATA"].part(low, width), enable))
        low += width
    return parts


def driven_ports(cell: Cell) -> set[str]:
    """Which ports of a cell are outputs; of an instance, those that ``simplify`` found."""
    if "$" in cell.kind:
        return {"Y", "Q", "DATA"} if cell.kind != "$memwr_v2" else set()
    return set(cell.parameters["outputs"].split())


def simplify(module: RtlilModule, outputs: dict[str, frozenset[str]]) -> Netlist:
    """The netlist of a module; ``outputs`` : the names of the output ports of all modules."""
    return _Simplifier(module, outputs).netlist


class _Simplifier:
    def __init__(self, module: RtlilModule, outputs: dict[str, frozenset[str]]) -> None:
        self._same: dict[Wire, Bits] = {}
        self._module = module
        self.netlist = Netlist(module.name, list(module.wires.values()), memories=module.memories)
        for cell in module.cells:
            if "$" not in cell.kind:
                cell.parameters["outputs"] = " ".join(outputs[cell.kind] & cell.ports.keys())
        self._name()
        self._build()
        self._resolve_all()
        self._order()
        self._demand()

    # Wires that are other names.

    def _name(self) -> None:
        for wire, value in _whole_aliases(self._module.aliases):
            source = value[0].wire if len(value) == 1 else None
            temporary = source is not None and source.is_temporary and source not in self._same
            if wire.port:
                if temporary and value.whole:
                    self._same[value.whole] = Bits.of(wire)
                else:
                    self.netlist.outputs.append((wire, value))
                continue
            self._same[wire] = value
            if temporary and value[0].low == 0 and source is not None:
                source.name = wire.name

    def resolved(self, bits: Bits) -> Bits:
        """With the wires that the names stand for."""
        if not any(chunk.wire in self._same for chunk in bits):
            return bits
        parts: list[Chunk] = []
        for chunk in bits:
            known = self._same.get(chunk.wire) if chunk.wire else None
            parts.extend(self.resolved(known).part(chunk.low, chunk.width) if known is not None else (chunk,))
        return Bits(parts)

    def _statements(self, statements: Iterable[Statement]) -> list[Statement]:
        made: list[Statement] = []
        for one in statements:
            if isinstance(one, Assign):
                made.append(Assign(self.resolved(one.target), self.resolved(one.value)))
            else:
                cases = [(fits, self._statements(body)) for fits, body in one.cases]
                made += possible(Switch(self.resolved(one.test), cases))
        return made

    # Cells and processes.

    def _build(self) -> None:
        readers = Counter(
            chunk.wire
            for bits in [*self._cell_inputs(), *_values(self._module.processes), *(v for _, v in self.netlist.outputs)]
            for chunk in bits
        )
        blocks = {_target(process): process for process in self._module.processes}
        seen: dict[object, Wire] = {}
        for cell in self._module.cells:
            if cell.kind == "$dff":
                self._register(cell, blocks, readers)
            elif cell.kind.startswith(("$memrd", "$memwr")):
                self.netlist.accesses.append(cell)
            elif cell.kind == "$meminit_v2":
                continue  # a memory has no initial contents, as on silicon
            elif "$" in cell.kind:
                self._operator(cell, seen)
            else:
                self.netlist.instances.append(cell)
        for wire, block in blocks.items():
            target = self.resolved(Bits.of(wire)).whole
            if target is None:
                raise ValueError(f"{self._module.name}: {wire.name} is driven twice")
            block = one_default(block)
            made = block[0].value if len(block) == 1 and isinstance(block[0], Assign) else as_choice(block)
            if isinstance(made, Bits):
                self._is(target, made)
            elif made:
                self.netlist.operators[target] = made
            else:
                self.netlist.blocks[target] = block

    def _cell_inputs(self) -> Iterator[Bits]:
        for cell in self._module.cells:
            driven = driven_ports(cell)
            yield from (bits for port, bits in cell.ports.items() if port not in driven)

    def _register(self, cell: Cell, blocks: dict[Wire, list[Statement]], readers: Counter[Wire | None]) -> None:
        if cell.number("CLK_POLARITY") != 1:
            raise ValueError(f"{self._module.name}: a register at the falling edge")
        data, target = cell.ports["D"], cell.ports["Q"]
        wire = data.whole
        if wire in blocks and readers[wire] == 1 and wire not in self._same:
            statements = _retargeted(blocks.pop(wire), target)
        else:
            statements = [Assign(target, data)]
        self.netlist.registers.append(Register(target, cell.ports["CLK"], statements))

    def _operator(self, cell: Cell, seen: dict[object, Wire]) -> None:
        result = self.resolved(cell.ports["Y"]).whole
        if result is None:
            raise ValueError(f"{self._module.name}: {cell.label} drives a part of a wire")
        made = operator_of(
            cell.kind.removeprefix("$"),
            {name: self.resolved(bits) for name, bits in cell.ports.items()},
            cell.parameters,
            result.width,
        )
        if isinstance(made, Bits):
            self._is(result, made)
            return
        if made.width > result.width:  # of a shift to the right, which reads more bits than it gives
            result.width = made.width
        key = (made.kind, tuple(made.operands), made.width, made.signed)
        known = seen.setdefault(key, result)
        if known is result:
            self.netlist.operators[result] = made
        else:
            self._is(result, Bits.of(known))
            if known.is_temporary and not result.port:
                known.name = result.name

    def _is(self, wire: Wire, value: Bits) -> None:
        """A wire has a value that needs no operator."""
        if wire.port:
            self.netlist.outputs.append((wire, value))
        else:
            self._same[wire] = value

    # Then, when all names are known.

    def _resolve_all(self) -> None:
        net = self.netlist
        for operator in net.operators.values():
            operator.operands = [self.resolved(bits) for bits in operator.operands]
        net.blocks = {wire: self._statements(block) for wire, block in net.blocks.items()}
        for register in net.registers:
            register.statements = self._statements(register.statements)
        for cell in [*net.instances, *net.accesses]:
            cell.ports = {name: self.resolved(bits) for name, bits in cell.ports.items()}
        net.outputs = [(wire, self.resolved(bits)) for wire, bits in net.outputs]

    def _order(self) -> None:
        """Operands first."""
        ordered: dict[Wire, Operator] = {}
        entered: set[Wire] = set()
        for wire in self.netlist.operators:
            waiting = [(wire, False)]
            while waiting:
                now, done = waiting.pop()
                if done:
                    ordered[now] = self.netlist.operators[now]
                elif now not in entered:
                    entered.add(now)
                    waiting.append((now, True))
                    waiting.extend(
                        (chunk.wire, False)
                        for bits in self.netlist.operators[now].operands
                        for chunk in bits
                        if chunk.wire in self.netlist.operators
                    )
        self.netlist.operators = ordered

    def _demand(self) -> None:
        """Which bits are read: what nobody reads goes, and operators lose the high bits that nobody reads."""
        net = self.netlist
        live: list[Register] = []
        while True:
            self._mark_all(live)
            now = [one for one in net.registers if any(self._is_read(chunk.wire) for chunk in one.target)]
            if len(now) == len(live):
                break
            live = now
        self._mark_all(live, narrow=True)
        net.registers = live
        net.operators = {wire: one for wire, one in net.operators.items() if self._is_read(wire)}
        net.blocks = {wire: one for wire, one in net.blocks.items() if self._is_read(wire)}

    def _is_read(self, wire: Wire | None) -> bool:
        return wire is not None and (wire.port == "output" or bool(self.netlist.used.get(wire)))

    def _mark_all(self, live: list[Register], *, narrow: bool = False) -> None:
        net, used = self.netlist, self.netlist.used
        used.clear()
        for bits in net.roots(live):
            _mark(used, bits)
        for wire, operator in reversed(net.operators.items()):
            wanted = operator.width if wire.port else min(operator.width, used.get(wire, 0).bit_length())
            if not wanted:
                continue
            if operator.kind in MODULAR and wanted < operator.width and narrow:
                operator.operands = narrowed(operator, wanted)
                operator.width = wire.width = wanted
            for bits in operator.operands:
                _mark(used, bits)


def _whole_aliases(aliases: list[tuple[Bits, Bits]]) -> Iterator[tuple[Wire, Bits]]:
    """What each wire is another name of; one that is told part by part is put together."""
    parts: dict[Wire, list[tuple[int, Bits]]] = {}
    for target, value in aliases:
        start = 0
        for wire, low, width in target:
            if wire is not None:
                parts.setdefault(wire, []).append((low, value.part(start, width)))
            start += width
    for wire, pieces in parts.items():
        whole = Bits([chunk for _, bits in sorted(pieces, key=lambda piece: piece[0]) for chunk in bits])
        if whole.width != wire.width:
            raise ValueError(f"{wire.name} has {wire.width} bits, of which {whole.width} have a value")
        yield wire, whole


def _mark(used: dict[Wire, int], bits: Bits) -> None:
    """Note that they are read."""
    for wire, low, width in bits:
        if wire:
            used[wire] = used.get(wire, 0) | ((1 << width) - 1) << low


def _values(blocks: Iterable[list[Statement]]) -> Iterator[Bits]:
    """Everything that statements read."""
    for block in blocks:
        for one in block:
            if isinstance(one, Assign):
                yield one.value
            else:
                yield one.test
                yield from _values(body for _, body in one.cases)


def _target(process: list[Statement]) -> Wire:
    """The one wire that a process drives; it begins with an assignment to it."""
    first = process[0]
    if not isinstance(first, Assign) or first.target[0].wire is None:
        raise ValueError("a process does not begin with a default")
    return first.target[0].wire


def _retargeted(statements: list[Statement], target: Bits) -> list[Statement]:
    """The same, into ``target``; an assignment of what is there already is left out."""
    made: list[Statement] = []
    for one in statements:
        if isinstance(one, Assign):
            place = target.part(one.target[0].low, one.target.width)
            if one.value != place:
                made.append(Assign(place, one.value))
        else:
            made.append(Switch(one.test, [(fits, _retargeted(body, target)) for fits, body in one.cases]))
    return made
