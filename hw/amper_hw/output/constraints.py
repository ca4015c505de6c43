"""What a user of the Verilog needs beside it: timing constraints, a FuseSoC core, a LibreLane configuration.

None of them is about one technology: the clock's period is a start to edit (``PERIOD_NS``), and everything else follows
from the ports.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from amper_hw.output.generate import Generated

PERIOD_NS = 10.0  # slow enough for any target
IO_SHARE = 0.2  # of the period, for what is outside before an input and behind an output


def constraint_files(generated: Generated) -> dict[str, str]:
    """Texts by file name, to lie beside the Verilog; the same configuration gives the same bytes."""
    name = generated.config.name
    return {
        f"{name}.sdc": sdc(generated.description["ports"]),
        f"{name}.core": fusesoc_core(generated),
        f"{name}_librelane.json": librelane(name),
    }


def save_constraints(generated: Generated, folder: str | Path) -> None:
    """Write them into ``folder``, which exists."""
    for name, text in constraint_files(generated).items():
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


def fusesoc_core(generated: Generated) -> str:
    """A core description in FuseSoC's CAPI2, with the targets default, lint and synth."""
    name, version = generated.config.name, generated.description["versions"]["amper"]
    headers = [file for file in generated.bus_files if file.endswith((".c", ".h", ".rdl"))]
    kinds = {"c": "cSource", "h": "cSource", "rdl": "user"}
    files = "".join(
        f"      - {file}: {{file_type: {kinds[file.rpartition('.')[2]]}"
        + (", is_include_file: true}\n" if file.endswith(".h") else "}\n")
        for file in headers
    )
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
{software}
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
    }
    return json.dumps(settings, indent=2) + "\n"
