"""How far the draws of every mode of ``amper.Sampler`` are from PER's: total variation and Kullback-Leibler divergence.

PER and uniform draws have a closed form. AMPER's draw probability is the mean of 1/|CSP| over the batches whose
candidate set holds the row, which has none (only the chance to be in the set has): it is averaged over many sets, so
that no draws are simulated and only the choice of the sets is left as noise. Their scales are those that a sampler with
that target really went through after it had adapted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amper import Sampler, inclusion_probability
from amper.sampler.options import Mode
from amper_lab.studies.match_sets import draw_chances, match_intervals

FloatArray = NDArray[np.float64]

BINS = 100
ADAPTING_BATCHES = 3000  # thrown away
SCALES = 4000  # then recorded
PARTS = 40  # into which the batches are cut: the errors come from their scatter
BOOTSTRAPS = 200
EXACT_MODES: tuple[Mode, ...] = ("per", "uniform")
AMPER_MODES: tuple[Mode, ...] = ("amper-fr-dithered", "amper-fr", "amper-fr-prefix", "amper-k")
SHARES = (0.02, 0.05, 0.15, 0.3, 0.5)
OUTLIER = 1e6

_MAKERS: dict[str, Callable[[np.random.Generator, int], FloatArray]] = {
    "uniform": lambda rng, rows: rng.random(rows),
    "exponential": lambda rng, rows: rng.standard_exponential(rows),
    "lognormal": lambda rng, rows: rng.lognormal(0.0, 1.0, rows),
    "pareto": lambda rng, rows: 1.0 + rng.pareto(1.5, rows),
    "outlier": lambda rng, rows: np.append(rng.random(rows - 1), OUTLIER),
}
RECORDED = "cartpole"
DISTRIBUTIONS = (*_MAKERS, RECORDED)


@dataclass(frozen=True)
class Distance:
    """Distances of one mode.

    Members
    -------
    target, share : |CSP|/n asked for, and its mean; None for PER and uniform. scale : mean lambda' (k: lambda).
    tv, kl : over 100 bins of equally many rows, sorted by priority; KL(mode || PER) in nats.
    row_tv, row_kl : over the rows.
    error, row_error : bootstrap standard deviation of tv and row_tv; noise, row_noise : the TV that the finite number
    of batches alone would show. All 0 where the probabilities are exact.
    inclusion_tv : row TV of pi / sum(pi), with pi the chance to be in the candidate set at the mean scale, exactly;
    None where that has no closed form.
    """

    distribution: str
    rows: int
    mode: str
    target: float | None
    share: float | None
    scale: float | None
    tv: float
    error: float
    noise: float
    kl: float
    row_tv: float
    row_error: float
    row_noise: float
    row_kl: float
    inclusion_tv: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """For JSON: five digits."""
        values = asdict(self)
        return {name: float(f"{x:.5g}") if isinstance(x, float) else x for name, x in values.items()}


def make_priorities(distribution: str, rows: int, seed: int, trace: Path) -> FloatArray:
    """(rows,) priorities above 0; the recorded ones, of as many rows as ``trace`` has, are those at its end.

    Raises
    ------
    OSError, ValueError : the trace. ValueError : rows.
    """
    if rows < BINS:
        raise ValueError(f"rows must be at least {BINS}, one a bin, not {rows}")
    if distribution == RECORDED:
        return _recorded(trace)
    rng = np.random.default_rng([seed, DISTRIBUTIONS.index(distribution)])
    return np.maximum(_MAKERS[distribution](rng, rows), 1e-9)


def total_variation(p: FloatArray, q: FloatArray) -> FloatArray:
    """Half the sum of |p - q| over the last axis."""
    return np.asarray(0.5 * np.abs(p - q).sum(axis=-1))


def divergence(p: FloatArray, q: FloatArray) -> float:
    """KL(p || q) in nats; q is above 0 where p is."""
    held = p > 0
    return float(np.sum(p[held] * np.log(p[held] / q[held])))


def measure_exact(distribution: str, priorities: FloatArray, mode: Mode) -> Distance:
    """PER, with the priorities as they are stored, or uniform draws."""
    priorities = np.sort(priorities)
    sampler = _filled(priorities, mode)
    weights = sampler.priorities().astype(np.float64) if mode == "per" else np.ones(priorities.size)
    chances = (weights / weights.sum())[None, :]
    return _distance(distribution, priorities, mode, chances)


def measure_amper(
    distribution: str, priorities: FloatArray, mode: Mode, target: float, *, groups: int, batches: int, seed: int
) -> Distance:
    """A mode of AMPER whose scale adapts to ``target``.

    Parameters
    ----------
    batches : candidate sets to average over, rounded up to a multiple of 40.
    """
    priorities = np.sort(priorities)
    sampler = _filled(priorities, mode, groups=groups, csp_share=target, seed=seed)
    scales, share = _adapted(sampler)
    values = sampler.priorities().astype(np.float64)  # ascending as well: rounding keeps the order
    variant = mode.removeprefix("amper-")
    rng = np.random.default_rng([seed, 7])
    size = -(-batches // PARTS)
    parts = []
    for part in range(PARTS):
        used = scales[(part * size + np.arange(size)) % scales.size]
        parts.append(draw_chances(*match_intervals(values, variant, groups, used, rng), values.size)[0])
    scale = float(scales.mean())
    return _distance(
        distribution,
        priorities,
        mode,
        np.array(parts),
        target=target,
        share=share,
        scale=scale,
        inclusion_tv=_inclusion_tv(priorities, values, variant, groups, scale),
    )


def _recorded(path: Path) -> FloatArray:
    from amper.operations.trace import Kind, Trace  # from a checkout: no package has the traces

    trace = Trace.load(path)
    priorities = np.zeros(trace.rows)
    stored = trace.kind != Kind.DRAW
    priorities[trace.row[stored]] = trace.priority[stored]  # of a row written more than once, the last stays
    return priorities[priorities > 0]


def _filled(priorities: FloatArray, mode: Mode, **options: Any) -> Sampler:
    sampler = Sampler(priorities.size, mode=mode, **options)
    sampler.extend(priorities)
    return sampler


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


def _inclusion_tv(priorities: FloatArray, values: FloatArray, variant: str, groups: int, scale: float) -> float | None:
    if variant == "k":
        return None
    chance = inclusion_probability(values, variant=variant, groups=groups, scale=scale)  # type: ignore[arg-type]
    return float(total_variation(chance / chance.sum(), priorities / priorities.sum()))


def _distance(distribution: str, priorities: FloatArray, mode: Mode, parts: FloatArray, **known: Any) -> Distance:
    """From the rows' chances in each part, (parts, n), rows sorted by priority."""
    per = priorities / priorities.sum()
    borders = np.searchsorted(np.arange(per.size) * BINS // per.size, np.arange(BINS))
    binned = np.add.reduceat(parts, borders, axis=1)
    tv, error, noise, kl = _summary(binned, np.add.reduceat(per, borders))
    row_tv, row_error, row_noise, row_kl = _summary(parts, per)
    return Distance(
        distribution=distribution,
        rows=per.size,
        mode=mode,
        target=known.get("target"),
        share=known.get("share"),
        scale=known.get("scale"),
        tv=tv,
        error=error,
        noise=noise,
        kl=kl,
        row_tv=row_tv,
        row_error=row_error,
        row_noise=row_noise,
        row_kl=row_kl,
        inclusion_tv=known.get("inclusion_tv"),
    )


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
