"""``amper bench distance``: how far every mode's draws are from PER's."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

from amper_cli.arguments import Different, folder, source
from amper_cli.errors import reporting
from amper_lab.studies.distance import MODES, SHARES, Study, lines, measure_all
from amper_lab.studies.priorities import DISTRIBUTIONS

TRACE = "verif/traces/cartpole-2000.npz"

DESCRIPTION = """\
Print how far draws are from PER's, as total variation and KL divergence, and how many go to the rows of the largest
priority, over distributions of priorities: of every mode of the software sampler, for sizes of the candidate set that
its scale adapts to, and of every variant of the hardware, to the bit. distribution.md says what the columns are.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add its options."""
    parser.add_argument("--rows", type=int, default=10_000, metavar="N", help="priorities (default %(default)s)")
    parser.add_argument("--groups", type=int, default=20, metavar="M", help="of AMPER (default %(default)s)")
    parser.add_argument(
        "--priority-width", type=int, default=16, metavar="Q", help="of the variants, at most 16 (default %(default)s)"
    )
    parser.add_argument(
        "--modes", action=Different, nargs="+", choices=MODES, default=list(MODES), metavar="M", help=", ".join(MODES)
    )
    parser.add_argument(
        "--shares",
        type=float,
        action=Different,
        nargs="+",
        default=list(SHARES),
        metavar="S",
        help="targets of |CSP|/n",
    )
    parser.add_argument(
        "--distributions",
        action=Different,
        nargs="+",
        choices=DISTRIBUTIONS,
        default=list(DISTRIBUTIONS),
        metavar="D",
        help=f"{', '.join(DISTRIBUTIONS)} (recorded: --rows does not count)",
    )
    parser.add_argument(
        "--trace", type=source, default=Path(TRACE), metavar="FILE", help="of cartpole (default %(default)s)"
    )
    parser.add_argument("--batches", type=int, default=40_000, metavar="B", help="averaged (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of everything (default %(default)s)")
    parser.add_argument(
        "-o", "--output", type=folder, metavar="DIR", help="for distance.md, distance.json and two pictures"
    )
    parser.set_defaults(run=run_distance)


@reporting("bench distance", "bench")
def run_distance(options: argparse.Namespace) -> int:
    """Measure, print, write."""
    from tqdm import tqdm

    from amper_lab.studies.distance_report import draw_distances, draw_ratios, markdown
    from amper_report.environment import environment

    study = Study(options.rows, options.groups, options.priority_width, options.batches, options.seed)
    if options.output is not None:
        options.output.mkdir(parents=True, exist_ok=True)
    facts = environment(("amper", "numpy"))
    asked = options.distributions, options.modes, options.shares
    total = len(options.distributions) * len(lines(options.modes, options.shares))
    results = list(tqdm(measure_all(study, *asked, options.trace), total=total, unit="line"))
    text = markdown(study, results, facts)
    print(text)
    if options.output is not None:
        names = ("distributions", "modes", "shares")
        whole = {
            "environment": facts,
            "options": asdict(study) | {name: getattr(options, name) for name in names},
            "results": [each.to_dict() for each in results],
        }
        (options.output / "distance.md").write_text(text, encoding="utf-8")
        (options.output / "distance.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
        draw_distances(results, options.output / "distance.svg")
        draw_ratios(results, options.output / "distance-ratios.svg")
    return 0
