"""``amper bench distance``: how far every mode's draws are from PER's."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from amper_cli.options import fail

if TYPE_CHECKING:
    from amper_lab.studies.distance import Distance

SHARES = (0.02, 0.05, 0.15, 0.3, 0.5)
DISTRIBUTIONS = ("uniform", "exponential", "lognormal", "pareto", "outlier", "cartpole")
TRACE = "verif/traces/cartpole-2000.npz"

_DESCRIPTION = """\
Print how far the draws of every mode of the software sampler are from PER's, as total variation and KL divergence,
over distributions of priorities and sizes of the candidate set that the scale adapts to. distribution.md says
what the columns are.
"""


def add_parser(subjects: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subject."""
    parser = subjects.add_parser(
        "distance",
        help="every mode's distance to PER",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rows", type=int, default=10_000, metavar="N", help="priorities (default %(default)s)")
    parser.add_argument("--groups", type=int, default=20, metavar="M", help="of AMPER (default %(default)s)")
    parser.add_argument("--shares", type=float, nargs="+", default=list(SHARES), metavar="S", help="targets of |CSP|/n")
    parser.add_argument(
        "--distributions",
        nargs="+",
        choices=DISTRIBUTIONS,
        default=list(DISTRIBUTIONS),
        metavar="D",
        help=f"{', '.join(DISTRIBUTIONS)} (recorded: --rows does not count)",
    )
    parser.add_argument(
        "--trace", type=Path, default=Path(TRACE), metavar="FILE", help="of cartpole (default %(default)s)"
    )
    parser.add_argument("--batches", type=int, default=40_000, metavar="B", help="averaged (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of everything (default %(default)s)")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR", help="for distance.md, distance.json, distance.svg")
    parser.set_defaults(run=run_distance)


def run_distance(options: argparse.Namespace) -> int:
    """Measure, print, write."""
    try:
        from amper_lab.studies.distance_report import draw_distances, markdown
        from amper_report.environment import environment

        if options.batches < 1:
            raise ValueError(f"batches must be at least 1, not {options.batches}")
        if options.output is not None:
            options.output.mkdir(parents=True, exist_ok=True)
        facts = environment(("amper", "numpy"))
        results = _measured(options)
    except (OSError, ValueError, TypeError) as error:
        return fail("bench distance", error)
    except ImportError as error:
        return fail("bench distance", ImportError(f"{error}. Install it by: pip install 'amper[bench]'"))
    text = markdown(vars(options), results, facts)
    print(text)
    if options.output is not None:
        names = ("rows", "groups", "shares", "distributions", "batches", "seed")
        whole = {
            "environment": facts,
            "options": {name: getattr(options, name) for name in names},
            "results": [each.to_dict() for each in results],
        }
        (options.output / "distance.md").write_text(text, encoding="utf-8")
        (options.output / "distance.json").write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")
        draw_distances(results, options.output / "distance.svg")
    return 0


def _measured(options: argparse.Namespace) -> list[Distance]:
    """Every distribution and mode, with every target for those of AMPER."""
    from tqdm import tqdm

    from amper_lab.studies.distance import AMPER_MODES, EXACT_MODES, make_priorities, measure_amper, measure_exact

    results = []
    targets = [(mode, share) for mode in AMPER_MODES for share in options.shares]
    total = len(options.distributions) * (len(EXACT_MODES) + len(targets))
    with tqdm(total=total, unit="line") as progress:
        for distribution in options.distributions:
            progress.set_description(distribution)
            priorities = make_priorities(distribution, options.rows, options.seed, options.trace)
            for mode in EXACT_MODES:
                results.append(measure_exact(distribution, priorities, mode))
                progress.update()
            for mode, share in targets:
                results.append(
                    measure_amper(
                        distribution,
                        priorities,
                        mode,
                        share,
                        groups=options.groups,
                        batches=options.batches,
                        seed=options.seed,
                    )
                )
                progress.update()
    return results
