"""``amper bench``: measurements that the documentation quotes."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from amper import AmperConfig
from amper_cli import bench_distance, bench_software
from amper_cli.errors import reporting
from amper_cli.options import add_configuration, values_of

_DESCRIPTION = """\
Time what AMPER does and print the figures as a table, with the configuration and the versions.

  generation   writing Verilog: seconds and megabytes over the number of rows
  depth        generic synthesis: gates between registers, over the number of rows
  software     the software sampler: microseconds, against other libraries
  distance     the software sampler: how far every mode's draws are from PER's
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = subparsers.add_parser("bench", help="measure", description=_DESCRIPTION)
    subjects = parser.add_subparsers(title="what to measure", metavar="SUBJECT", required=True)
    generation = subjects.add_parser("generation", help="writing Verilog, over the number of rows")
    generation.add_argument("--sizes", type=int, nargs="+", metavar="N", help="numbers of rows (default 256 to 65,536)")
    add_configuration(generation)
    generation.set_defaults(run=run_generation)
    depth = subjects.add_parser("depth", help="logic depth, over the number of rows")
    depth.add_argument("--sizes", type=int, nargs="+", metavar="N", help="numbers of rows (default 256 to 16,384)")
    add_configuration(depth)
    depth.set_defaults(run=run_depth)
    bench_software.add_parser(subjects)
    bench_distance.add_parser(subjects)


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
