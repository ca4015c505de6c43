"""``amper synth --target asic``: area, clock and power in a cell library."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from amper_cli.arguments import Different, source
from amper_cli.errors import reporting, say
from amper_spec.config import AmperConfig

if TYPE_CHECKING:
    from amper_synth.asic.flow import AsicResult

TARGETS: tuple[str, ...] = ("asic",)
DEFAULTS: dict[str, str] = {}

SUMMARY = """\
  asic      standard cells of the Liberty files given by --liberty: Yosys and ABC, then static timing by OpenSTA where
            it is installed. Area by component, clock with the longest paths, a row's cost, batch in ns; before layout.
"""

EXAMPLES = """\
  amper synth --target asic --liberty sky130hd_tt.lib.gz --rows 64 -o build/sky130
  amper synth --target asic --liberty asap7/*.lib.gz --rows 1024 -o build/asap7
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What only this target has."""
    group = parser.add_argument_group("target asic")
    group.add_argument(
        "--liberty",
        type=source,
        action=Different,
        nargs="+",
        metavar="FILE",
        help="Liberty files of one library, plain or .gz; give them before another option",
    )
    group.add_argument(
        "--period",
        type=float,
        metavar="NS",
        help="clock period that mapping and sizing aim at (default: as fast as they can)",
    )
    group.add_argument(
        "--clock-gating",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="gate the clock of registers with a common enable, if the library has cells for it (default yes)",
    )
    group.add_argument(
        "--wire-load", metavar="MODEL", help="wire-load model of the library; '' for none (default its own)"
    )
    group.add_argument(
        "--simulate",
        type=int,
        nargs="?",
        const=20,
        metavar="N",
        help="simulate the netlist in Icarus against the golden model: N random batches (20 if not given)",
    )
    group.add_argument(
        "--power",
        type=int,
        nargs="?",
        const=4,
        metavar="N",
        help="power while the netlist replays N batches (4 if not given) of the recorded trace",
    )
    group.add_argument(
        "--trace", type=source, metavar="FILE", help="recorded trace (default verif/traces/cartpole-2000.npz)"
    )
    group.add_argument(
        "--dont-use", action=Different, nargs="+", default=[], metavar="CELL", help="cells to avoid, with * and ?"
    )


@reporting("synth", "synth,sim")
def run(options: argparse.Namespace, config: AmperConfig) -> int:
    """Synthesise, simulate if asked to, and print; ``asic.json`` in the folder says the same."""
    if not options.liberty:
        raise ValueError("target asic needs --liberty FILE, the library to map to")
    if config.memories == "macro" and (options.simulate is not None or options.power is not None):
        raise ValueError("memories must be inferred for --simulate and --power: a macro has no cells, not macro")
    result = _results(options, config)
    text = json.dumps(result.to_dict(), indent=2)
    (Path(options.output) / "asic.json").write_text(text + "\n", encoding="utf-8")
    print(text if options.json else summary(result))
    return 0 if result.simulation is None or result.simulation["passed"] else 1


def _results(options: argparse.Namespace, config: AmperConfig) -> AsicResult:
    from amper_synth.asic.flow import AS_FAST_AS_POSSIBLE, powered, simulated, synthesise_asic

    result = synthesise_asic(
        config,
        options.liberty,
        folder=options.output,
        period_ns=AS_FAST_AS_POSSIBLE if options.period is None else options.period,
        gate_clocks=options.clock_gating,
        wire_load=options.wire_load,
        dont_use=options.dont_use,
        say=say,
    )
    files = {"folder": options.output, "progress": not options.json}
    if options.simulate is not None:
        say("simulation of the netlist")
        result = simulated(result, options.liberty, batches=options.simulate, **files)
    if options.power is not None:
        from amper_verif.demo.result import DEFAULT_TRACE

        say("power: the netlist replays the trace")
        trace = options.trace or DEFAULT_TRACE
        result = powered(result, options.liberty, trace=trace, batches=options.power, **files)
    return result


def summary(result: AsicResult) -> str:
    """The result in a page."""
    area, timing = result.area, result.timing
    lines = [
        f"library            {', '.join(result.library['names'])}",
        f"tools              {result.versions['yosys']}; {timing.method}",
        f"area               {area.total_um2:,.0f} um2, {area.gate_equivalents:,.0f} GE of {area.gate_um2:g} um2",
        f"cells              {area.cells:,}, {area.registers:,} of them registers",
        f"row                {area.row_um2:.1f} um2, {area.row_gate_equivalents:.1f} GE",
        f"clock              {result.fmax_mhz:.0f} MHz: {timing.period_ns:.3f} ns, "
        f"register to register {timing.register_period_ns:.3f} ns",
        f"batch              {result.batch_cycles} cycles x {timing.period_ns:.3f} ns = {result.batch_ns:.1f} ns",
        "area by component",
    ]
    if result.macros:
        lines.insert(-1, f"beside these       {result.macros['said']}; not among the paths")
    if result.power:
        power = result.power
        lines.insert(
            -1,
            f"power              {power.total_mw:.3g} mW at {power.clock_mhz:.0f} MHz: clock {power.clock_mw:.3g}, "
            f"other internal {power.internal_mw - power.clock_mw:.3g}, switching {power.switching_mw:.3g}, leakage "
            f"{power.leakage_mw:.3g}; {power.batches} batches of the trace",
        )
    if result.simulation:
        found = result.simulation
        lines.insert(
            -1,
            f"netlist            {'PASSED' if found['passed'] else 'FAILED'}: {found['compared']} indices compared in "
            f"Icarus, {found['mismatches']} mismatches",
        )
    lines += [
        f"  {share:12,.0f} um2 {100 * share / area.total_um2:5.1f} %  {name}"
        for name, share in area.by_component.items()
    ]
    if timing.paths:
        lines.append("longest paths, one from any component to any group of registers")
    lines += [
        f"  {path.delay_ns:7.3f} ns {path.levels:3} cells  {path.source} -> {path.target}" for path in timing.paths[:12]
    ]
    return "\n".join(lines)
