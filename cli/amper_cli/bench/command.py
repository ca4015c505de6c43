"""``amper bench``: measurements that the documentation quotes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from amper_cli.arguments import Different
from amper_cli.bench import distance, shards, software, threads
from amper_cli.commands import add_command
from amper_cli.errors import reporting
from amper_cli.options import add_configuration, values_of
from amper_spec.config import AmperConfig

DESCRIPTION = """\
Time what AMPER does and print the figures as a table, with the configuration and the versions.

  generation   writing Verilog: seconds and megabytes over the number of rows
  depth        generic synthesis: gates between registers, over the number of rows
  software     the software sampler: microseconds, against other libraries
  threads      a replay buffer that threads share
  shards       a replay buffer in shards: measured costs, and a simulation of 1 to 64
  distance     the software sampler: how far every mode's draws are from PER's
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    subjects = parser.add_subparsers(title="what to measure", metavar="SUBJECT", required=True)
    generation = subjects.add_parser("generation", help="writing Verilog, over the number of rows")
    generation.add_argument(
        "--sizes", type=int, action=Different, nargs="+", metavar="N", help="numbers of rows (default 256 to 65,536)"
    )
    add_configuration(generation)
    generation.set_defaults(run=run_generation)
    depth = subjects.add_parser("depth", help="logic depth, over the number of rows")
    depth.add_argument(
        "--sizes", type=int, action=Different, nargs="+", metavar="N", help="numbers of rows (default 256 to 16,384)"
    )
    add_configuration(depth)
    depth.set_defaults(run=run_depth)
    add_command(subjects, "software", "the software sampler against other libraries", software)
    add_command(subjects, "threads", "a replay buffer that threads share", threads)
    add_command(subjects, "shards", "where a replay buffer in shards stops scaling", shards)
    add_command(subjects, "distance", "every mode's distance to PER", distance)


def _of_every_size(options: argparse.Namespace, sizes: Sequence[int]) -> list[AmperConfig]:
    """The configuration with each number of rows, and what follows from it."""
    return [AmperConfig.from_dict(values_of(options) | {"rows": rows}) for rows in options.sizes or sizes]


@reporting("bench generation", "hw,sim")
def run_generation(options: argparse.Namespace) -> int:
    """Print the table."""
    from tqdm import tqdm

    from amper_synth.generation import SIZES, markdown, measure

    configs = _of_every_size(options, SIZES)
    points = list(tqdm(measure(configs), total=len(configs), desc="generation", unit="size"))
    print(markdown(configs, points))
    return 0


@reporting("bench depth", "synth,sim")
def run_depth(options: argparse.Namespace) -> int:
    """Print the table."""
    from tqdm import tqdm

    from amper_synth.generic import DEPTH_SIZES, depth_markdown, synthesise

    configs = _of_every_size(options, DEPTH_SIZES)
    print(depth_markdown([synthesise(each) for each in tqdm(configs, desc="depth", unit="size")]))
    return 0
