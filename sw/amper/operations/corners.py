"""Operations that chance alone seldom brings: every bit of codes, rows, parameters and states by itself, and draws
whose words lie right at the border between two rows. docs/reference/verification.md says what each part is for.
"""

from __future__ import annotations

import copy
import random

from amper import VARIANTS, AmperConfig, Parameter
from amper.model.changes import parameter_changes, stream_changes
from amper.model.golden import Batch
from amper.model.settings import Settings
from amper.model.states import state, stepped_back
from amper.operations.adversarial import adversarial_operations
from amper.operations.follower import Follower
from amper.operations.query_corners import query_corners, restore, set_groups, waiting, waiting_size
from amper.operations.vmax_corners import vmax_corners
from amper.operations.vocabulary import Beat, Control, Operation, Reset, Sample, Settle, Write
from amper_spec.algorithm import COEFFICIENT_WIDTH, DRAW_RANDOM_WIDTH, RANDOM_WIDTH
from amper_spec.parameters import VALUE_WIDTH

_MANY = 64  # rows that are tried one by one at most
_FILL = 600  # rows that a fill writes at most
_WORD = (1 << RANDOM_WIDTH) - 1
_BORDERS = 5  # borders between rows that are tried, for each filling and from either side
_PLACES = 12  # or all of them, where draws have so few places
_WAITING = 4  # of so many fillings there are draws that wait in one
_STEPS = 400  # remainders among which they are looked for


def corner_operations(config: AmperConfig, seed: int) -> list[Operation]:
    """The corners of a configuration, from a reset on."""
    corners = _Corners(config, random.Random(seed))
    corners.all_of_them()
    return corners.operations


