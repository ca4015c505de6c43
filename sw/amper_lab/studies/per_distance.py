"""How far AMPER's draws are from PER's: total variation and Kullback-Leibler divergence over 100 bins.

`python -m amper_lab.studies.per_distance` prints a table of every variant on three priority settings and, with
``--plot FILE.svg``, draws the ratio of the two distributions.

What is measured is the integer algorithm of docs/reference/algorithm.md with the golden model's own query words.
`golden_sets` evaluates it for many batches at once (the model itself would take hours on 10,000 rows);
tests/sw/lab/test_per_distance.py holds it against `amper.GoldenModel`, row by row. Draws are not simulated: a row's
chance in a batch is 1/|CSP| if it is in the CSP and 0 otherwise, so that only the choice of the V_i is left
as noise.
"""

from __future__ import annotations

import argparse
import functools
import platform
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from amper import AmperConfig, Variant, quantise, streams

FloatArray = NDArray[np.float64]
IndexArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
WordArray = NDArray[np.uint64]

BINS = 100
CHUNK_BATCHES = 400
"""Batches evaluated at once: with 10,000 rows, some tens of megabytes."""

TUNING_BATCHES = 1_000
TUNING_STEPS = 14
BOOTSTRAPS = 200


@dataclass(frozen=True)
class Setting:
    """A priority distribution and the |CSP|/n that the scale of each variant is tuned to."""

    distribution: str
    csp_share: float


# The first is the paper's typical one. With exponential priorities, 0.15 puts the highest ones into nearly
# every CSP: a row cannot be in it twice, so no variant can be proportional there; 0.03 leaves room.
SETTINGS = (Setting("uniform", 0.15), Setting("exponential", 0.03), Setting("exponential", 0.15))


@dataclass(frozen=True)
class Distance:
    """Result for one variant and setting; `sampler` and `per` are (BINS,) probabilities."""

    setting: Setting
    config: AmperConfig
    batches: int
    csp_share: float
    sampler: FloatArray
    per: FloatArray
    tv: float
    tv_error: float  # bootstrap standard deviation over batches
    tv_noise: float  # TV that noise alone would show were the two distributions equal
    kl: float  # KL(sampler || PER), nats
    kl_error: float

    @property
    def scale(self) -> float:
        """lambda' or, for k, lambda."""
        return self.config.neighbour_scale if self.config.variant == "k" else self.config.radius_scale


# --- the integer algorithm, many batches at once --------------------------------------------------


def query_words(config: AmperConfig, batches: int) -> WordArray:
    """(batches, m) words of the query stream from its start, as `batches` consecutive batches take them."""
    return _query_stream(config.seed, batches * config.groups).reshape(batches, config.groups)


@functools.lru_cache(maxsize=8)
def _query_stream(seed: int, count: int) -> WordArray:
    # Cached because tuning runs the same batches again and again, and the stream is plain Python.
    query, _ = streams(seed)
    words = np.fromiter((query.next() for _ in range(count)), dtype=np.uint64, count=count)
    words.setflags(write=False)
    return words


def golden_sets(config: AmperConfig, codes: IndexArray, words: WordArray) -> BoolArray:
    """The rows that each batch draws from: (batches, n) bool.

    Parameters
    ----------
    codes : (n,) priority codes; every row is valid.
    words : (batches, m) query words.

    Raises
    ------
    ValueError : priorities wider than 16 bits, with which products would not fit into 64.
    """
    if config.priority_width > 16:
        raise ValueError(
            f"priority_width must be at most 16, not {config.priority_width}: products would overflow 64 bits"
        )
    order = np.argsort(codes, kind="stable")
    ordered = codes[order].astype(np.int64)
    low, high = _matched_codes(config, ordered, words)
    # Rows sorted by code: a match set is a range [first, last), the union a prefix sum over starts and ends.
    first = np.searchsorted(ordered, low, side="left")
    last = np.searchsorted(ordered, high, side="right")
    steps = np.zeros((len(words), codes.size + 1), dtype=np.int16)
    line = np.arange(len(words))[:, None]
    np.add.at(steps, (line, first), 1)
    np.add.at(steps, (line, np.maximum(first, last)), -1)
    sets = np.empty((len(words), codes.size), dtype=np.bool_)
    sets[:, order] = np.cumsum(steps, axis=1, dtype=np.int16)[:, :-1] > 0
    sets[~sets.any(axis=1)] = True
    return sets


