"""``amper verify``: simulate the generated Verilog against the golden model."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from amper_cli.arguments import folder, source
from amper_cli.errors import reporting
from amper_cli.options import add_configuration, configuration
from amper_spec.config import BUSES

if TYPE_CHECKING:
    from amper_verif.verify import Verification

DESCRIPTION = """\
Generate the sampler, simulate its Verilog, and compare every result, index by index, with the golden model, under
random writes, samples, changes of parameters, resets and back-pressure, or over a recorded trace; with --fuzz, for
random configurations. The exit code is 1 on any mismatch, and when nothing was compared; 2 on bad input.
"""

EXAMPLES = """\
examples:
  amper verify --rows 257 --priority-width 13 --groups 20 --batches 500 --seed 123
  amper verify --rows 100 --variants fr-dithered,k --search-ports 4 --draw-ports 4 --write-ports 2 --pipeline shallow
  amper verify --sim verilator --trace verif/traces/cartpole-2000.npz
  amper verify --organisation tree --rows 65536 --sim verilator --trace verif/traces/cartpole-2000.npz --stretch
  amper verify --fuzz 20 --seed 7
  amper verify --fuzz 20 --organisation tree
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument(
        "--sim",
        choices=("icarus", "verilator", "both"),
        default="both",
        help="simulator (default both, one after the other)",
    )
    parser.add_argument("--batches", type=int, default=100, metavar="N", help="random batches (default 100)")
    parser.add_argument(
        "--no-corners",
        dest="corners",
        action="store_false",
        help="only random operations: no bits one by one, no draws at the borders of rows, no illegal accesses",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of the random operations (default 1)")
    parser.add_argument(
        "--fuzz", type=int, metavar="N", help="N random configurations, whatever the configuration options say"
    )
    parser.add_argument(
        "--trace", type=source, metavar="FILE", help="replay this recorded trace in place of random operations"
    )
    parser.add_argument("--operations", type=int, metavar="N", help="only the first N of the trace")
    parser.add_argument(
        "--stretch", action="store_true", help="the trace over all rows, each recorded row some that lie side by side"
    )
    parser.add_argument("--waves", action="store_true", help="keep a waveform, and say where")
    parser.add_argument("--json", action="store_true", help="print one JSON object in place of text")
    parser.add_argument(
        "-o", "--output", type=folder, metavar="DIR", default="build/verify", help="for builds (default build/verify)"
    )
    add_configuration(parser, rename={"seed": "device_seed"})
    parser.set_defaults(run=run)


@reporting("verify", "sim")
def run(options: argparse.Namespace) -> int:
    """Run one or both simulators; print a table or JSON."""
    from amper_verif.harness.simulators import SIMULATORS

    simulators = SIMULATORS if options.sim == "both" else (options.sim,)
    return (run_one if options.fuzz is None else run_fuzz)(options, simulators)


def run_fuzz(options: argparse.Namespace, simulators: tuple[str, ...]) -> int:
    """Random configurations, a line each as it is done."""
    from amper_verif.fuzz import fuzz

    for name in ("trace", "preset", "config", "config_rows"):
        if getattr(options, name) is not None:
            raise ValueError(
                f"fuzz chooses the configurations itself: --{name.removeprefix('config_')} must not be given"
            )

    def say(text: str) -> None:
        if not options.json:
            print(text, flush=True)

    runs = fuzz(
        options.fuzz,
        seed=options.seed,
        simulators=simulators,
        batches=options.batches,
        buses=(options.config_bus,) if options.config_bus else BUSES,
        organisation=options.config_organisation,
        folder=options.output,
        say=say,
    )
    failed = [one for one in runs if not one.passed]
    if options.json:
        print(json.dumps({"runs": [one.to_dict() for one in runs]}, indent=2))
    else:
        compared = sum(one.verification.compared for one in runs if one.verification)
        print(f"{len(runs) - len(failed)} of {len(runs)} runs passed, {compared:,} indices compared")
    return 1 if failed else 0


def run_one(options: argparse.Namespace, simulators: tuple[str, ...]) -> int:
    """One configuration in the simulators, one after the other."""
    from amper_verif.verify import verify

    config = configuration(options, **_trace_size(options.trace))
    runs = [
        verify(
            config,
            simulator=simulator,
            batches=options.batches,
            corners=options.corners,
            seed=options.seed,
            trace=options.trace,
            operations=options.operations,
            stretch=options.stretch,
            waves=options.waves,
            folder=options.output,
            progress=not options.json,
        )
        for simulator in simulators
    ]
    if options.json:
        print(json.dumps({"configuration": config.to_dict(), "runs": [run.to_dict() for run in runs]}, indent=2))
    else:
        for one in runs:
            print(summary(one))
    return 0 if all(one.passed for one in runs) else 1


def _trace_size(trace: str | None) -> dict[str, Any]:
    """Rows and batch of the trace, as defaults."""
    if trace is None:
        return {}
    from pathlib import Path

    from amper.operations.trace import Trace

    loaded = Trace.load(Path(trace))
    return {"rows": loaded.rows, "batch": loaded.batch}


def summary(run: Verification) -> str:
    """One run in a few lines."""
    statuses = ", ".join(f"{count} {name}" for name, count in sorted((run.statuses or {}).items()))
    lines = [
        f"{run.simulator}: {'PASSED' if run.passed else 'FAILED'}",
        f"  batches            {run.batches}{f' ({statuses})' if statuses else ''}",
        f"  variants           {', '.join(f'{name} {count}' for name, count in sorted(run.variants.items()))}",
        f"  indices compared   {run.compared}",
        f"  mismatches         {run.mismatches}",
    ]
    if run.simulated_cycles is not None:
        lines += [
            f"  simulated          {run.simulated_cycles} cycles, {run.resets} resets",
            f"  refused            {run.refused_writes} writes, {run.refused_controls} changes of parameters",
        ]
    if run.cycles is not None:
        cycles = run.cycles
        lines.append(
            f"  cycles per batch   {cycles.minimum} / {cycles.median:g} / {cycles.maximum} (minimum / median / maximum "
            f"of {cycles.batches} full batches, alone and without back-pressure)"
        )
    if run.timed is not None:
        lines.append(f"  cycles checked     of {run.timed} batches that nothing disturbed, exactly; of all, from above")
    if run.undrawn:
        lines.append(f"  never drew         {', '.join(run.undrawn)}")
    if run.first_mismatch:
        lines.append(f"  first mismatch     {run.first_mismatch}")
    if run.waves:
        lines.append(f"  waveform           {run.waves}")
    return "\n".join(lines)
