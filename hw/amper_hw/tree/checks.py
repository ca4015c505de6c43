"""Check bits of a word: parity, or Hsiao's code that corrects one flipped bit and detects two.

Latency: ``CHECK_CYCLES`` from a word to its check bits. Page: docs/hardware/upsets.md.
"""

from __future__ import annotations

from itertools import combinations

from amaranth.hdl import Cat, Module, Signal, Value

from amper_hw.base.bits import delayed

CHECK_CYCLES = 2
_GROUP = 16  # bits whose parity is made in a cycle: two look-up tables one behind the other


def parity_columns(width: int) -> tuple[int, ...]:
    """A check bit that is the parity of ``width`` bits."""
    return (1,) * width


def hsiao_columns(width: int) -> tuple[int, ...]:
    """Of each of ``width`` bits, the check bits that it turns: an odd number, three or more, no two the same.

    So one flipped bit, a check bit with them, turns an odd number of check bits, and says which it was; two turn an
    even number, never none. As few check bits as that takes, and they are parities of about as many bits each. Source:
    M. Y. Hsiao, "A class of optimal minimum odd-weight-column SEC-DED codes", IBM J. Res. Dev. 14, 1970.
    """
    checks = 4
    while sum(1 for column in range(1 << checks) if _odd(column)) < width:
        checks += 1
    load = [0] * checks
    chosen: list[int] = []
    for weight in range(3, checks + 1, 2):
        left = [sum(1 << bit for bit in bits) for bits in combinations(range(checks), weight)]
        while left and len(chosen) < width:
            best = min(left, key=lambda column: sorted((load[bit] for bit in _bits(column)), reverse=True))
            left.remove(best)
            chosen.append(best)
            for bit in _bits(best):
                load[bit] += 1
    return tuple(chosen)


def check_width(columns: tuple[int, ...]) -> int:
    """Check bits of a word whose bits turn those."""
    return max(columns).bit_length()


def checks_of(m: Module, word: Value, columns: tuple[int, ...], name: str) -> Value:
    """The check bits of ``word``, ``CHECK_CYCLES`` later; not reset."""
    checks = []
    for check in range(check_width(columns)):
        bits = [word[place] for place, column in enumerate(columns) if column >> check & 1]
        groups = [Cat(*bits[low : low + _GROUP]).xor() for low in range(0, len(bits), _GROUP)]
        partial = delayed(m, Cat(*groups), f"{name}_groups_{check}")
        checks.append(partial.xor())
    return delayed(m, Cat(*checks), f"{name}_checks")


def turned(m: Module, syndrome: Value, columns: tuple[int, ...]) -> tuple[Value, Value]:
    """Of the check bits that are wrong: the bits of the word that one flipped bit explains, at most one; whether one
    explains them, of the word or of the check bits. A cycle later."""
    word = Signal(len(columns), name="turned_bits", reset_less=True)
    m.d.sync += word.eq(Cat(*(syndrome == column for column in columns)))
    checks = Signal(len(syndrome), name="turned_checks", reset_less=True)
    m.d.sync += checks.eq(Cat(*(syndrome == (1 << bit) for bit in range(len(syndrome)))))
    return word, Cat(word, checks).any()


def _bits(column: int) -> list[int]:
    return [bit for bit in range(column.bit_length()) if column >> bit & 1]


def _odd(column: int) -> bool:
    """Whether it can be that of a bit of the word; those with a single bit are the check bits' own."""
    return column.bit_count() % 2 == 1 and column.bit_count() >= 3
