"""What a user of the Verilog needs beside it: timing constraints, an instance to copy, a FuseSoC core with a smoke
bench, a LibreLane configuration, descriptions for Vivado, Quartus, LiteX and readers of IP-XACT.

None of them is about one technology: the clock's period is a start to edit (``PERIOD_NS``), and everything else follows
from the ports.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from amper_hw.output.generate import Generated
from amper_hw.output.smoke import smoke_bench
from amper_hw.packaging.ipxact import ipxact_component
from amper_hw.packaging.litex import litex_module
from amper_hw.packaging.quartus import quartus_component
from amper_hw.packaging.vivado import vivado_script

PERIOD_NS = 10.0  # slow enough for any target
IO_SHARE = 0.2  # of the period, for what is outside before an input and behind an output


def constraint_files(generated: Generated, expected: Sequence[int] | None = None) -> dict[str, str]:
    """Texts by file name, to lie beside the Verilog; the same configuration gives the same bytes.

    ``expected`` : the rows that the smoke bench's batch must draw; without them there is no smoke bench.
    """
    name, ports = generated.config.name, generated.description["ports"]
    smoke = {} if expected is None else {f"{name}_smoke.v": smoke_bench(generated.config, ports, expected)}
    return {
        f"{name}.sdc": sdc(ports),
        f"{name}_instance.vh": instance(name, ports),
        f"{name}.core": fusesoc_core(generated, smoke=bool(smoke)),
        f"{name}_librelane.json": librelane(name),
        f"{name}.xml": ipxact_component(generated),
        f"{name}_vivado.tcl": vivado_script(generated),
        f"{name}_hw.tcl": quartus_component(generated),
        **({f"{name}_litex.py": litex_module(generated.config)} if generated.config.bus == "wishbone" else {}),
        **smoke,
    }


def save_constraints(generated: Generated, folder: str | Path, expected: Sequence[int] | None = None) -> None:
    """Write them into ``folder``, which exists."""
    for name, text in constraint_files(generated, expected).items():
        (Path(folder) / name).write_text(text, encoding="utf-8")


def sdc(ports: dict[str, dict[str, Any]]) -> str:
    """Synopsys Design Constraints: the clock, and the time outside for every other port.

    Only commands and options that OpenSTA, OpenROAD and the vendors' tools share; one line a port, without lists.
    """
    delay = PERIOD_NS * IO_SHARE
    lines = [
        "# Timing of the AMPER sampler; ns. The period is a start: put yours, or the tool's, here.",
        f"create_clock -name clk -period {PERIOD_NS:.3f} [get_ports clk]",
        "# rst is synchronous, an input as any other.",
    ]
    for name, port in ports.items():
        if name == "clk":
            continue
        bits = f"{name}[*]" if port["width"] > 1 else name
        lines.append(f"set_{port['direction']}_delay {delay:.3f} -clock clk [get_ports {{{bits}}}]")
    return "\n".join(lines) + "\n"


def instance(name: str, ports: dict[str, dict[str, Any]]) -> str:
    """An instance with a wire of the same name at every port, to be copied into a design and edited."""
    bits = {port: f"[{known['width'] - 1}:0] " if known["width"] > 1 else "" for port, known in ports.items()}
    wires = "".join(f"wire {bits[port]}{port};\n" for port in ports)
    connected = ",\n".join(f"    .{port}({port})" for port in ports)
    title = f"// An instance of {name}, to copy. Ports: docs/hardware/interfaces.md.\n"
    return f"{title}{wires}\n{name} {name}_0 (\n{connected}\n);\n"


def fusesoc_core(generated: Generated, *, smoke: bool = False) -> str:
    """A core description in FuseSoC's CAPI2, with the targets default, lint, synth and, with a smoke bench, sim."""
    name, version = generated.config.name, generated.description["versions"]["amper"]
    headers = [file for file in generated.bus_files if file.endswith((".c", ".h", ".rdl"))]
    kinds = {"c": "cSource", "h": "cSource", "rdl": "user"}
    files = "".join(
        f"      - {file}: {{file_type: {kinds[file.rpartition('.')[2]]}"
        + (", is_include_file: true}\n" if file.endswith(".h") else "}\n")
        for file in headers
    )
    bench = f"  smoke:\n    files:\n      - {name}_smoke.v\n    file_type: verilogSource\n" if smoke else ""
    simulation = _SIM.format(name=name) if smoke else ""
    software = f"  software:\n    files:\n{files}" if headers else ""
    return f"""\
CAPI=2:
# Made by `amper generate`. Use it by: fusesoc --cores-root . run --target=lint amper:rtl:{name}
name: "amper:rtl:{name}:{version}"
description: AMPER, prioritized experience replay by an associative memory (arXiv 2207.07791)

filesets:
  rtl:
    files:
      - {name}.v
    file_type: verilogSource
  constraints:
    files:
      - {name}.sdc
    file_type: SDC
{bench}{software}
targets:
  default: &default
    filesets: [rtl]
    toplevel: {name}
  lint:
    <<: *default
    flow: lint
    flow_options:
      tool: verilator
      verilator_options: [-Wall]
  synth:
    <<: *default
    filesets: [rtl, constraints]
    flow: generic
    flow_options:
      tool: yosys
      arch: ecp5
{simulation}"""


_SIM = """\
  sim:
    <<: *default
    filesets: [rtl, smoke]
    toplevel: {name}_smoke
    flow: sim
    flow_options:
      tool: icarus
      iverilog_options: [-g2005]
"""


def librelane(name: str) -> str:
    """A configuration of LibreLane's flow Classic, for whatever process it is started with.

    The area follows from the utilisation. Rows sit side by side and talk to few wires, so 40 percent is routable.
    """
    settings = {
        "meta": {"version": 2, "flow": "Classic"},
        "DESIGN_NAME": name,
        "VERILOG_FILES": [f"dir::{name}.v"],
        "CLOCK_PORT": "clk",
        "CLOCK_PERIOD": PERIOD_NS,
        "FP_CORE_UTIL": 40,
        "PNR_SDC_FILE": f"dir::{name}.sdc",
        "SIGNOFF_SDC_FILE": f"dir::{name}.sdc",
    }
    return json.dumps(settings, indent=2) + "\n"
