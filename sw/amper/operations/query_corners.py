"""Corners of AMPER's queries: words and scales right before and behind those at which a representative, a radius or a
number of neighbours grows, among rows of which another value draws others; and m, lambda' and lambda bit by bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from amper import Parameter
from amper.model.changes import parameter_changes, stream_changes
from amper.model.settings import Settings
from amper.model.states import state
from amper.operations.follower import Follower
from amper.operations.vocabulary import Control, Sample, Settle
from amper_spec.algorithm import COEFFICIENT_WIDTH, RANDOM_WIDTH, SCALE_FRACTION_WIDTH
from amper_spec.parameters import VALUE_WIDTH

_MOST = (1 << VALUE_WIDTH) - 1
_WORD = (1 << RANDOM_WIDTH) - 1
_FILLED = 600  # rows that are filled at most
_FILLINGS = 20  # for borders between representatives
_NEAREST, _OTHERS = 3, 2  # borders that are tried for each filling: those met most closely, and by chance
_LOOKED_AT = 200  # borders among which they are looked for
_SCALES = 24  # borders of radii, or of numbers of neighbours


def query_corners(to: Follower) -> None:
    """Those of the active variant; of exact, none."""
    config, variant = to.config, to.model.settings.variant
    if variant == "exact":
        return
    _bit_by_bit(to)
    if variant == next(name for name in config.variants if name != "exact"):
        _values(to)
    _pressed(to)
    if variant == "k":
        _neighbours(to)
    else:
        _radii(to)
    kept = (Parameter.GROUPS, Parameter.RADIUS, Parameter.NEIGHBOURS)
    to.do(*(Control(*change) for change in parameter_changes(Settings(config), config.variants) if change[0] in kept))


def _bit_by_bit(to: Follower) -> None:
    """m, lambda' and lambda, each followed by a batch."""
    config = to.config
    to.fill(to.chance.randint(1, config.priority_max) for _ in range(min(config.rows, _FILLED)))
    groups = {1, config.groups, *(1 << bit for bit in range(config.groups.bit_length()))}
    changes = [(Parameter.GROUPS, value) for value in sorted(groups)]
    for bit in range(0, VALUE_WIDTH, 2):
        changes += [(Parameter.RADIUS, 1 << bit), (Parameter.NEIGHBOURS, 1 << bit)]
    for parameter, value in changes:
        to.change(parameter, value)
        to.do(Sample(config.batch))


@dataclass(frozen=True)
class _Word:
    """The word of ``group`` that has its high bits ``u`` is the first, or the last before it, that gives ``value``;
    ``distance`` : of its product with 1/m from where that would begin."""

    distance: int
    group: int
    u: int
    value: int


