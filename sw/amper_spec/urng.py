"""Uniform random number generator: xoroshiro128++ 1.0, seeded by SplitMix64.

Source: D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4), 2021.
Plain Python integers; the hardware has its own description in ``amper_hw.parts.urng``.
"""

from __future__ import annotations

WORD = (1 << 64) - 1
# The authors' jump polynomial: x^(2^64) modulo the characteristic polynomial, lowest coefficient first.
JUMP = 0x0992CCAF6A6FCA05_2BD7A6A6E99C2DDC


def _rotate_left(word: int, places: int) -> int:
    return ((word << places) | (word >> (64 - places))) & WORD


def split_mix_64(seed: int, count: int) -> list[int]:
    """The first ``count`` 64-bit words of SplitMix64 started at the 64-bit ``seed``."""
    words = []
    for _ in range(count):
        seed = (seed + 0x9E3779B97F4A7C15) & WORD
        word = seed
        word = ((word ^ (word >> 30)) * 0xBF58476D1CE4E5B9) & WORD
        word = ((word ^ (word >> 27)) * 0x94D049BB133111EB) & WORD
        words.append(word ^ (word >> 31))
    return words


class Xoroshiro128PlusPlus:
    """One stream of 64-bit words.

    Parameters
    ----------
    s0, s1 : the two 64-bit words of state, not both zero (ValueError).
    """

    def __init__(self, s0: int, s1: int) -> None:
        for name, word in (("s0", s0), ("s1", s1)):
            if not 0 <= word <= WORD:
                raise ValueError(f"{name} must be a 64-bit word, 0 to 2^64 - 1, not {word}")
        if s0 == s1 == 0:
            raise ValueError("s0 and s1 must not both be 0: the generator would stay at 0")
        self.s0 = s0
        self.s1 = s1

    @classmethod
    def seeded(cls, seed: int) -> Xoroshiro128PlusPlus:
        """The stream whose state is the first two SplitMix64 words of the 64-bit ``seed``."""
        s0, s1 = split_mix_64(seed, 2)
        return cls(s0, s1)

    @property
    def state(self) -> tuple[int, int]:
        """The 128 bits of state as (s0, s1)."""
        return self.s0, self.s1

    def next(self) -> int:
        """The next 64-bit word."""
        s0, s1 = self.s0, self.s1
        word = (_rotate_left((s0 + s1) & WORD, 17) + s0) & WORD
        s1 ^= s0
        self.s0 = _rotate_left(s0, 49) ^ s1 ^ ((s1 << 21) & WORD)
        self.s1 = _rotate_left(s1, 28)
        return word

    def jumped(self) -> Xoroshiro128PlusPlus:
        """A new stream, 2^64 steps further on."""
        walker = Xoroshiro128PlusPlus(self.s0, self.s1)
        s0 = s1 = 0
        for bit in range(128):
            if JUMP >> bit & 1:
                s0 ^= walker.s0
                s1 ^= walker.s1
            walker.next()
        return Xoroshiro128PlusPlus(s0, s1)


def streams(seed: int) -> tuple[Xoroshiro128PlusPlus, Xoroshiro128PlusPlus]:
    """The query stream and the draw stream of a 64-bit ``seed`` (docs/reference/algorithm.md, section 2)."""
    query = Xoroshiro128PlusPlus.seeded(seed)
    return query, query.jumped()
