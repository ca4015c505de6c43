"""Two cheap repairs of AMPER's fr variants, which nobody built: `python -m amper_lab.studies.repairs`.

How near they bring the draws to PER's, beside variant exact; docs/reference/which-variant.md says what follows.

- *reach*: V_i up to Vmax / (1 - lambda'/m), where the radius of the last one still ends at Vmax; so rows at Vmax lie
  within a radius from both sides, not from below alone.
- *fraction*: of fr-dithered, D_i keeps its fraction bits where its dither is compared, and a block of less than one
  code matches as often as it is long. Radii of a handful of codes are then not rounded down.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from amper import AmperConfig, quantise
from amper_lab.studies.candidate_sets import (
    IndexArray,
    Intervals,
    WordArray,
    block_around,
    query_words,
    representatives,
    window_around,
)
from amper_lab.studies.distance import Distance, Study, averaged_chances, distance, variant_chances
from amper_lab.studies.priorities import CODE_WIDTH, CODES, DISTRIBUTIONS, make_priorities
from amper_report.tables import table
from amper_spec.algorithm import SCALE_FRACTION_WIDTH

FORMS = (
    ("fr", ()),
    ("fr", ("reach",)),
    ("fr-dithered", ()),
    ("fr-dithered", ("reach",)),
    ("fr-dithered", ("fraction",)),
    ("fr-dithered", ("reach", "fraction")),
)
TRACE = Path("verif/traces/cartpole-2000.npz")


def repaired_intervals(config: AmperConfig, codes: IndexArray, words: WordArray, repairs: Sequence[str]) -> Intervals:
    """The match sets of variant fr or fr-dithered with ``repairs``; without, those of ``golden_intervals``.

    Parameters
    ----------
    codes : (n,) priority codes, ascending; every row is valid. words : (batches, m) query words.
    """
    vmax, values = int(codes[-1]), codes.astype(np.float64)  # in which all that follows is exact
    share = config.radius_coefficient / (1 << SCALE_FRACTION_WIDTH)  # c = lambda'/m
    largest = int(vmax / (1 - share)) if "reach" in repairs else vmax
    u = (words >> np.uint64(64 - config.fraction_width)).astype(np.int64)
    place, fraction = representatives(config, u, largest)
    centre = place.astype(np.float64)
    radius = place * config.radius_coefficient  # with 20 fraction bits
    if config.variant == "fr":
        return window_around(values, centre, (radius >> SCALE_FRACTION_WIDTH).astype(np.float64))
    one = 1 if "fraction" in repairs else 1 << SCALE_FRACTION_WIDTH
    radius //= one
    ignored = np.frexp(radius.astype(np.float64))[1].astype(np.int64)
    leading_one = np.where(radius > 0, 1 << np.maximum(ignored - 1, 0), 1)
    dither = (words & (leading_one - 1).astype(np.uint64)).astype(np.int64)
    ignored += (radius > 0) & (dither < radius - leading_one)
    if one == 1:
        centre += fraction  # that decides whether a block of less than a code holds the code
        ignored -= SCALE_FRACTION_WIDTH
    return block_around(values, centre, np.ldexp(1.0, np.minimum(ignored, config.priority_width)))


def measured(study: Study, distribution: str, trace: Path = TRACE) -> list[Distance]:
    """Of each of ``FORMS``, and of exact; OSError, ValueError: the trace."""
    priorities = make_priorities(distribution, study.rows, study.seed, trace)
    top = (1 << study.priority_width) - 1
    as_codes = distribution in CODES
    scale = 2.0 ** (study.priority_width - CODE_WIDTH) if as_codes else float(top / priorities[-1])
    found = []
    for variant, repairs in FORMS:
        config = AmperConfig(
            rows=priorities.size,
            priority_width=study.priority_width,
            priority_scale=scale,
            groups=study.groups,
            variant=variant,  # type: ignore[arg-type]  # one of them
            seed=study.seed,
        )
        codes, words = quantise(priorities, config), query_words(config, study.averaged)

        def intervals(batches: slice) -> Intervals:
            return repaired_intervals(config, codes, words[batches], repairs)  # noqa: B023  # called in this turn

        chances = averaged_chances(study, intervals, codes.size)
        found.append(distance(distribution, form(variant, repairs), None, priorities, chances))
    exact = variant_chances(study, "exact", priorities, scale)
    return [*found, distance(distribution, "exact", None, priorities, exact)]


def form(variant: str, repairs: Sequence[str]) -> str:
    """How a column is called."""
    return " + ".join([variant, *repairs])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batches", type=int, default=40_000, metavar="B", help="averaged (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="of everything (default %(default)s)")
    options = parser.parse_args()
    for width, distributions in ((16, DISTRIBUTIONS), (8, ("uniform", "exponential", "cartpole"))):
        study = Study(10_000, 20, width, options.batches, options.seed)
        results = [measured(study, name) for name in distributions]
        titles = [each.mode for each in results[0]]
        print(f"Q = {width}, share of the draws that goes to the rows of the largest priority:\n")
        print(
            table(
                ["priorities", "PER", *titles], ([*_first(line), *(f"{x.top:.3f}" for x in line)] for line in results)
            )
        )
        print(f"\nQ = {width}, total variation from PER over 100 bins:\n")
        print(
            table(["priorities", *titles], ([line[0].distribution, *(f"{x.tv:.3f}" for x in line)] for line in results))
        )
        print()


def _first(line: Sequence[Distance]) -> list[str]:
    return [line[0].distribution, f"{line[0].per_top:.3f}"]


if __name__ == "__main__":
    main()
