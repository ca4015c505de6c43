"""Corners of Vmax: a maximum that goes away and leaves every code to be found in turn, and writes in any distance from
the one that took it away.
"""

from __future__ import annotations

from amper import Parameter
from amper.operations.follower import Follower
from amper.operations.vocabulary import Beat, Control, Sample, Write

_ROWS = 4  # among which the writes of a turn are
_TURNS = 24
_OFFERS = (1.0, 1.0, 0.3, 0.1, 0.03)  # chances that a write comes in a cycle
# A change waits until Vmax is exact.
_BARRIER = Control(Parameter.ENABLE, 1)


def vmax_corners(to: Follower) -> None:
    """From any memory on."""
    _found(to)
    _disturbed(to)


def _found(to: Follower) -> None:
    """Codes with a bit alone, and with one left out: the largest goes away, and the next one is the maximum."""
    config, top = to.config, to.config.priority_max
    bits = [1 << bit for bit in range(config.priority_width)]
    codes = sorted({*bits, *(top ^ bit for bit in bits)} - {0}, reverse=True)
    lot = max(1, min(config.rows, len(codes)))
    for begin in range(0, len(codes), lot):
        rows = to.chance.sample(range(config.rows), len(codes[begin : begin + lot]))
        to.change(Parameter.CLEAR, 1)
        to.do(*(Beat((Write(row, code),)) for row, code in zip(rows, codes[begin:], strict=False)), _BARRIER)
        for row in rows:
            to.do(Beat((Write(row, *to.chance.choice(((0, 1), (1, 1), (1, 0)))),)), _BARRIER)


def _disturbed(to: Follower) -> None:
    """Few rows with few codes, so that a write often meets the maximum, the row that holds it, another one that does,
    or a search, in any of its cycles."""
    config, chance = to.config, to.chance
    for _ in range(_TURNS):
        rows = chance.sample(range(config.rows), min(config.rows, _ROWS))
        most = config.priority_max >> chance.choice((0, 0, chance.randrange(config.priority_width)))
        codes = [most, most, max(1, most - 1), most // 2 | 1, 1]
        to.change(Parameter.CLEAR, 1)
        to.do(*(Beat((Write(row, chance.choice(codes)),)) for row in rows))
        to.do(Sample(1, offer_chance=chance.choice(_OFFERS), overtake_chance=1.0))
        for _ in range(chance.randint(3, 10)):
            to.do(Beat((Write(chance.choice(rows), chance.choice(codes), int(chance.random() < 0.2)),)))
        to.do(_BARRIER, Sample(1))
