"""How far draws are from PER's: of every mode of ``amper.Sampler``, and of every variant of the hardware, to the bit.

PER, uniform draws and variant exact have a closed form. AMPER's draw probability is the mean of 1/|CSP| over the
batches whose candidate set holds the row, which has none: it is averaged over many sets, so that no draws are simulated
and only the choice of the sets is left as noise. The sampler's scales are those that a real one with that target went
through after it had adapted; the variants' scale is fixed, and their sets come from the golden model's query words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from amper import AMPER_VARIANTS, VARIANTS, AmperConfig, Sampler, quantise
from amper.sampler.options import Mode
from amper_lab.studies.candidate_sets import (
    Intervals,
    draw_chances,
    golden_intervals,
    query_words,
    sampler_intervals,
)
from amper_lab.studies.priorities import CODE_WIDTH, CODES, make_priorities

FloatArray = NDArray[np.float64]

BINS = 100
ADAPTING_BATCHES = 3000  # thrown away
SCALES = 4000  # then recorded
PARTS = 40  # into which the batches are cut: the errors come from their scatter
BOOTSTRAPS = 200
SAMPLER_MODES: tuple[str, ...] = tuple(sorted(get_args(Mode), key=lambda mode: mode.startswith("amper-")))
MODES = (*SAMPLER_MODES, *VARIANTS)  # with "amper-" before it a mode of the sampler, without it bit-exact
SHARES = (0.05, 0.15, 0.5)


@dataclass(frozen=True)
class Study:
    """What is asked; ``batches`` are candidate sets to average over, rounded up to a multiple of 40.

    Raises
    ------
    ValueError : rows or batches.
    """

    rows: int
    groups: int
    priority_width: int
    batches: int
    seed: int

    def __post_init__(self) -> None:
        if self.rows < BINS:
            raise ValueError(f"rows must be at least {BINS}, one a bin, not {self.rows}")
        if self.batches < 1:
            raise ValueError(f"batches must be at least 1, not {self.batches}")

    @property
    def averaged(self) -> int:
        """Batches that are averaged, a multiple of ``PARTS``."""
        return PARTS * -(-self.batches // PARTS)


@dataclass(frozen=True)
class Distance:
    """Distances of one mode.

    Members
    -------
    target, share : |CSP|/n asked for, and its mean; None where there is no CSP, and no target where the scale is fixed.
    scale : lambda' (k: lambda), the mean where it adapts.
    top, per_top : share of the draws, and of PER's, that goes to the rows of the largest priority.
    tv, kl : over 100 bins of equally many rows, sorted by priority; KL(mode || PER) in nats.
    row_tv, row_kl : over the rows.
    error, row_error : bootstrap standard deviation of tv and row_tv; noise, row_noise : the TV that the finite number
    of batches alone would show. All 0 where the probabilities are exact.
    """

    distribution: str
    rows: int
    mode: str
    target: float | None
    share: float | None
    scale: float | None
    top: float
    per_top: float
    tv: float
    error: float
    noise: float
    kl: float
    row_tv: float
    row_error: float
    row_noise: float
    row_kl: float
    bins: FloatArray = field(repr=False, compare=False)  # chance of each bin over PER's; not in JSON

    def to_dict(self) -> dict[str, Any]:
        """For JSON: five digits."""
        values = asdict(self)
        del values["bins"]
        return {name: float(f"{x:.5g}") if isinstance(x, float) else x for name, x in values.items()}


@dataclass(frozen=True)
class Chances:
    """The rows' chances of a draw, (parts, n), rows by ascending priority; one part where they are exact."""

    parts: FloatArray
    share: float | None = None
    scale: float | None = None


def lines(modes: Sequence[str], shares: Sequence[float]) -> list[tuple[str, float | None]]:
    """Mode and target of each line that a distribution has."""
    return [
        (mode, target)
        for mode in modes
        for target in (shares if mode.startswith("amper-") else (None,))  # a variant's scale does not adapt
    ]


def measure_all(
    study: Study, distributions: Sequence[str], modes: Sequence[str], shares: Sequence[float], trace: Path
) -> Iterator[Distance]:
    """Every line of every distribution; ``trace`` has the recorded priorities.

    Raises
    ------
    OSError, ValueError, TypeError : the trace; a share.
    """
    for distribution in distributions:
        priorities = make_priorities(distribution, study.rows, study.seed, trace)
        for mode, target in lines(modes, shares):
            chances = chances_of(study, mode, target, priorities, as_codes=distribution in CODES)
            yield distance(distribution, mode, target, priorities, chances)