def _matched_codes(config: AmperConfig, ordered: IndexArray, words: WordArray) -> tuple[IndexArray, IndexArray]:
    """Smallest and largest code that each group matches (smallest above largest: none); all (batches, m)."""
    vmax = int(ordered[-1])
    u = (words >> np.uint64(64 - config.fraction_width)).astype(np.int64)
    value = _representative(config, np.arange(config.groups), u, vmax)
    if config.variant == "k":
        wanted = _neighbours(config, ordered, value)
        radius = _nearest_radius(ordered, value, wanted)
        return np.where(wanted > 0, value - radius, 1), np.where(wanted > 0, value + radius, 0)
    radius = np.minimum(config.priority_max, (value * config.radius_coefficient) >> 20)
    if config.variant == "fr":
        return value - radius, value + radius
    # frexp's exponent of a whole number is its bit length, exactly, below 2^53.
    ignored = np.frexp(radius.astype(np.float64))[1].astype(np.int64)
    if config.variant == "fr-dithered":
        leading_one = np.where(radius > 0, 1 << np.maximum(ignored - 1, 0), 1)
        dither = (words & (leading_one - 1).astype(np.uint64)).astype(np.int64)
        ignored += (radius > 0) & (dither < radius - leading_one)
    block = 1 << np.minimum(ignored, config.priority_width)
    return value & -block, value | (block - 1)


def _representative(config: AmperConfig, group: IndexArray, u: IndexArray | int, vmax: int) -> IndexArray:
    place = (((group << config.fraction_width) + u) * config.reciprocal) >> config.reciprocal_shift
    return (place * (vmax + 1)) >> config.fraction_width


