"""``amper bench software``: this library's samplers against other libraries."""

from __future__ import annotations

import argparse
import json
from typing import get_args

from amper.sampler.options import Mode
from amper_cli.arguments import Different, folder
from amper_cli.errors import reporting

ROWS = (10_000, 100_000, 1_000_000)
PEER_NAMES = (
    "cpprb",
    "tianshou",
    "torchrl-buffer",
    "torchrl-prioritized-buffer",
    "torchrl-sampler",
    "sumtree",
    "rlox",
    "flashbax",
)

DESCRIPTION = """\
Time sample, update, add and extend of every mode of the software sampler and of other libraries' prioritized replay
buffers, interleaved in one run; print tables of process-CPU microseconds, of ratios and of the bound. A library that
cannot be loaded is named with the reason. docs/measurements/benchmark.md says what is timed.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    modes = get_args(Mode)
    parser.add_argument(
        "--rows",
        type=int,
        action=Different,
        nargs="+",
        default=list(ROWS),
        metavar="N",
        help="rows held (10^4 to 10^6)",
    )
    parser.add_argument("--batch", type=int, default=64, metavar="B", help="rows drawn (default %(default)s)")
    parser.add_argument(
        "--modes",
        action=Different,
        nargs="+",
        choices=modes,
        default=list(modes),
        metavar="MODE",
        help=", ".join(modes),
    )
    parser.add_argument(
        "--peers",
        action=Different,
        nargs="*",
        choices=PEER_NAMES,
        default=list(PEER_NAMES),
        metavar="PEER",
        help=f"{', '.join(PEER_NAMES)}; none: only this library",
    )
    parser.add_argument("--repeats", type=int, default=21, metavar="R", help="interleaved (default %(default)s)")
    parser.add_argument("--calls", type=int, default=256, metavar="C", help="in a repeat (default %(default)s)")
    parser.add_argument(
        "--touch",
        type=int,
        default=0,
        metavar="MB",
        help="of other memory read before each call (default 0: hot caches)",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of all data (default %(default)s)")
    parser.add_argument(
        "--payload", action=argparse.BooleanOptionalAction, help="only with, or only without transitions of five fields"
    )
    parser.add_argument(
        "-o", "--output", type=folder, metavar="DIR", help="for software.md, .json and .svg, or software-touchMB"
    )
    parser.set_defaults(run=run_software)


@reporting("bench software", "bench")
def run_software(options: argparse.Namespace) -> int:
    """Measure, print, write."""
    from tqdm import tqdm

    from amper_lab.bench.report import markdown
    from amper_lab.bench.software import Plan, run, steps
    from amper_report.environment import environment

    if options.output is not None:
        from amper_lab.bench.pictures import draw_times

        options.output.mkdir(parents=True, exist_ok=True)
    plan = Plan(
        rows=options.rows,
        batch=options.batch,
        payloads=(True, False) if options.payload is None else (options.payload,),
        modes=options.modes,
        peers=options.peers,
        repeats=options.repeats,
        calls=options.calls,
        seed=options.seed,
        touched=options.touch,
    )
    name = f"software-touch{plan.touched}" if plan.touched else "software"
    facts = environment()
    with tqdm(total=steps(plan), unit="step") as progress:

        def advance(what: str) -> None:
            progress.set_description(what)
            progress.update()

        results = run(plan, advance)
    text = markdown(plan, results, facts)
    print(text)
    if options.output is not None:
        whole = {"environment": facts, "options": vars(plan), **results.to_dict()}
        (options.output / f"{name}.md").write_text(text, encoding="utf-8")
        (options.output / f"{name}.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
        draw_times(plan, results, options.output / f"{name}.svg")
    return 0
