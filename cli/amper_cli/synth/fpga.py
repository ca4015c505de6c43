"""``amper synth --target ecp5|ice40|nexus|gowin``: an FPGA's utilisation, clock and critical path; bitstreams."""

from __future__ import annotations

import argparse
import json
import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING

from amper_cli.errors import reporting, say
from amper_spec.config import AmperConfig

if TYPE_CHECKING:
    from amper_synth.fpga.flow import FpgaResult

TARGETS: tuple[str, ...] = ("ecp5", "ice40", "nexus", "gowin")
DEFAULTS: dict[str, str] = {"primitives": "blocks"}
BOARDS = ("ulx3s",)

SUMMARY = """\
  ecp5, ice40, nexus, gowin
            FPGAs: Yosys and nextpnr, cells by component, the clock of the routed design over several seeds, and the
            critical path in the components' names; --primitives are blocks by default. --board goes on to the bitstream
            of a board with a host link.
"""

EXAMPLES = """\
  amper synth --target ecp5 --rows 64 --seeds 3 -o build/ecp5
  amper synth --target ecp5 --rows 256 --board ulx3s -o build/ulx3s
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Those of FPGAs."""
    group = parser.add_argument_group("FPGAs")
    group.add_argument(
        "--device", metavar="NAME", help="one of the target's (default: its first, see docs/hardware/fpga.md)"
    )
    group.add_argument("--seeds", type=int, default=1, metavar="N", help="placements, seeds 1 to N (default 1)")
    group.add_argument("--jobs", type=int, default=1, metavar="N", help="placements at a time (default 1)")
    group.add_argument("--goal-mhz", type=float, default=110.0, metavar="F", help="clock to place for (default 110)")
    group.add_argument("--board", choices=BOARDS, help="make the bitstream of this board")
    group.add_argument("--yosys-options", default="", metavar="TEXT", help="more options of Yosys's synth command")
    group.add_argument("--nextpnr-options", default="", metavar="TEXT", help="more options of nextpnr")


@reporting("synth", "synth")
def run(options: argparse.Namespace, config: AmperConfig) -> int:
    """Synthesise, place, route and print."""
    from amper_synth.fpga.board import BOARDS as MADE
    from amper_synth.fpga.board import build
    from amper_synth.fpga.flow import synthesise

    _check(options)
    if options.board is not None:
        board = build(config, MADE[options.board], folder=options.output, progress=say)
        print(json.dumps(asdict(board), indent=2) if options.json else f"{board.bitstream}: {board.fmax_mhz} MHz")
        return 0
    result = synthesise(
        config,
        options.target,
        folder=options.output,
        device=options.device,
        seeds=range(1, options.seeds + 1),
        goal_mhz=options.goal_mhz,
        yosys_options=options.yosys_options,
        nextpnr_options=shlex.split(options.nextpnr_options),
        jobs=options.jobs,
        progress=say,
    )
    print(json.dumps(result.to_dict(), indent=2) if options.json else "\n".join(_lines(result)))
    return 0


def _check(options: argparse.Namespace) -> None:
    if options.seeds < 1:
        raise ValueError(f"seeds must be 1 or more, not {options.seeds}")
    if options.jobs < 1:
        raise ValueError(f"jobs must be 1 or more, not {options.jobs}")
    if not 1 <= options.goal_mhz <= 1000:
        raise ValueError(f"goal-mhz must be 1 to 1000, not {options.goal_mhz:g}")
    if options.board is not None and options.target != "ecp5":
        raise ValueError(f"board {options.board} needs --target ecp5, not {options.target}")


def _lines(result: FpgaResult) -> list[str]:
    """What a person reads."""
    median, clocks = result.median, [run.fmax_mhz for run in result.runs]
    spread = f", {min(clocks)} to {max(clocks)} over {len(clocks)} seeds" if len(clocks) > 1 else ", one seed"
    cells = ", ".join(f"{count} {name}" for name, count in result.cells.items())
    lines = [
        f"{result.target} {result.device}; {result.versions['nextpnr']}; {result.versions['yosys'].split(' (')[0]}",
        cells,
        f"{result.luts_per_row:.1f} lut a row in all, {result.array_luts_per_row:.1f} in the row array",
        f"{median.fmax_mhz} MHz{spread}",
        f"a batch of {result.config['batch']}: {result.batch_cycles} cycles, "
        f"{result.batch_cycles * 1000 / median.fmax_mhz:.0f} ns",
        "critical path:",
    ]
    for step in median.critical_path:
        where = f"{step['component']} ({step['instance']})"
        lines.append(f"  {step['logic_ns']:6.2f} ns logic {step['routing_ns']:6.2f} ns routing  {where}")
    lines.append("longest path into each component, and the cells of its instances:")
    for name, worst in median.worst.items():
        entry = result.components.get(name, {})
        counts = ", ".join(f"{count} {kind}" for kind, count in entry.items() if kind != "instances")
        lines.append(f"  {worst['ns']:6.2f} ns  {name}: {entry.get('instances', 0)} x ({counts}); {worst['register']}")
    return lines
