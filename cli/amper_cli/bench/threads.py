"""``amper bench threads``: a replay buffer that threads share."""

from __future__ import annotations

import argparse

from amper_cli.errors import reporting

DESCRIPTION = """\
Print how many more batches of images two threads draw than one, and how long add waits while another thread draws
65,536 rows. docs/measurements/benchmark.md quotes it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("--seconds", type=float, default=1.0, metavar="S", help="of each part (default %(default)s)")
    parser.add_argument("--repeats", type=int, default=9, metavar="R", help="interleaved (default %(default)s)")
    parser.add_argument("--batch", type=int, default=256, metavar="B", help="images a batch (default %(default)s)")
    parser.set_defaults(run=run_threads)


@reporting("bench threads", "bench")
def run_threads(options: argparse.Namespace) -> int:
    """Measure and print."""
    from tqdm import tqdm

    from amper_lab.bench.threads import Plan, markdown, run
    from amper_report.environment import described, environment

    plan = Plan(options.seconds, options.repeats, options.batch)
    with tqdm(total=plan.repeats, unit="repeat") as progress:

        def advance(what: str) -> None:
            progress.set_description(what)
            progress.update()

        found = run(plan, advance)
    print(f"{described(environment())}\n\n{markdown(plan, found)}")
    return 0
