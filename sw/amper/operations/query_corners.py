"""Corners of AMPER's queries: words and scales right before and behind those at which a representative, a radius or a
number of neighbours grows, among rows of which another value draws others; and m, lambda' and lambda bit by bit.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass

from amper import AmperConfig, Parameter
from amper.model.changes import parameter_changes, stream_changes
from amper.model.golden import Batch
from amper.model.settings import Settings
from amper.model.states import state
from amper.operations.follower import Follower
from amper.operations.vocabulary import Beat, Control, Operation, Sample, Settle, Write
from amper_spec.algorithm import COEFFICIENT_WIDTH, RANDOM_WIDTH, SCALE_FRACTION_WIDTH
from amper_spec.parameters import VALUE_WIDTH

_MOST = (1 << VALUE_WIDTH) - 1
_WORD = (1 << RANDOM_WIDTH) - 1
_FILLED = 600  # rows that are filled at most
_FILLINGS = 20  # for borders between representatives
_NEAREST, _OTHERS = 3, 2  # borders that are tried for each filling: those met most closely, and by chance
_LOOKED_AT = 200  # borders among which they are looked for
_SCALES = 24  # borders of radii, or of numbers of neighbours
_WAITING = 8  # words, or scales, in so many are those of a batch that has to wait
_PRESSED = 2  # memories under batches that wait
_BESIDE = 6
_RECORDS = 11  # batches of exact, beside those in the queue: more than are taken at once
_QUEUED = 16  # beats of results, that many fit into the queue of a small sampler


def query_corners(to: Follower) -> None:
    """Those of the active variant; of exact, none."""
    config, variant = to.config, to.model.settings.variant
    if variant == "exact":
        return
    _bit_by_bit(to)
    if variant == next(name for name in config.variants if name != "exact"):
        _values(to)
    if variant == "k":
        _pressed(to)
        _neighbours(to)
        _targets(to)
    else:
        _radii(to)
        _beside(to)
    restore(to)


def restore(to: Follower) -> None:
    """m, lambda' and lambda as configured."""
    kept = (Parameter.GROUPS, Parameter.RADIUS, Parameter.NEIGHBOURS)
    changes = parameter_changes(Settings(to.config), to.config.variants)
    to.do(*(Control(*change) for change in changes if change[0] in kept))


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
    """The word of ``group`` that has its high bits ``u`` is the first that gives ``value``, or ``last`` before it;
    ``distance`` : of its product with 1/m from where that would begin."""

    distance: int
    group: int
    u: int
    value: int
    last: bool


