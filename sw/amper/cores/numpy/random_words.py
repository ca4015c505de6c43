"""Random words by counter, in NumPy: the same as sw/amper/cores/c/random.h, bit for bit.

Word i of a key is the i-th word of SplitMix64 started at the key, so that any block of them can be computed at once and
the state is two numbers. (The bit-exact mode uses the two streams of docs/reference/algorithm.md instead.)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WordArray = NDArray[np.uint64]

MASK = (1 << 64) - 1
_GAMMA = 0x9E3779B97F4A7C15
_LOW = np.uint64(0xFFFFFFFF)
_32 = np.uint64(32)


def words(key: int, counter: int, count: int) -> WordArray:
    """Words ``counter`` to ``counter + count - 1`` of ``key``."""
    first = (key + (counter + 1) * _GAMMA) & MASK
    word = np.arange(count, dtype=np.uint64) * np.uint64(_GAMMA) + np.uint64(first)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    result: WordArray = word ^ (word >> np.uint64(31))
    return result


def units(word: WordArray) -> NDArray[np.float64]:
    """Reals in [0, 1) of words, 53 bits each."""
    return (word >> np.uint64(11)).astype(np.float64) * 2.0**-53


def below(word: WordArray, bound: int) -> NDArray[np.int64]:
    """Integers 0 to ``bound`` - 1 of words: the high half of the 128-bit product."""
    high, low = word >> _32, word & _LOW
    bound_high, bound_low = np.uint64(bound >> 32), np.uint64(bound & 0xFFFFFFFF)
    middle = high * bound_low + ((low * bound_low) >> _32)
    other = low * bound_high + (middle & _LOW)
    result: NDArray[np.int64] = (high * bound_high + (middle >> _32) + (other >> _32)).astype(np.int64)
    return result
