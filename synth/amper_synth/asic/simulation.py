"""The netlist of the ASIC flow in a simulator: what was mapped still draws the golden model's rows.

Every cell becomes a module of its function, without delays. Registers begin with arbitrary values, as on silicon.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from amper import AmperConfig
from amper_hw.output.generate import TOP
from amper_synth.liberty.cells import Cell, Library
from amper_verif.harness.yosys import SynthesisError, run_script

if TYPE_CHECKING:
    from amper_verif.verify import Verification

_SCRIPT = """\
{read}proc
write_verilog -noattr models.v
"""

# An integrated clock gate: a latch that is open while the clock is at rest, and a gate behind it.
_CLOCK_GATE = """\
module {name}({ports});
{declarations}  reg enabled;
  initial enabled = $random;
  always @* if ({rest}) enabled = {enable};
  assign {output} = {gated};
endmodule
"""


def simulate_netlist(
    config: AmperConfig,
    library: Library,
    *,
    folder: str | Path,
    batches: int = 20,
    seed: int = 1,
    progress: bool = False,
) -> Verification:
    """Run the sampler's bench on ``netlist.v`` in ``folder``, in Icarus: random writes, samples, changes and resets.

    Raises
    ------
    SynthesisError : a cell without a function. SimulationError, ValueError, TypeError : see ``amper_verif.verify``.
    """
    from amper_verif.verify import verify

    text = netlist_with_models(library, Path(folder))
    return verify(
        config,
        simulator="icarus",
        batches=batches,
        corners=False,  # a netlist is slow
        seed=seed,
        folder=Path(folder) / "simulation",
        mutate=lambda _: text,  # in place of the Verilog that was generated
        progress=progress,
    )


def netlist_with_models(library: Library, folder: Path) -> str:
    """The netlist with a module for every cell that it uses."""
    netlist = (folder / "netlist.v").read_text(encoding="utf-8")
    used = set(re.findall(r"(?m)^  (\w+) (?:\\\S+|\w+)\s+\(", netlist)) & set(library.cells)
    files = sorted(path.name for path in folder.glob("library_*.lib"))
    read = "".join(f"read_liberty -ignore_miss_func {name}\n" for name in files)
    run_script(folder, "models", _SCRIPT.format(read=read))
    models = _modules((folder / "models.v").read_text(encoding="utf-8"))
    texts = []
    for name in sorted(used):
        cell = library.cells[name]
        text = _clock_gate(cell) if cell.kind == "clock gate" else models.get(name)
        if text is not None and cell.kind == "latch":
            text = _late(text)
        if text is None:
            raise SynthesisError(f"the library gives no function of cell {name}, so the netlist cannot be simulated")
        texts.append(_started(text))
    return "\n".join([*texts, _inside(netlist)])


def _inside(netlist: str) -> str:
    """The netlist inside a module of the same ports, in which an input bit that nobody drives is 0.

    Benches leave payloads undriven while there is nothing to say. Gates take such an unknown further than it goes in
    the Verilog that was written, and further than any value would go on silicon.
    """
    head = re.search(rf"(?ms)^module {TOP}\((.*?)\);$(.*?)^endmodule$", netlist)
    assert head is not None  # Yosys wrote it
    ports = re.findall(r"(?m)^  (input|output) (?:\[(\d+):0\] )?(\w+);$", head[2])
    lines = [f"module {TOP}({', '.join(name for _, _, name in ports)});"]
    connections = []
    for direction, high, name in ports:
        width = int(high or 0) + 1
        shape = f"[{width - 1}:0] " if high else ""
        lines.append(f"  {direction} {shape}{name};")
        if direction == "input" and name != "clk":
            bits = [f"{name}[{bit}] === 1'b1" if high else f"{name} === 1'b1" for bit in reversed(range(width))]
            lines += [f"  wire {shape}driven_{name};", f"  assign driven_{name} = {{{', '.join(bits)}}};"]
            connections.append(f".{name}(driven_{name})")
        else:
            connections.append(f".{name}({name})")
    lines += [f"  {TOP}_netlist netlist({', '.join(connections)});", "endmodule", ""]
    return netlist.replace(f"module {TOP}(", f"module {TOP}_netlist(") + "\n".join(lines)


def _modules(text: str) -> dict[str, str]:
    modules = re.findall(r"(?ms)^module \\?(\w+)\s*\(.*?^endmodule$", text)
    bodies = re.findall(r"(?ms)^module .*?^endmodule$", text)
    return dict(zip(modules, bodies, strict=True))


def _started(text: str) -> str:
    """Registers with an arbitrary first value; the next simulation has the same."""
    registers = re.findall(r"(?m)^  reg (\w+);$", text)
    first = "".join(f"  initial {name} = $random;\n" for name in registers if f"initial {name}" not in text)
    return text.replace("endmodule", f"{first}endmodule")


def _late(text: str) -> str:
    """A latch that changes when flip-flops do: after what takes its value at the same edge has taken the old one."""
    return re.sub(r"(?m)^(    (?:else )?if \(\w+\) \w+) = ", r"\1 <= ", text)


def _clock_gate(cell: Cell) -> str:
    roles = {pin.role: pin.name for pin in cell.pins}
    enable = " | ".join(pin.name for pin in cell.pins if pin.role in ("enable", "test"))
    clock, output = roles["clock"], roles["output"]
    rising = not cell.gate.startswith("latch_negedge")
    ports = [pin for pin in cell.pins if pin.direction in ("input", "output")]
    return _CLOCK_GATE.format(
        name=cell.name,
        ports=", ".join(pin.name for pin in ports),
        declarations="".join(f"  {pin.direction} {pin.name};\n" for pin in ports),
        rest=f"!{clock}" if rising else clock,
        enable=enable,
        output=output,
        gated=f"{clock} & enabled" if rising else f"{clock} | !enabled",
    )