def chances_of(
    study: Study, mode: str, target: float | None, priorities: FloatArray, *, as_codes: bool = False
) -> Chances:
    """What a mode, or a variant of the hardware, makes of ascending priorities.

    Parameters
    ----------
    as_codes : the priorities are codes of 16 bits; otherwise the largest one gets the largest code.
    """
    if mode in VARIANTS:
        top = (1 << study.priority_width) - 1
        scale = 2.0 ** (study.priority_width - CODE_WIDTH) if as_codes else float(top / priorities[-1])
        return variant_chances(study, mode, priorities, scale)
    options = {"groups": study.groups, "csp_share": target, "seed": study.seed} if target is not None else {}
    sampler = Sampler(priorities.size, mode=mode, **options)  # type: ignore[arg-type]  # it checks them
    sampler.extend(priorities)
    values = sampler.priorities().astype(np.float64)  # ascending as well: rounding keeps the order
    if target is None:
        weights = values if mode == "per" else np.ones(values.size)
        return Chances((weights / weights.sum())[None, :])
    scales, share = _adapted(sampler)
    rng = np.random.default_rng([study.seed, 7])
    variant = mode.removeprefix("amper-")

    def intervals(batches: slice) -> Intervals:
        used = scales[np.arange(batches.start, batches.stop) % scales.size]
        return sampler_intervals(values, variant, study.groups, used, rng)

    return replace(averaged_chances(study, intervals, values.size, float(scales.mean())), share=share)


def variant_chances(study: Study, variant: str, priorities: FloatArray, priority_scale: float) -> Chances:
    """Of a bit-exact variant with the default scale, lambda' or lambda."""
    config = AmperConfig(
        rows=priorities.size,
        priority_width=study.priority_width,
        priority_scale=priority_scale,
        groups=study.groups,
        variant=variant,  # type: ignore[arg-type]  # it checks it
        seed=study.seed,
    )
    codes = quantise(priorities, config)
    if variant not in AMPER_VARIANTS:  # exact: each row in proportion to its code
        return Chances((codes / codes.sum())[None, :])
    words = query_words(config, study.averaged)
    scale = config.neighbour_scale if variant == "k" else config.radius_scale
    return averaged_chances(study, lambda batches: golden_intervals(config, codes, words[batches]), codes.size, scale)


def averaged_chances(
    study: Study, intervals: Callable[[slice], Intervals], rows: int, scale: float | None = None
) -> Chances:
    """Of the rows in each part, and the mean of |CSP|/n, from the intervals of some of ``study.averaged`` batches."""
    size = study.averaged // PARTS
    made = [draw_chances(intervals(slice(start, start + size)), rows) for start in range(0, study.averaged, size)]
    share = float(np.mean([sizes for _, sizes in made])) / rows
    return Chances(np.array([chances for chances, _ in made]), share, scale)


def _adapted(sampler: Sampler) -> tuple[FloatArray, float]:
    """The scales before each of many batches, and their mean |CSP|/n."""
    for _ in range(ADAPTING_BATCHES):
        sampler.sample(1)
    scales, shares = np.empty(SCALES), np.empty(SCALES)
    for at in range(SCALES):
        scales[at] = sampler.scale
        sampler.sample(1)
        shares[at] = sampler.csp_share
    return scales, float(shares.mean())


def distance(distribution: str, mode: str, target: float | None, priorities: FloatArray, chances: Chances) -> Distance:
    """Of the rows' chances from PER's, p / sum(p) of the priorities before they are rounded."""
    per = priorities / priorities.sum()
    largest = priorities == priorities[-1]
    top = float(chances.parts.mean(axis=0)[largest].sum())
    parts, expected = in_bins(chances.parts), in_bins(per)
    known = (distribution, per.size, mode, target, chances.share, chances.scale, top, float(per[largest].sum()))
    ratio = parts.mean(axis=0) / expected
    return Distance(*known, *_summary(parts, expected), *_summary(chances.parts, per), ratio)


def in_bins(chances: FloatArray) -> FloatArray:
    """Sums over ``BINS`` bins of equally many rows, of the last axis."""
    rows = chances.shape[-1]
    borders = np.searchsorted(np.arange(rows) * BINS // rows, np.arange(BINS))
    return np.asarray(np.add.reduceat(chances, borders, axis=-1))


def total_variation(p: FloatArray, q: FloatArray) -> FloatArray:
    """Half the sum of |p - q| over the last axis."""
    return np.asarray(0.5 * np.abs(p - q).sum(axis=-1))


def divergence(p: FloatArray, q: FloatArray) -> float:
    """KL(p || q) in nats; q is above 0 where p is."""
    held = p > 0
    return float(np.sum(p[held] * np.log(p[held] / q[held])))


def _summary(parts: FloatArray, per: FloatArray) -> tuple[float, float, float, float]:
    """TV, its bootstrap error, the TV of noise alone, KL."""
    mean = parts.mean(axis=0)
    if len(parts) == 1:
        return float(total_variation(mean, per)), 0.0, 0.0, divergence(mean, per)
    rng = np.random.default_rng(1)
    weights = rng.multinomial(len(parts), np.full(len(parts), 1 / len(parts)), size=BOOTSTRAPS) / len(parts)
    resampled = weights @ parts
    error = float(total_variation(resampled, per).std(ddof=1))
    noise = float(total_variation(resampled, mean).mean())
    return float(total_variation(mean, per)), error, noise, divergence(mean, per)