def _border(to: Follower, vmax: int, value: int) -> Iterator[_Word]:
    """The last word before, and the first, that gives the representative ``value``, of 1 to ``vmax``."""
    settings, width = to.model.settings, to.config.fraction_width
    place = -(-(value << width) // (vmax + 1))  # the first one
    wanted = place << settings.reciprocal_shift
    first = -(-wanted // settings.reciprocal)
    for numerator in (first - 1, first):
        group, u = numerator >> width, numerator & (1 << width) - 1
        if group < settings.groups:
            yield _Word(abs(numerator * settings.reciprocal - wanted), group, u, value)


def _first(to: Follower, vmax: int, value: int) -> _Word:
    """The first word that gives ``value``, or, where no group reaches it, 1."""
    return [*_border(to, vmax, 1), *_border(to, vmax, value)][-1]


def _load(to: Follower, word: _Word, low: int) -> list[Control]:
    """What makes it the next batch's word of its group, with the low bits ``low``; the others are random."""
    bits = word.u << RANDOM_WIDTH - to.config.fraction_width | low
    before = state(bits, word.group, to.chance.randrange(1, _WORD))
    return [Control(*change) for change in stream_changes(Parameter.QUERY_STATE_0, before)]


def _any_vmax(to: Follower) -> int:
    """Of any length, and often with every bit set."""
    most = to.config.priority_max >> to.chance.choice((0, 0, to.chance.randrange(to.config.priority_width)))
    return to.chance.choice((most, to.chance.randint(1, most)))


def _set_groups(to: Follower, groups: int) -> None:
    to.change(Parameter.RADIUS, 0)  # goes with every number of them
    to.change(Parameter.GROUPS, groups)


def _values(to: Follower) -> None:
    """Words at borders between two representatives, one of which, or both, are rows, and no radius: a wrong bit in the
    products of which V_i is a part shows."""
    config, chance = to.config, to.chance
    to.change(Parameter.NEIGHBOURS, 0)
    for turn in range(_FILLINGS):
        _set_groups(to, chance.randint(1, config.groups) if turn % 2 else config.groups)
        vmax = _any_vmax(to)
        values = chance.sample(range(1, vmax + 1), min(vmax, _LOOKED_AT))
        words = [word for value in values for word in _border(to, vmax, value)]
        nearest = sorted(words, key=lambda word: word.distance)[:_NEAREST]
        chosen = [*nearest, *chance.sample(words, min(len(words), _OTHERS))]
        codes = [vmax, *(code for word in chosen for code in (word.value, word.value - 1))]
        to.fill(list(dict.fromkeys(codes))[: config.rows])
        for word in dict.fromkeys(both for one in chosen for both in _border(to, vmax, one.value)):
            low = chance.getrandbits(RANDOM_WIDTH - config.fraction_width)
            to.do(*_load(to, word, low), Sample(config.batch))


def _radii(to: Follower) -> None:
    """lambda' right before and right at the value at which the radius of V becomes D, with rows at either end."""
    config, chance, variant = to.config, to.chance, to.model.settings.variant
    for turn in range(_SCALES):
        groups = config.groups if turn % 3 == 0 else 1
        _set_groups(to, groups)
        vmax = _any_vmax(to)
        value = chance.randint(1, vmax)
        # So that one of its ends is a code, and lambda' is legal.
        most = min(max(value - 1, vmax - value, 1), value * ((1 << COEFFICIENT_WIDTH) - 1) >> SCALE_FRACTION_WIDTH)
        radius = chance.choice((chance.randint(1, most), 1 << chance.randrange(most.bit_length())))
        if variant == "fr-prefix":
            radius = 1 << radius.bit_length() - 1  # only its length counts
        border = groups * -(-(radius << SCALE_FRACTION_WIDTH) // value)
        bits = [1 << bit for bit in (radius.bit_length() - 1, radius.bit_length())]
        ends = {value + sign * (radius - less) for sign in (1, -1) for less in (0, 1)} | {value ^ bit for bit in bits}
        to.fill([vmax, *(code for code in sorted(ends) if 0 < code < vmax)][: config.rows])
        # The dither at which one code more matters.
        load = _load(to, _first(to, vmax, value), radius - 1)
        for scale in (border - 1, border):
            to.change(Parameter.RADIUS, min(scale, _MOST))
            _refuse(to)
            to.do(*load, Sample(config.batch))


def _refuse(to: Follower) -> None:
    """A change that is refused: the value in force, whose every bit matters now, stays."""
    changes = ((Parameter.GROUPS, 0), (Parameter.RADIUS, _MOST), (Parameter.NEIGHBOURS, _MOST), (Parameter.VARIANT, 7))
    to.change(*to.chance.choice(changes))


def _pressed(to: Follower) -> None:
    """Batches one behind the other whose results wait for longer than the next one's queries take, so that those of the
    third wait, too; each V_i is a row, or beside one."""
    config, chance = to.config, to.chance
    ready = 0.015 if to.model.settings.variant == "k" else 0.05
    rows = min(config.rows, _FILLED)
    for codes in (range(1, rows + 1), [chance.randint(1, config.priority_max) for _ in range(rows)]):
        _set_groups(to, config.groups)
        to.change(Parameter.NEIGHBOURS, 0)
        to.fill(min(code, config.priority_max) for code in codes)
        to.do(*(Sample(min(config.batch, 6), ready_chance=ready, overtake_chance=1.0) for _ in range(4)), Settle())


def _neighbours(to: Follower) -> None:
    """lambda right before and right behind the value up to which the group of V has so many neighbours."""
    config, chance = to.config, to.chance
    for turn in range(_SCALES + _SCALES // 2):
        _set_groups(to, config.groups if turn % 4 == 0 else 1)
        vmax = _any_vmax(to)
        count = chance.randint(1, min(config.rows, 16))
        codes = [vmax, *(chance.randint(1, vmax) for _ in range(count - 1))]
        to.fill(codes)
        word = _first(to, vmax, chance.choice((vmax, chance.randint(1, vmax))))
        members = sum(_group_of(to, vmax, code) == word.group for code in codes)
        wanted = chance.randint(1, max(1, count - 1))
        most = (1 << COEFFICIENT_WIDTH) - 2
        border = min(most, (wanted * vmax << SCALE_FRACTION_WIDTH) // (word.value * max(1, members)))
        load = _load(to, word, 0)
        for scale in (border, border + 1):
            to.change(Parameter.NEIGHBOURS, scale)
            _refuse(to)
            to.do(*load, Sample(config.batch))


def _group_of(to: Follower, vmax: int, code: int) -> int:
    """The last group whose first code is not above ``code``."""
    settings, width = to.model.settings, to.config.fraction_width

    def first(group: int) -> int:
        place = (group << width) * settings.reciprocal >> settings.reciprocal_shift
        return place * (vmax + 1) >> width

    return max(group for group in range(settings.groups) if first(group) <= code)
