"""``amper bench shards``: where a sharded replay stops scaling."""

from __future__ import annotations

import argparse

from amper_cli.arguments import folder
from amper_cli.errors import reporting

DESCRIPTION = """\
Measure what a ShardedReplay's calls and rows cost, and print what a learner would draw from 1 to 64 shards, each on a
core of its own, over 10 Gbit/s. docs/software/sharded.md quotes it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("--repeats", type=int, default=101, metavar="R", help="of each cost (default %(default)s)")
    parser.add_argument("-o", "--output", type=folder, metavar="DIR", help="for shards.svg")
    parser.add_argument(
        "--rivals", action="store_true", help="instead: a row's costs beside dm-reverb and TorchRL's RayReplayBuffer"
    )
    parser.add_argument("--split", action="store_true", help="instead: the same rows in one shard and in two, in turns")
    parser.set_defaults(run=run_shards)


@reporting("bench shards", "bench")
def run_shards(options: argparse.Namespace) -> int:
    """Measure, simulate, print."""
    from tqdm import tqdm

    from amper_lab.bench.shards import KINDS, draw, markdown, measure, simulate
    from amper_report.environment import described, environment

    if options.repeats < 1:
        raise ValueError(f"repeats must be at least 1, not {options.repeats}")
    if options.rivals:
        from amper_lab.bench import rivals

        with tqdm(total=len(KINDS) * len(rivals.REQUESTS) * (options.repeats + 1), unit="round") as progress:
            found = rivals.measure(options.repeats, progress.update)
        print(f"{described(environment())}\n\n{rivals.markdown(*found)}")
        return 0
    if options.split:
        from amper_lab.bench import split

        with tqdm(total=len(KINDS) * (options.repeats + 1), unit="round") as progress:
            times = {kind: split.measure(kind, options.repeats, progress.update) for kind in KINDS}
        print(f"{described(environment())}\n\n{split.markdown(times)}")
        return 0
    with tqdm(total=4 * len(KINDS), unit="cost") as progress:
        costs = {kind: measure(kind, options.repeats, progress.update) for kind in KINDS}
    rates = {kind: simulate(each) for kind, each in costs.items()}
    print(f"{described(environment())}\n\n{markdown(costs, rates)}")
    if options.output is not None:
        options.output.mkdir(parents=True, exist_ok=True)
        draw(costs, rates, options.output / "shards.svg")
    return 0