def _border(to: Follower, vmax: int, value: int) -> Iterator[_Word]:
    """The last word before, and the first, that gives the representative ``value``, of 1 to ``vmax``."""
    settings, width = to.model.settings, to.config.fraction_width
    place = -(-(value << width) // (vmax + 1))  # the first one
    wanted = place << settings.reciprocal_shift
    first = -(-wanted // settings.reciprocal)
    for numerator in (first - 1, first):
        group, u = numerator >> width, numerator & (1 << width) - 1
        if group < settings.groups:
            yield _Word(abs(numerator * settings.reciprocal - wanted), group, u, value, numerator < first)


def _first(to: Follower, vmax: int, value: int) -> _Word:
    """The first word that gives ``value``, or, where no group reaches it, 1."""
    return [*_border(to, vmax, 1), *_border(to, vmax, value)][-1]


def _load(to: Follower, word: _Word, low: int, behind: int = 0) -> list[Control]:
    """What makes it the word of its group in the next batch, or so many behind it, with the low bits ``low``; the
    others are random."""
    bits = word.u << RANDOM_WIDTH - to.config.fraction_width | low
    place = behind * to.model.settings.groups + word.group
    before = state(bits, place, to.chance.randrange(1, _WORD))
    return [Control(*change) for change in stream_changes(Parameter.QUERY_STATE_0, before)]


def waiting_size(config: AmperConfig) -> int:
    """Draws of each of the batches of ``waiting`` but the last."""
    return min(config.batch, 6)


def waiting(to: Follower) -> tuple[int, list[Operation]]:
    """How many batches come before the last ones that wait, in the query generator or, of exact, with the draws' words,
    and all of them: results are seldom taken, until the last request is."""
    size, variant = waiting_size(to.config), to.model.settings.variant
    queued = -(-_QUEUED // -(-size // to.config.draw_ports))
    many = queued + {"k": 6, "exact": _RECORDS}.get(variant, 5)
    ready = {"k": 0.006, "exact": 0.1}.get(variant, 0.05)
    batches: list[Operation] = [Sample(size, ready_chance=ready, overtake_chance=1.0)] * many
    behind = queued + 1 if variant == "exact" else many - to.chance.choice((2, 3))
    return behind, [*batches, Sample(1), Settle()]


def _drawn(to: Follower, word: _Word, low: int, *, waits: bool) -> list[Operation]:
    """A batch with ``word``, by itself, or one that has to wait behind others."""
    # Whatever comes next comes an odd number of cycles later, too.
    alone = Sample(to.config.batch, offer_chance=to.chance.choice((1.0, 0.5)))
    behind, batches = waiting(to) if waits else (0, [alone])
    return [*_load(to, word, low, behind), *batches]


def _any_vmax(to: Follower) -> int:
    """Of any length, and often with every bit set."""
    most = to.config.priority_max >> to.chance.choice((0, 0, to.chance.randrange(to.config.priority_width)))
    return to.chance.choice((most, to.chance.randint(1, most)))


def set_groups(to: Follower, groups: int) -> None:
    """m, with a lambda' of 0."""
    to.change(Parameter.RADIUS, 0)  # goes with every number of them
    to.change(Parameter.GROUPS, groups)


def _values(to: Follower) -> None:
    """Words at borders between two representatives, one of which, or both, are rows, and no radius: a wrong bit in the
    products of which V_i is a part shows."""
    config, chance = to.config, to.chance
    to.change(Parameter.NEIGHBOURS, 0)
    for turn in range(_FILLINGS):
        set_groups(to, chance.randint(1, config.groups) if turn % 2 else config.groups)
        vmax = _any_vmax(to)
        values = chance.sample(range(1, vmax + 1), min(vmax, _LOOKED_AT))
        met = [word for value in values for word in _border(to, vmax, value)]
        nearest = sorted(met, key=lambda word: word.distance)[:_NEAREST]
        chosen = [*nearest, *chance.sample(met, min(len(met), _OTHERS))]
        codes = [vmax, *(code for word in chosen for code in (word.value, word.value - 1))]
        to.fill(list(dict.fromkeys(codes))[: config.rows])
        words = dict.fromkeys(both for one in chosen for both in _border(to, vmax, one.value))
        for place, word in enumerate(words):
            # The bits below count where a sum within the generator carries into those above.
            low = (1 << RANDOM_WIDTH - config.fraction_width) - 1 if word.last else 0
            to.do(*_drawn(to, word, low, waits=turn % _WAITING == 1 and place < _NEAREST))


def _radii(to: Follower) -> None:
    """lambda' right before and right at the value at which the radius of V becomes D, with rows at either end."""
    config, chance, variant = to.config, to.chance, to.model.settings.variant
    for turn in range(_SCALES):
        groups = config.groups if turn % 4 == 0 else 1
        set_groups(to, groups)
        vmax = _any_vmax(to)
        # The smallest codes go with the largest lambda'; of a power of two, few of its bits count.
        small = turn % 2 == 0 and vmax > 7
        value = chance.choice((3, 3, 5, 7)) if small else chance.randint(1, vmax)
        # So that one of its ends is a code, and lambda' is legal.
        most = min(max(value - 1, vmax - value, 1), value * ((1 << COEFFICIENT_WIDTH) - 1) >> SCALE_FRACTION_WIDTH)
        if variant != "fr":
            most = min(most, config.priority_max >> 1)  # a larger one lets every code match
        some = chance.randint((most + 1) // 2 if small else 1, most)
        radius = chance.choice((some, some if small else 1 << chance.randrange(most.bit_length())))
        if variant == "fr-prefix":
            radius = 1 << radius.bit_length() - 1  # only its length counts
        border = groups * -(-(radius << SCALE_FRACTION_WIDTH) // value)
        bits = [1 << bit for bit in (radius.bit_length() - 1, radius.bit_length())]
        ends = {value + sign * (radius - less) for sign in (1, -1) for less in (0, 1)} | {value ^ bit for bit in bits}
        to.fill([vmax, *(code for code in sorted(ends) if 0 < code < vmax)][: config.rows])
        # The dither at which one code more matters.
        drawn = _drawn(to, _first(to, vmax, value), radius - 1, waits=turn % _WAITING == 5)
        for scale in (border - 1, border):
            _set_radius(to, min(scale, _MOST), kept=turn % 4 == 1)
            to.do(*drawn)


def _set_radius(to: Follower, scale: int, *, kept: bool) -> None:
    """Set lambda'; or set it with another m, so that it is divided again when m becomes what it was."""
    groups = to.model.settings.groups
    if kept:
        to.change(Parameter.GROUPS, to.config.groups)
    to.change(Parameter.RADIUS, scale)
    _refuse(to)
    if kept:
        to.do(*[Control(Parameter.RADIUS, _MOST)] * to.chance.randint(1, 2))
        to.change(Parameter.GROUPS, groups)


def _refuse(to: Follower) -> None:
    """A change that is refused: the value in force, whose every bit matters now, stays."""
    changes = ((Parameter.GROUPS, 0), (Parameter.RADIUS, _MOST), (Parameter.NEIGHBOURS, _MOST), (Parameter.VARIANT, 7))
    to.change(*to.chance.choice(changes))


def _pressed(to: Follower) -> None:
    """Batches whose queries wait, each V_i a row, or beside one: every field of theirs stays meanwhile."""
    config, chance = to.config, to.chance
    rows = min(config.rows, _FILLED)
    for turn in range(_PRESSED):
        set_groups(to, config.groups)
        to.change(Parameter.NEIGHBOURS, config.neighbour_coefficient if turn % 2 else 0)
        to.fill(
            chance.randint(1, config.priority_max) if turn else min(1 + row, config.priority_max) for row in range(rows)
        )
        to.do(*waiting(to)[1])


def _neighbours(to: Follower) -> None:
    """lambda right before and right behind the value up to which the group of V has so many neighbours."""
    config, chance = to.config, to.chance
    for turn in range(_SCALES + _SCALES // 4):
        set_groups(to, config.groups if turn % 2 else 1)
        vmax = _any_vmax(to)
        most = min(config.rows, 16)
        count = chance.choice((most, chance.randint(1, most)))
        below = chance.choice((vmax, (vmax + 1) // 2))  # few rows in the group of Vmax go with the largest lambda
        codes = [vmax, *(chance.randint(1, below) for _ in range(count - 1))]
        to.fill(codes)
        word = _first(to, vmax, chance.choice((vmax, chance.randint(1, vmax))))
        members = sum(_group_of(to, vmax, code) == word.group for code in codes)
        wanted = max(1, chance.choice((count - 1, chance.randint(1, count))))
        most = (1 << COEFFICIENT_WIDTH) - 2
        border = min(most, (wanted * vmax << SCALE_FRACTION_WIDTH) // (word.value * max(1, members)))
        drawn = _drawn(to, word, 0, waits=False)
        for scale in (border, border + 1):
            to.change(Parameter.NEIGHBOURS, scale)
            _refuse(to)
            to.do(*drawn)


def _group_of(to: Follower, vmax: int, code: int) -> int:
    """The last group whose first code is not above ``code``."""
    settings, width = to.model.settings, to.config.fraction_width

    def first(group: int) -> int:
        place = (group << width) * settings.reciprocal >> settings.reciprocal_shift
        return place * (vmax + 1) >> width

    return max(group for group in range(settings.groups) if first(group) <= code)


def _targets(to: Follower) -> None:
    """Bits of the product of lambda, V and the number of rows by themselves: V is Vmax, and there are a power of two of
    neighbours, or more than rows."""
    config, chance = to.config, to.chance
    most = min(config.rows, 16).bit_length() - 1
    whole = COEFFICIENT_WIDTH - SCALE_FRACTION_WIDTH  # bits of lambda above its fraction
    set_groups(to, 1)
    for over in range(1, config.priority_width + whole + most - 1):  # bits above the fraction
        wanted = chance.randint(max(0, over - config.priority_width + 1), min(over, whole + most - 1))
        members = chance.randint(max(0, wanted - whole + 1), most)
        vmax = 1 << over - wanted
        to.fill([vmax, *(chance.randint(1, vmax) for _ in range((1 << members) - 1))])
        to.change(Parameter.NEIGHBOURS, 1 << SCALE_FRACTION_WIDTH + wanted - members)
        to.do(*_drawn(to, _first(to, vmax, vmax), 0, waits=False))


def _beside(to: Follower) -> None:
    """No radius, and no row that is a V_i, but some right beside them: the CSP is empty."""
    config = to.config
    set_groups(to, config.groups)
    for _ in range(_BESIDE):
        ahead = copy.deepcopy(to.model)
        ahead.set_parameter(Parameter.CLEAR, 1)
        ahead.write(0, config.priority_max)
        ahead.draw(1)
        assert isinstance(ahead.last_batch, Batch)
        values = ahead.last_batch.representatives
        beside = {value + step for step in (-1, 1, 2, -2) for value in values} - {*values}
        codes = [config.priority_max, *sorted(code for code in beside if 0 < code < config.priority_max)][: config.rows]
        to.fill(codes)
        # Writes that come meanwhile wait until all valid rows were searched.
        writes = [Beat((Write(row, 0, 1),)) for row in range(1, len(codes) // 2)]
        to.do(Sample(config.batch, overtake_chance=1.0), *writes, Sample(1))
