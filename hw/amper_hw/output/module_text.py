"""One module's Verilog: ports by interface, then what it declares, computes, instantiates and keeps."""

from __future__ import annotations

import textwrap
from itertools import groupby

from amper_hw.output.expressions import Expressions
from amper_hw.output.netlist import Netlist, driven_ports, written_parts
from amper_hw.output.rtlil import Bits, Cell, Chunk, Wire
from amper_hw.output.statements import WIDTH, clocked, combinational, wrapped


def module_text(net: Netlist, about: str = "", ports: dict[str, str] | None = None) -> str:
    """The module.

    Parameters
    ----------
    net : the module. about : what it is, as prose. ports : the port names in their order, with a comment for those
    that begin a group; clock and reset go first.
    """
    texts = Expressions(net)
    outputs = [chunk.wire for cell in net.instances for bits in _outputs(cell) for chunk in bits if chunk.wire]
    kept = {chunk.wire for register in net.registers for chunk in register.target if chunk.wire}
    kept |= net.blocks.keys() | {wire for cell in net.accesses if _is_clocked_read(cell) for wire in _wires(cell)}
    parts = [
        *_comment(about),
        *_head(net, texts, kept, ports or {}),
        *_declarations(net, texts, kept, outputs),
        *_expressions(net, texts),
        *(line for wire, block in net.blocks.items() for line in combinational(block, texts)),
        *(line for cell in net.instances for line in _instance(cell, texts)),
        *_memory_accesses(net, texts),
        *clocked(net.registers, texts),
        *_unread(net, texts),
        "endmodule",
    ]
    return "\n".join(parts) + "\n"


def _comment(about: str) -> list[str]:
    lines: list[str] = []
    for paragraph in about.split("\n\n"):
        lines += ["//"] if lines else []
        lines += textwrap.wrap(paragraph, WIDTH, initial_indent="// ", subsequent_indent="// ")
    return lines if about else []


def _range(wire: Wire) -> str:
    return f"[{wire.width - 1}:0]" if wire.width > 1 else ""


def _head(net: Netlist, texts: Expressions, kept: set[Wire], order: dict[str, str]) -> list[str]:
    known = {wire.name: wire for wire in net.wires if wire.port}
    names = [*(name for name in ("clk", "rst") if name in known), *(name for name in order if name in known)]
    names += [name for name in known if name not in names]
    wide = max((len(_range(known[name])) for name in names), default=0)
    lines = [f"module {net.name} ("]
    for place, name in enumerate(names):
        wire = known[name]
        if order.get(name):
            lines += textwrap.wrap(order[name], WIDTH - 4, initial_indent="    // ", subsequent_indent="    // ")
        kind = f"{wire.port:6} {'reg' if wire in kept else 'wire'}"
        comma = "," if place + 1 < len(names) else ""
        lines.append(f"    {kind:11} {_range(wire):{wide}} {texts.names[wire]}{comma}")
    return [*lines, ");"]


def _declarations(net: Netlist, texts: Expressions, kept: set[Wire], outputs: list[Wire]) -> list[str]:
    lines = [
        f"  reg [{width - 1}:0] {name} [0:{depth - 1}];" if width > 1 else f"  reg {name} [0:{depth - 1}];"
        for name, (width, depth) in net.memories.items()
    ]
    inside = [wire for wire in net.wires if not wire.port and wire in texts.names]
    lines += [_declaration("reg", wire, texts) for wire in inside if wire in kept]
    plain = [wire for cell in net.accesses if not _is_clocked_read(cell) for wire in _wires(cell)]
    lines += [_declaration("wire", wire, texts) for wire in dict.fromkeys([*outputs, *plain]) if not wire.port]
    return ["", *lines] if lines else []


def _declaration(kind: str, wire: Wire, texts: Expressions) -> str:
    return f"  {kind} {_range(wire)} {texts.names[wire]};".replace("  ", " ").replace(" ", "  ", 1)


def _expressions(net: Netlist, texts: Expressions) -> list[str]:
    lines: list[str] = []
    for wire in net.operators:
        if not texts.stands_inside(wire):
            head = f"  assign {texts.names[wire]}" if wire.port else _declaration("wire", wire, texts)[:-1]
            lines += wrapped(f"{head} = {texts.operator(wire)};")
    for wire, bits in net.outputs:
        for target, value in texts.taken_apart(Bits.of(wire), bits):
            lines += wrapped(f"  assign {texts.text(target)} = {texts.text(value)};")
    return ["", *lines] if lines else []


def _outputs(cell: Cell) -> list[Bits]:
    return [cell.ports[name] for name in sorted(driven_ports(cell))]


def _instance(cell: Cell, texts: Expressions) -> list[str]:
    lines = ["", f"  {cell.kind} {texts.new_name(cell.label)} ("]
    for name, bits in cell.ports.items():
        lines += wrapped(f"      .{name}({texts.text(bits)}),")
    lines[-1] = lines[-1].rstrip(",")
    return [*lines, "  );"]


def _is_clocked_read(cell: Cell) -> bool:
    return cell.kind.startswith("$memrd") and cell.number("CLK_ENABLE") == 1


def _wires(cell: Cell) -> list[Wire]:
    """What a port of a memory drives."""
    return [chunk.wire for chunk in cell.ports["DATA"] if chunk.wire] if cell.kind.startswith("$memrd") else []


def _memory_accesses(net: Netlist, texts: Expressions) -> list[str]:
    lines: list[str] = []
    for cell in net.accesses:
        place = f"{cell.parameters['MEMID']}[{texts.text(cell.ports['ADDR'])}]"
        data = texts.text(cell.ports["DATA"])
        clock = f"  always @(posedge {texts.text(cell.ports['CLK'])})"
        if cell.kind.startswith("$memrd"):
            if not _is_clocked_read(cell):
                lines.append(f"  assign {data} = {place};")
                continue
            enable = cell.ports["EN"]
            test = "" if enable.value == 1 else f"if ({texts.text(enable)}) "
            lines += [clock, f"    {test}{data} <= {place};"]
        else:
            lines += [clock, *_writes(cell, texts, place)]
    return ["", *lines] if lines else []


def _writes(cell: Cell, texts: Expressions, place: str) -> list[str]:
    parts = written_parts(cell)
    lines = []
    for low, data, enable in parts:
        part = "" if len(parts) == 1 else f"[{low + data.width - 1}:{low}]" if data.width > 1 else f"[{low}]"
        test = "" if enable.value == 1 else f"if ({texts.text(enable)}) "
        lines.append(f"    {test}{place}{part} <= {texts.text(data)};")
    return lines if len(lines) == 1 else ["  begin", *lines, "  end"]


def _unread(net: Netlist, texts: Expressions) -> list[str]:
    """A wire of what is not read on purpose, as linters know it by its name."""
    left = []
    for wire in net.wires:
        if wire.port == "output" or wire not in texts.names or texts.stands_inside(wire):
            continue
        places = [place for place in range(wire.width) if not net.used.get(wire, 0) >> place & 1]
        for _, run in groupby(enumerate(places), lambda pair: pair[1] - pair[0]):
            bits = [place for _, place in run]
            left.append(texts.text(Bits([Chunk(wire, bits[0], len(bits))])))
    if not left:
        return []
    return ["", *wrapped(f"  wire {texts.new_name('unused')} = &{{1'b0, {', '.join(left)}}};")]
