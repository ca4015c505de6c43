"""States of a random stream: one that gives a wanted word next, and those that lie before another."""

from __future__ import annotations

from amper_spec.algorithm import RANDOM_WIDTH

_WORD = (1 << RANDOM_WIDTH) - 1


def state(word: int, before: int, s0: int) -> int:
    """A state of a stream, s1 above s0, whose next word but ``before`` is ``word``, when its s0 is ``s0``."""
    found = s0 | ((_rotated((word - s0) & _WORD, -17) - s0) & _WORD) << RANDOM_WIDTH
    for _ in range(before):
        found = stepped_back(found)
    return found


def stepped_back(after: int) -> int:
    """The state of a stream before the one ``after``."""
    s0, s1 = after & _WORD, after >> RANDOM_WIDTH
    mixed = _rotated(s1, -28)
    s0 = _rotated(s0 ^ mixed ^ (mixed << 21 & _WORD), -49)
    return s0 | (mixed ^ s0) << RANDOM_WIDTH


def _rotated(word: int, places: int) -> int:
    """To the left."""
    places %= RANDOM_WIDTH
    return (word << places | word >> (RANDOM_WIDTH - places)) & _WORD