def _neighbours(config: AmperConfig, ordered: IndexArray, value: IndexArray) -> IndexArray:
    vmax = int(ordered[-1])
    start = np.append(_representative(config, np.arange(config.groups), 0, vmax), vmax + 1)
    members = np.diff(np.searchsorted(ordered, start, side="left"))
    if vmax == 0:
        return np.broadcast_to(np.minimum(members, 1), value.shape)
    wanted = -((-config.neighbour_coefficient * value * members) // (vmax << 20))
    return np.where(members > 0, np.clip(wanted, 1, ordered.size), 0)


def _nearest_radius(ordered: IndexArray, value: IndexArray, wanted: IndexArray) -> IndexArray:
    """Smallest d with at least `wanted` codes in [value - d, value + d], by bisection."""
    low = np.zeros_like(value)
    high = np.full_like(value, int(ordered[-1]))  # V_i and all codes lie in [0, Vmax]
    while np.any(low < high):
        middle = (low + high) // 2
        count = np.searchsorted(ordered, value + middle, side="right")
        count -= np.searchsorted(ordered, value - middle, side="left")
        low, high = np.where(count < wanted, middle + 1, low), np.where(count < wanted, high, middle)
    return low


# --- distances ------------------------------------------------------------------------------------


def make_codes(distribution: str, rows: int, priority_width: int, seed: int) -> IndexArray:
    """(rows,) codes of random float priorities, quantised so that the largest is the largest code."""
    rng = np.random.default_rng(seed)
    priorities = rng.random(rows) if distribution == "uniform" else rng.standard_exponential(rows)
    top = (1 << priority_width) - 1
    config = AmperConfig(rows=rows, priority_width=priority_width, priority_scale=float(top / priorities.max()))
    return np.array([int(quantise(priority, config)) for priority in priorities], dtype=np.int64)


def per_distribution(codes: IndexArray) -> FloatArray:
    """(BINS,) PER's probability p / sum(p) of each bin."""
    weights = codes.astype(np.float64)
    total: FloatArray = np.bincount(bin_of_codes(codes), weights=weights, minlength=BINS) / weights.sum()
    return total


def bin_of_codes(codes: IndexArray) -> IndexArray:
    """(n,) the bin of each row: BINS equal parts of the codes 0 to Vmax."""
    return codes * BINS // (int(codes.max()) + 1)


def batch_distributions(config: AmperConfig, codes: IndexArray, batches: int) -> tuple[FloatArray, FloatArray]:
    """(batches, BINS) chance of a draw to hit each bin, given the batch's CSP; and (batches,) |CSP|/n."""
    member = np.zeros((codes.size, BINS), dtype=np.float32)
    member[np.arange(codes.size), bin_of_codes(codes)] = 1
    # Sums of at most 2^20 ones are exact in float32.
    counts = [golden_sets(config, codes, words).astype(np.float32) @ member for words in _chunks(config, batches)]
    by_bin = np.concatenate(counts).astype(np.float64)
    size = by_bin.sum(axis=1)
    return by_bin / size[:, None], size / codes.size


def _chunks(config: AmperConfig, batches: int) -> Iterator[WordArray]:
    words = query_words(config, batches)
    return (words[start : start + CHUNK_BATCHES] for start in range(0, batches, CHUNK_BATCHES))


def total_variation(first: FloatArray, second: FloatArray) -> FloatArray:
    """Half the sum of absolute differences along the last axis."""
    total: FloatArray = np.abs(first - second).sum(axis=-1) / 2
    return total


def divergence(sampler: FloatArray, per: FloatArray) -> FloatArray:
    """KL(sampler || per) in nats along the last axis; a bin without a row is empty in both."""
    ratio = np.divide(sampler, per, out=np.ones_like(sampler), where=(per > 0) & (sampler > 0))
    total: FloatArray = np.sum(sampler * np.log(ratio), axis=-1)
    return total


def tuned(config: AmperConfig, codes: IndexArray, csp_share: float) -> AmperConfig:
    """`config` with the scale, found by bisection, at which the mean of |CSP|/n is `csp_share`."""
    low, high = 0.0, 4.0
    for _ in range(TUNING_STEPS):
        middle = (low + high) / 2
        share = batch_distributions(scaled(config, middle), codes, TUNING_BATCHES)[1].mean()
        low, high = (middle, high) if share < csp_share else (low, middle)
    return scaled(config, (low + high) / 2)


def scaled(config: AmperConfig, scale: float) -> AmperConfig:
    """`config` with lambda (k) or lambda' (the others) set to `scale`."""
    if config.variant == "k":
        return replace(config, neighbour_scale=scale)
    return replace(config, radius_scale=scale)


def measure(setting: Setting, config: AmperConfig, codes: IndexArray, batches: int) -> Distance:
    """The distances of `config` from PER, with the bootstrap error of resampling whole batches."""
    chances, shares = batch_distributions(config, codes, batches)
    sampler, per = chances.mean(axis=0), per_distribution(codes)
    rng = np.random.default_rng(1)
    weights = rng.multinomial(batches, np.full(batches, 1 / batches), size=BOOTSTRAPS) / batches
    resampled = weights @ chances
    return Distance(
        setting=setting,
        config=config,
        batches=batches,
        csp_share=float(shares.mean()),
        sampler=sampler,
        per=per,
        tv=float(total_variation(sampler, per)),
        tv_error=float(total_variation(resampled, per).std(ddof=1)),
        tv_noise=float(total_variation(resampled, sampler).mean()),
        kl=float(divergence(sampler, per)),
        kl_error=float(divergence(resampled, per).std(ddof=1)),
    )


def measure_all(rows: int, groups: int, priority_width: int, batches: int, seed: int) -> Iterator[Distance]:
    """Every setting times every variant, each tuned to the setting's |CSP|/n."""
    for setting in SETTINGS:
        codes = make_codes(setting.distribution, rows, priority_width, seed)
        for variant in get_args(Variant):
            config = AmperConfig(rows=rows, groups=groups, priority_width=priority_width, variant=variant, seed=seed)
            yield measure(setting, tuned(config, codes, setting.csp_share), codes, batches)


# --- the command ----------------------------------------------------------------------------------

COLUMNS = "{:<12} {:<12} {:>8} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9}"


def table(results: list[Distance]) -> str:
    """The results as text, one line a variant and setting."""
    titles = ("priorities", "variant", "scale", "|CSP|/n", "TV", "+-", "noise", "KL", "+-")
    lines = [COLUMNS.format(*titles)]
    for result in results:
        lines.append(
            COLUMNS.format(
                result.setting.distribution,
                result.config.variant,
                f"{result.scale:.4f}",
                f"{result.csp_share:.4f}",
                f"{result.tv:.4f}",
                f"{result.tv_error:.4f}",
                f"{result.tv_noise:.4f}",
                f"{result.kl:.5f}",
                f"{result.kl_error:.5f}",
            )
        )
    return "\n".join(lines)


# Colours of Okabe and Ito, told apart by colour-blind readers; the farthest from PER is drawn first.
LINES: dict[Variant, tuple[str, str]] = {
    "fr-prefix": ("#D55E00", "-"),
    "k": ("#009E73", "-"),
    "fr": ("#000000", "--"),
    "fr-dithered": ("#0072B2", "-"),
}


def plot(results: list[Distance], path: Path) -> None:
    """Write an SVG: sampler's over PER's probability of each bin, one panel a setting. 1 is PER."""
    import matplotlib as mpl  # optional: only the plot needs it
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "amper", "svg.fonttype": "path", "font.size": 11}):
        figure = Figure(figsize=(7.5, 9), layout="constrained")
        panels = figure.subplots(len(SETTINGS), 1, sharex=True, sharey=True)
        for panel, setting in zip(panels, SETTINGS, strict=True):
            chosen = {result.config.variant: result for result in results if result.setting == setting}
            panel.axhline(1, color="0.6", linewidth=1)
            for variant, (colour, style) in LINES.items():
                result = chosen[variant]
                used = result.per > 0
                centre = (np.arange(BINS)[used] + 0.5) / BINS
                label = f"{variant}, TV {result.tv:.3f}"
                ratio = result.sampler[used] / result.per[used]
                panel.plot(centre, ratio, style, color=colour, label=label, linewidth=1.4)
            panel.set_title(f"{setting.distribution} priorities, |CSP|/n = {setting.csp_share}")
            panel.set_ylabel("probability / PER's")
            panel.set_ylim(0.3, 1.7)  # a few peaks of k are cut off
            panel.grid(alpha=0.3)
            panel.legend(loc="lower left", ncols=2)
        panels[-1].set_xlabel("priority / Vmax")
        figure.savefig(path, metadata={"Date": None})


def main(arguments: list[str] | None = None) -> int:
    """Command line entry; returns the exit status."""
    summary = "How far AMPER's draws are from PER's, for every variant: a table and a plot."
    parser = argparse.ArgumentParser(prog="python -m amper_lab.studies.per_distance", description=summary)
    parser.add_argument("--rows", type=int, default=10_000, help="n (default %(default)s)")
    parser.add_argument("--groups", type=int, default=20, help="m (default %(default)s)")
    parser.add_argument("--priority-width", type=int, default=16, help="Q, at most 16 (default %(default)s)")
    parser.add_argument("--batches", type=int, default=40_000, help="batches averaged (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of all randomness (default %(default)s)")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="also draw the distributions")
    options = parser.parse_args(arguments)
    print(
        f"n = {options.rows}, m = {options.groups}, Q = {options.priority_width}, {options.batches} batches, "
        f"seed {options.seed}, {BINS} bins; Python {platform.python_version()}, NumPy {np.__version__}"
    )
    results = list(measure_all(options.rows, options.groups, options.priority_width, options.batches, options.seed))
    print(table(results))
    if options.plot is not None:
        plot(results, options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
