"""Statistical tests of random words, each a function of one stream or of two that gives a p-value.

A p-value is the probability that ideal random words give a larger statistic, so that one near 1 (too regular) is as
suspicious as one near 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Words = NDArray[np.uint64]

THRESHOLD = 1e-5  # a p-value below it or above 1 - it is a failure: 2e-5 a test is the false-alarm rate
CHUNK = 1 << 18  # words looked at in one step, to bound the memory used
RANK_SIZE = 256  # rows and columns of the matrices of the rank test: above the generator's 128 bits of state
COMPLEXITY_BLOCK = 1000  # bits whose linear complexity is measured; even

# --- one stream ---------------------------------------------------------------------------------------------


def _chi_square(observed: NDArray[np.int64], probabilities: NDArray[np.float64] | float) -> float:
    expected = np.broadcast_to(observed.sum() * np.asarray(probabilities), observed.shape)
    statistic = float(((observed - expected) ** 2 / expected).sum())
    return float(stats.chi2.sf(statistic, observed.size - 1))


def _histogram(words: Words, cells: int, cell_of: Callable[[Words], NDArray[Any]]) -> NDArray[np.int64]:
    total = np.zeros(cells, dtype=np.int64)
    for start in range(0, len(words), CHUNK):
        total += np.bincount(cell_of(words[start : start + CHUNK]).astype(np.int64).ravel(), minlength=cells)
    return total


def byte_counts(words: Words) -> float:
    """The 256 byte values are equally frequent."""
    return _chi_square(_histogram(words, 256, lambda part: part.view(np.uint8)), 1 / 256)


def high_pairs(words: Words) -> float:
    """The high 6 bits of a word do not depend on those of the word before."""
    return _chi_square(_histogram(words, 4096, lambda w: (w[0::2] >> 58) << 6 | w[1::2] >> 58), 1 / 4096)


def low_pairs(words: Words) -> float:
    """The low 6 bits of a word do not depend on those of the word before."""
    return _chi_square(_histogram(words, 4096, lambda w: (w[0::2] & 63) << 6 | w[1::2] & 63), 1 / 4096)


def _correlation_z(a: Words, b: Words) -> float:
    """Standard normal for independent words: the correlation of ``a`` and ``b`` as fractions of 2^64."""
    total = 0.0
    for start in range(0, len(a), CHUNK):
        x, y = (part[start : start + CHUNK] / 2.0**64 - 0.5 for part in (a, b))
        total += float((x * y).sum())
    return float(12 * total / np.sqrt(len(a)))


def serial_correlation(words: Words) -> float:
    """Words 1 to 4 places apart are not correlated."""
    return float(stats.chi2.sf(sum(_correlation_z(words[:-lag], words[lag:]) ** 2 for lag in range(1, 5)), 4))


def _columns(words: Words) -> Words:
    """The words' bits transposed: row i holds bit i of all words, packed, filled up with zeros."""
    bits = np.unpackbits(words.view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")
    packed = np.packbits(bits, axis=0)
    return np.ascontiguousarray(np.pad(packed, ((0, -len(packed) % 8), (0, 0))).T).view(np.uint64)


def bit_balance(words: Words) -> float:
    """Each of the 64 bits is 1 half of the time."""
    ones = np.zeros(64, dtype=np.int64)
    for start in range(0, len(words), CHUNK):
        ones += np.bitwise_count(_columns(words[start : start + CHUNK])).sum(axis=1, dtype=np.int64)
    return float(stats.chi2.sf(float(((2 * ones - len(words)) ** 2).sum()) / len(words), 64))


def weight_pairs(words: Words) -> float:
    """The number of ones (few, middling, many) in a word does not depend on that in the word before."""
    weights = stats.binom.pmf(np.arange(65), 64, 0.5)
    classes = np.array([weights[:31].sum(), weights[31:34].sum(), weights[34:].sum()])

    def cell(part: Words) -> NDArray[Any]:
        ones = np.bitwise_count(part)
        kind = (ones > 30).astype(np.uint64) + (ones > 33)
        return kind[0::2] * np.uint64(3) + kind[1::2]

    return _chi_square(_histogram(words, 9, cell), np.outer(classes, classes).ravel())


def _rank(rows: list[int]) -> int:
    """Rank over GF(2) of a matrix given as one integer a row."""
    rank = 0
    while rows:
        pivot = rows.pop()
        if pivot:
            rank += 1
            lowest = pivot & -pivot
            rows = [row ^ pivot if row & lowest else row for row in rows]
    return rank


def matrix_rank(words: Words) -> float:
    """Words laid out as bit matrices have the ranks of random ones; at most 1,000 matrices are tried.

    A generator that is linear over GF(2) never reaches a rank above its number of state bits.
    """
    row_words = RANK_SIZE // 64
    matrices = min(len(words) // (RANK_SIZE * row_words), 1000)
    rows = words[: matrices * RANK_SIZE * row_words].reshape(matrices, RANK_SIZE, row_words)
    ranks = np.array([_rank([int.from_bytes(row.tobytes(), "little") for row in matrix]) for matrix in rows])
    missing = np.bincount(np.minimum(RANK_SIZE - ranks, 2), minlength=3)
    full = float(np.prod(1 - 0.5 ** np.arange(1, 60)))  # 0.288788; of rank one less: twice that
    return _chi_square(missing, np.array([full, 2 * full, 1 - 3 * full]))


def _complexity(bits: list[int]) -> int:
    """Linear complexity (the shortest LFSR) of a bit sequence, by Berlekamp and Massey's algorithm."""
    connection, previous, length, gap, window = 1, 1, 0, 1, 0
    for position, bit in enumerate(bits):
        window = window << 1 | bit  # bit i is the sequence's bit i places back
        if (connection & window).bit_count() & 1:
            earlier = connection
            connection ^= previous << gap
            if 2 * length <= position:
                length, previous, gap = position + 1 - length, earlier, 0
        gap += 1
    return length


def _complexity_test(words: Words, bit: int) -> float:
    blocks = min(len(words) // COMPLEXITY_BLOCK, 1000)
    bits = (words[: blocks * COMPLEXITY_BLOCK] >> bit & 1).reshape(blocks, COMPLEXITY_BLOCK)
    excess = np.array([_complexity(block) for block in bits.tolist()]) - COMPLEXITY_BLOCK // 2
    # 2^min(2n - 2L, 2L - 1) of the 2^n sequences have complexity L; classes: below n/2, n/2, above.
    return _chi_square(np.bincount(np.sign(excess) + 1, minlength=3), np.array([1 / 6, 1 / 2, 1 / 3]))


def low_bit_complexity(words: Words) -> float:
    """Bit 0 is no shorter a linear recurrence than random bits; at most 1,000 blocks of 1,000 bits."""
    return _complexity_test(words, 0)


def high_bit_complexity(words: Words) -> float:
    """The same of bit 63."""
    return _complexity_test(words, 63)


def birthday_spacings(words: Words) -> float:
    """4096 high halves out of 2^32, sorted, have Poisson(4) equal spacings (Marsaglia)."""
    sets = len(words) // 4096
    days = np.sort((words[: sets * 4096] >> 32).reshape(sets, 4096), axis=1)
    spacings = np.sort(np.diff(days, axis=1), axis=1)
    return float(stats.poisson.sf(np.count_nonzero(np.diff(spacings, axis=1) == 0) - 1, 4 * sets))


# --- two streams --------------------------------------------------------------------------------------------


def joint_high(a: Words, b: Words) -> float:
    """The high 6 bits of one stream do not depend on those of the other."""
    return high_pairs(np.stack([a, b], axis=1).ravel())


def joint_low(a: Words, b: Words) -> float:
    """The low 6 bits of one stream do not depend on those of the other."""
    return low_pairs(np.stack([a, b], axis=1).ravel())


def cross_correlation(a: Words, b: Words) -> float:
    """The streams are not correlated, at the same place or one place apart."""
    pairs = ((a, b), (a[:-1], b[1:]), (a[1:], b[:-1]))
    return float(stats.chi2.sf(sum(_correlation_z(*pair) ** 2 for pair in pairs), 3))


def bit_against_bit(a: Words, b: Words) -> float:
    """No bit of one stream is correlated with any bit of the other: all 64 x 64 pairs."""
    different = np.zeros((64, 64), dtype=np.int64)
    for start in range(0, len(a), CHUNK):
        columns_a, columns_b = (_columns(part[start : start + CHUNK]) for part in (a, b))
        for bit in range(64):
            different[bit] += np.bitwise_count(columns_a[bit] ^ columns_b).sum(axis=1, dtype=np.int64)
    return float(stats.chi2.sf(float(((len(a) - 2 * different) ** 2).sum()) / len(a), 64 * 64))


def difference_weight(a: Words, b: Words) -> float:
    """The number of bits in which the streams differ is binomial."""
    weights = stats.binom.pmf(np.arange(22, 43), 64, 0.5)
    weights[0], weights[-1] = stats.binom.cdf(22, 64, 0.5), stats.binom.sf(41, 64, 0.5)
    ones = _histogram(a ^ b, 65, np.bitwise_count)
    return _chi_square(np.concatenate([[ones[:23].sum()], ones[23:42], [ones[42:].sum()]]), weights)


STREAM_TESTS: dict[str, Callable[[Words], float]] = {
    test.__name__: test
    for test in (
        byte_counts,
        high_pairs,
        low_pairs,
        serial_correlation,
        bit_balance,
        weight_pairs,
        matrix_rank,
        low_bit_complexity,
        high_bit_complexity,
        birthday_spacings,
    )
}
PAIR_TESTS: dict[str, Callable[[Words, Words], float]] = {
    test.__name__: test for test in (joint_high, joint_low, cross_correlation, bit_against_bit, difference_weight)
}


def failed(p: float) -> bool:
    """Whether a p-value is too near 0 or 1 for a random generator (also when it is NaN)."""
    return not THRESHOLD <= p <= 1 - THRESHOLD