class _Corners(Follower):
    def all_of_them(self) -> None:
        """Write down every corner."""
        self.do(Reset(3))
        self._parameters()
        self._rows_in_use()
        for place, variant in enumerate(self.config.variants):
            self.do(Control(Parameter.VARIANT, VARIANTS.index(variant)))
            drawn_alike = place > 0 and (variant == "exact") == (self.config.variants[place - 1] == "exact")
            self._single_rows(every_row=not drawn_alike)
            query_corners(self)
            if variant == next((name for name in self.config.variants if name != "exact"), None):
                vmax_corners(self)
            if variant == "exact":
                self._totals()
            if not drawn_alike:
                self._states()
                self._borders()
            self._refusals()
        self._refused_together()
        if self.config.organisation == "tree":
            self.do(*adversarial_operations(self.config))
        self._waits()
        self.do(Settle())

    def _filled_rows(self) -> int:
        return min(self.config.rows, _FILL)

    # --- parameters --------------------------------------------------------------------------------------------------

    def _parameters(self) -> None:
        """Every parameter at and beyond its limits, and with every bit of the value by itself; then as configured."""
        config = self.config
        limits = {
            Parameter.GROUPS: config.groups,
            Parameter.RADIUS: (config.groups << COEFFICIENT_WIDTH) - 1,
            Parameter.NEIGHBOURS: (1 << COEFFICIENT_WIDTH) - 1,
            Parameter.VARIANT: len(VARIANTS) - 1,
            Parameter.BATCH: config.batch,
            Parameter.ROWS: config.rows,
            Parameter.ENABLE: 1,
            Parameter.CLEAR: 1,
        }
        for parameter, limit in limits.items():
            bits = [1 << bit for bit in range(VALUE_WIDTH)]
            values = [0, *bits, *(limit | bit for bit in bits), limit + 1, limit]
            for value in dict.fromkeys(value for value in values if value < 1 << VALUE_WIDTH):
                self.change(parameter, value)
        for first in (Parameter.QUERY_STATE_0, Parameter.DRAW_STATE_0):
            for word in (0, 1, 2, 3, 0, 1, 2, 3):  # the last of the first four would make the state 0
                self.change(Parameter(first + word), 0)
        self.do(*(Control(*change) for change in parameter_changes(Settings(config), config.variants)))

    def _rows_in_use(self) -> None:
        """ROWS at every power of two and beside it: the last row is taken, and none behind it."""
        config = self.config
        near = {(1 << bit) + step for bit in range(config.row_width + 1) for step in (-1, 0, 1)}
        ends = {1, config.rows} | {rows for rows in near if 1 <= rows <= config.rows}
        beyond = 1 << config.row_width
        for rows in sorted(ends):
            self.change(Parameter.CLEAR, 1)
            self.change(Parameter.ROWS, rows)
            others = [row for row in (rows - 1, rows, rows | beyond >> 1, beyond - 1) if row < beyond]
            self.do(*(Beat((Write(row, 1 + row % self.config.priority_max),)) for row in others), Sample(1))
            self.change(Parameter.ROWS, config.rows + 1)  # never, and not now
            self.change(Parameter.ROWS, config.rows)
            self.do(*(Beat((Write(row, config.priority_max),)) for row in others), Sample(1))
        self.change(Parameter.CLEAR, 1)
        self.change(Parameter.ROWS, config.rows)

    # --- rows and codes ----------------------------------------------------------------------------------------------

    def _single_rows(self, *, every_row: bool) -> None:
        """One valid row at a time, with every bit of its code by itself and left out; then every row."""
        config, chance = self.config, self.chance
        self.change(Parameter.CLEAR, 1)
        top = config.priority_max
        codes = [code for bit in range(config.priority_width) for code in (1 << bit, top ^ 1 << bit)]
        rows = list(range(config.rows))
        if config.rows > _MANY:
            rows = sorted({0, config.rows - 1, *chance.sample(rows, _MANY - 2)})
        pairs = [(chance.randrange(config.rows), code) for code in codes]
        pairs += [(row, chance.randint(1, top)) for row in rows if every_row]
        for row, code in pairs:
            self.do(Beat((Write(row, code),)), Sample(1))
            self.do(Beat((Write(row, *chance.choice(((0, 1), (top, 1), (1, 0)))),)), Sample(1))
            self.do(Beat((Write(row, 0, 1),)))

    # --- random words ------------------------------------------------------------------------------------------------

    def _totals(self) -> None:
        """T of each of its bits alone."""
        config, top = self.config, self.config.priority_max
        for bit in range((self._filled_rows() * top).bit_length()):
            whole, rest = divmod(1 << bit, top)
            if whole + bool(rest) <= config.rows:
                self.fill([top] * whole + [rest] * bool(rest))
                self.do(Sample(1))

    def _states(self) -> None:
        """A state with each of its bits by itself, reached by a draw; then all words are set to 0, of which only the
        last is refused."""
        config, streams = self.config, [Parameter.QUERY_STATE_0, Parameter.DRAW_STATE_0]
        if self.model.settings.variant != "exact":
            set_groups(self, 1)  # so that a batch takes one word of either stream
        elif config.variants != ("exact",):
            streams = [Parameter.DRAW_STATE_0]  # the other one is tried with the other variants
        self.fill(1 + row % config.priority_max for row in range(self._filled_rows()))
        for bit in range(2 * RANDOM_WIDTH):
            for first in streams:
                if first == Parameter.DRAW_STATE_0 or config.variants != ("exact",):
                    self.do(*(Control(*change) for change in stream_changes(first, stepped_back(1 << bit))))
            self.do(Sample(1))
            for first in streams:
                words = sorted(range(4), key=lambda word: word == bit // VALUE_WIDTH)
                self.do(*(Control(Parameter(first + word), 0) for word in words))
                self.change(Parameter(first + words[-1]), 1 << bit % VALUE_WIDTH)  # again one bit, which is not 0
            if bit % 4 == 0:
                self.do(Sample(min(3, config.batch)))
        restore(self)

    def _borders(self) -> None:
        """Draws whose words are the last for one row and the first for the next, by as little as can be: a wrong bit
        anywhere in a word or in a product shows."""
        chance = self.chance
        for turn, codes in enumerate(self._fillings()):
            self.fill(codes)
            for place, word in enumerate(self._border_words()):
                lane = chance.randrange(min(self.config.batch, self.config.draw_ports))
                if turn % _WAITING == _WAITING - 1 and place % _BORDERS == 0:
                    behind, batches = waiting(self)
                    size = waiting_size(self.config)
                    self._load(word, chance.randrange(2 * size, (behind + 1) * size))
                    self.do(*batches)
                else:
                    self._load(word, lane)
                    self.do(Sample(lane + 1, ready_chance=chance.choice((1.0, 1.0, 0.3))))

    def _fillings(self) -> list[list[int]]:
        """Codes of memories with many borders."""
        config, chance, most = self.config, self.chance, min(self.config.rows, _MANY)
        top, width = config.priority_max, config.priority_width
        if self.model.settings.variant != "exact":  # as many places as rows
            return [
                [1] * rows for rows in sorted({*range(1, min(most, _PLACES) + 1), most - 1 | 1, most}) if rows <= most
            ]
        # Of short codes most places are borders, which the low bits of a product need; long ones have the high bits.
        fillings = [[1] * rows for rows in sorted({1, 2, 3, 5, 6, 7, most - 1 | 1, most}) if rows <= most]
        for bits in sorted({2, 3, width // 2, *range(max(width - 3, 1), width + 1)}):
            fillings += [[chance.randrange(1 << bits) | 1 for _ in range(rows)] for rows in (most, most - 1 | 1)]
        return [*fillings, [top] * most, [top] + [1] * (most - 1), [chance.randint(1, top) for _ in range(most)]]

    def _load(self, word: int, before: int) -> None:
        """A state of the draws' stream that brings ``word`` after so many others."""
        now = self.model.settings.draw.s0
        kept = before == 0 and now > 0
        after = state(word, before, now if kept else self.chance.randrange(1, _WORD))
        changes = stream_changes(Parameter.DRAW_STATE_0, after)
        self.do(*(Control(*change) for change in changes if not kept or change[0] >= Parameter.DRAW_STATE_2))

    def _border_words(self) -> list[int]:
        """Words of a draw from the rows as they are. Of x T, in 2^w parts, the remainder is as small as can be, or as
        large; in the bits of the word below x, too."""
        size, width = self._places()
        shift = (size & -size).bit_length() - 1
        inverse = pow(size >> shift, -1, 1 << width)
        low = (1 << RANDOM_WIDTH - width) - 1
        planes = self._planes()
        words: list[int] = []
        for sign in (1, -1):
            found = 0
            for step in range(1, _STEPS):
                high = inverse * step * sign % (1 << width - shift)
                high |= self.chance.getrandbits(shift) << width - shift if shift else 0
                # The place that begins right here, or right behind.
                place = (high * size >> width) + (sign < 0)
                if 0 < place < size and _drawn_at(place, planes) != _drawn_at(place - 1, planes):
                    words.append(high << RANDOM_WIDTH - width | (low if sign < 0 else 0))
                    found += 1
                if found == (_BORDERS if size > _PLACES else _PLACES):
                    break
        return words

    def _planes(self) -> list[tuple[int, int]]:
        """Where in T each plane begins, and its number, the last first; of a CSP, one plane of ranks."""
        if self.model.settings.variant != "exact":
            return [(0, 0)]
        codes = [code or 0 for code in self.model.priorities]
        if self.config.organisation == "tree":  # a row is a plane of one rank
            banks, begin, begins = self.config.banks, 0, []
            for row in (row for bank in range(banks) for row in range(bank, len(codes), banks)):
                begins.append((begin, RANDOM_WIDTH + row))
                begin += codes[row]
            return begins[::-1]
        weights = [sum(code >> plane & 1 for code in codes) << plane for plane in range(self.config.priority_width)]
        return [(sum(weights[:plane]), plane) for plane in reversed(range(len(weights)))]

    def _places(self) -> tuple[int, int]:
        """How many places the next draw has, T or |CSP|, and the bits of its word that choose one."""
        model = copy.deepcopy(self.model)
        model.sample(1)
        assert model.last_batch is not None
        if isinstance(model.last_batch, Batch):
            return model.last_batch.csp_size, DRAW_RANDOM_WIDTH
        return model.last_batch.total, self.config.place_width

    def _waits(self) -> None:
        """A write, and a change, among so many requests that it would wait for ever if these came first."""
        request = Sample(self.config.batch, overtake_chance=1.0)
        beats_of = -(-self.config.batch // self.config.draw_ports)
        many = [request] * min(200, 8 + 1000 // beats_of)
        for operation in (Beat((Write(0, 1),)), Control(Parameter.BATCH, 1)):
            self.do(request, request, operation, *many, Settle())

    # --- refusals ----------------------------------------------------------------------------------------------------

    def _refusals(self) -> None:
        """Every status behind every other, with results that wait and without."""
        config = self.config
        field = 1 << config.batch_width
        above = {config.batch + 1, field - 1, *(config.batch | 1 << bit for bit in range(config.batch_width))}
        sizes = [1, 0, config.batch, 1, *sorted(size for size in above if config.batch < size < field), config.batch]
        for ready in (1.0, 0.1):
            samples = [Sample(size, ready_chance=ready, overtake_chance=1.0) for size in sizes]
            self.fill(self.chance.randint(1, config.priority_max) for _ in range(self._filled_rows()))
            for enable in (1, 0, 1):
                self.change(Parameter.ENABLE, enable)
                self.do(*samples)
            self.change(Parameter.CLEAR, 1)
            self.do(*samples)

    def _refused_together(self) -> None:
        """Writes, a change and a request refused in the same cycles: the counter of errors adds several at once."""
        config = self.config
        rows = max(1, config.rows - 1)  # in use; there is a number for the one behind
        for parameter, value in ((Parameter.CLEAR, 1), (Parameter.ROWS, rows), (Parameter.ENABLE, 0)):
            self.change(parameter, value)
        writes = Beat((Write(rows, 1),) * config.write_ports)
        refused = (Sample(1, overtake_chance=1.0), writes, Control(Parameter.BATCH, 0))
        self.do(*refused * 16, Settle())
        for parameter, value in ((Parameter.ENABLE, 1), (Parameter.ROWS, config.rows)):
            self.change(parameter, value)


def _drawn_at(place: int, planes: list[tuple[int, int]]) -> tuple[int, int]:
    """The plane that a place lies in, and the rank in it."""
    begin, plane = next(each for each in planes if each[0] <= place)
    return plane, place - begin >> plane
