"""Operations that chance alone seldom brings: every bit of codes, rows, parameters and states by itself, and draws
whose words lie right at the border between two rows. docs/reference/verification.md says what each part is for.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Iterable

from amper import VARIANTS, AmperConfig, DisabledError, GoldenModel, NoValidRowError, Parameter
from amper.model.changes import parameter_changes, stream_changes
from amper.model.golden import Batch
from amper.model.settings import Settings
from amper.model.states import state, stepped_back
from amper.operations.adversarial import adversarial_operations
from amper.operations.vocabulary import Beat, Control, Operation, Reset, Sample, Settle, Write, beats
from amper_spec.algorithm import COEFFICIENT_WIDTH, DRAW_RANDOM_WIDTH, RANDOM_WIDTH
from amper_spec.parameters import VALUE_WIDTH

_MANY = 64  # rows that are tried one by one at most
_FILL = 600  # rows that a fill writes at most
_WORD = (1 << RANDOM_WIDTH) - 1
_BORDERS = 8  # borders between rows that are tried, for each filling and from either side
_STEPS = 400  # remainders among which they are looked for


def corner_operations(config: AmperConfig, seed: int) -> list[Operation]:
    """The corners of a configuration, from a reset on."""
    return _Corners(config, random.Random(seed)).operations()


class _Corners:
    """Keeps a model of its own beside the operations, for what depends on the rows and on the streams."""

    def __init__(self, config: AmperConfig, chance: random.Random) -> None:
        self._config = config
        self._chance = chance
        self._model = GoldenModel(config)
        self._operations: list[Operation] = []

    def operations(self) -> list[Operation]:
        self._operations.append(Reset(3))
        self._parameters()
        self._rows_in_use()
        for place, variant in enumerate(self._config.variants):
            self._do(Control(Parameter.VARIANT, VARIANTS.index(variant)))
            self._single_rows()
            self._settings()
            if place == 0 or (variant == "exact") != (self._config.variants[place - 1] == "exact"):
                self._states()  # the same for all that draw alike
                self._borders()
            self._refusals()
        if self._config.organisation == "tree":
            self._do(*adversarial_operations(self._config))
        self._waits()
        self._do(Settle())
        return self._operations

    def _do(self, *operations: Operation) -> None:
        """Write down, and have the model follow."""
        for operation in operations:
            self._operations.append(operation)
            try:
                if isinstance(operation, Control):
                    self._model.set_parameter(*operation)
                elif isinstance(operation, Sample):
                    self._model.sample(operation.batch)
                elif isinstance(operation, Beat):
                    self._write(operation)
            except (ValueError, DisabledError, NoValidRowError):
                pass  # refused

    def _write(self, beat: Beat) -> None:
        for write in beat.writes:
            if write is None or write.row >= self._model.settings.rows:
                continue
            if write.invalidate:
                self._model.invalidate(write.row)
            else:
                self._model.write(write.row, write.priority)

    def _change(self, parameter: Parameter, value: int) -> None:
        self._do(Control(parameter, value))

    def _fill(self, codes: Iterable[int]) -> None:
        """From row 0 on; no other row is valid."""
        self._change(Parameter.CLEAR, 1)
        self._do(*beats(self._config, [Write(row, code) for row, code in enumerate(codes)]))

    def _filled_rows(self) -> int:
        return min(self._config.rows, _FILL)

    # --- parameters --------------------------------------------------------------------------------------------------

    def _parameters(self) -> None:
        """Every parameter at and beyond its limits, and with every bit of the value by itself; then as configured."""
        config = self._config
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
                self._change(parameter, value)
        for first in (Parameter.QUERY_STATE_0, Parameter.DRAW_STATE_0):
            for word in (0, 1, 2, 3, 0, 1, 2, 3):  # the last of the first four would make the state 0
                self._change(Parameter(first + word), 0)
        self._do(*(Control(*change) for change in parameter_changes(Settings(config), config.variants)))

    def _rows_in_use(self) -> None:
        """ROWS at every power of two and beside it: the last row is taken, and none behind it."""
        config = self._config
        near = {(1 << bit) + step for bit in range(config.row_width + 1) for step in (-1, 0, 1)}
        ends = {1, config.rows} | {rows for rows in near if 1 <= rows <= config.rows}
        beyond = 1 << config.row_width
        for rows in sorted(ends):
            self._change(Parameter.CLEAR, 1)
            self._change(Parameter.ROWS, rows)
            others = [row for row in (rows - 1, rows, rows | beyond >> 1, beyond - 1) if row < beyond]
            self._do(*(Beat((Write(row, 1 + row % self._config.priority_max),)) for row in others), Sample(1))
            self._change(Parameter.ROWS, config.rows)  # not now
        self._change(Parameter.CLEAR, 1)
        self._change(Parameter.ROWS, config.rows)

    # --- rows and codes ----------------------------------------------------------------------------------------------

    def _single_rows(self) -> None:
        """One valid row at a time, with every bit of its code by itself and left out; then every row."""
        config, chance = self._config, self._chance
        self._change(Parameter.CLEAR, 1)
        top = config.priority_max
        codes = [code for bit in range(config.priority_width) for code in (1 << bit, top ^ 1 << bit)]
        rows = list(range(config.rows))
        if config.rows > _MANY:
            rows = sorted({0, config.rows - 1, *chance.sample(rows, _MANY - 2)})
        pairs = [(chance.randrange(config.rows), code) for code in codes]
        pairs += [(row, chance.randint(1, top)) for row in rows]
        for row, code in pairs:
            self._do(Beat((Write(row, code),)), Sample(1))
            self._do(Beat((Write(row, *chance.choice(((0, 1), (top, 1), (1, 0)))),)))
            self._do(Beat((Write(row, 0, 1),)))

    def _settings(self) -> None:
        """m, lambda' and lambda bit by bit, each followed by a batch."""
        config = self._config
        if config.variants == ("exact",) or self._model.settings.variant == "exact":
            return
        self._fill(self._chance.randint(1, config.priority_max) for _ in range(self._filled_rows()))
        groups = {1, config.groups, *(1 << bit for bit in range(config.groups.bit_length()))}
        changes = [(Parameter.GROUPS, value) for value in sorted(groups)]
        for bit in range(0, VALUE_WIDTH, 2):
            changes += [(Parameter.RADIUS, 1 << bit), (Parameter.NEIGHBOURS, 1 << bit)]
        for parameter, value in changes:
            self._change(parameter, value)
            self._do(Sample(config.batch))
        self._scale_borders()
        as_configured = parameter_changes(Settings(config), config.variants)
        kept = (Parameter.GROUPS, Parameter.RADIUS, Parameter.NEIGHBOURS)
        self._do(*(Control(*change) for change in as_configured if change[0] in kept))

    def _scale_borders(self) -> None:
        """Of a group's lambda' or lambda the last value before its radius, or its number of neighbours, grows, and the
        first after it: a wrong bit in their products shows."""
        config, nearest = self._config, self._model.settings.variant == "k"
        parameter = Parameter.NEIGHBOURS if nearest else Parameter.RADIUS
        self._change(Parameter.RADIUS, 0)  # goes with every m
        self._change(Parameter.GROUPS, config.groups)
        limit = 1 << COEFFICIENT_WIDTH if nearest else min(config.groups << COEFFICIENT_WIDTH, 1 << VALUE_WIDTH)
        for _ in range(_BORDERS):
            state_before, group = (
                self._chance.randrange(1, 1 << 2 * RANDOM_WIDTH),
                self._chance.randrange(config.groups),
            )
            reload = [Control(*change) for change in stream_changes(Parameter.QUERY_STATE_0, state_before)]
            self._do(*reload)
            low, high = self._chance.randrange(limit >> self._chance.randrange(8)), limit - 1
            start = self._scaled(parameter, low, group)
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if self._scaled(parameter, middle, group) == start else (low, middle)
            for value in (low, high):
                self._do(Control(parameter, value), *reload, Sample(config.batch), Settle())

    def _scaled(self, parameter: Parameter, value: int, group: int) -> int:
        """The radius, or the neighbours, of a group in the next batch, if the parameter were ``value``."""
        model = copy.deepcopy(self._model)
        model.set_parameter(parameter, value)
        model.sample(1)
        assert isinstance(model.last_batch, Batch)
        return (model.last_batch.neighbours if parameter == Parameter.NEIGHBOURS else model.last_batch.radii)[group]

    # --- random words ------------------------------------------------------------------------------------------------

    def _states(self) -> None:
        """A state with each of its bits by itself, reached by a draw; then all words are set to 0, of which only the
        last is refused."""
        config = self._config
        self._fill(1 + row % config.priority_max for row in range(self._filled_rows()))
        for bit in range(2 * RANDOM_WIDTH):
            for first in (Parameter.QUERY_STATE_0, Parameter.DRAW_STATE_0):
                if first == Parameter.DRAW_STATE_0 or config.variants != ("exact",):
                    self._do(*(Control(*change) for change in stream_changes(first, stepped_back(1 << bit))))
            self._do(Sample(1))
            for first in (Parameter.QUERY_STATE_0, Parameter.DRAW_STATE_0):
                words = sorted(range(4), key=lambda word: word == bit // VALUE_WIDTH)
                self._do(*(Control(Parameter(first + word), 0) for word in words))
            self._do(Sample(min(3, config.batch)))

    def _borders(self) -> None:
        """Draws whose words are the last for one row and the first for the next, by as little as can be: a wrong bit
        anywhere in a word or in a product shows."""
        config, chance, most = self._config, self._chance, min(self._config.rows, _MANY)
        top, width = config.priority_max, config.priority_width
        # Of short codes most places are borders, which the low bits of a product need; long ones have the high bits.
        fillings = [[1] * rows for rows in sorted({1, 2, 3, 5, 6, 7, most - 1 | 1, most}) if rows <= most]
        for bits in sorted({2, 3, width // 2, width - 1, width}):
            fillings += [[chance.randrange(1 << bits) | 1 for _ in range(rows)] for rows in (most, most - 1 | 1)]
        fillings += [[top] * most, [top] + [1] * (most - 1), [chance.randint(1, top) for _ in range(most)]]
        for codes in fillings:
            self._fill(codes)
            for word in self._border_words():
                place = chance.randrange(min(config.batch, config.draw_ports))
                before = state(word, place, chance.randrange(1, _WORD))
                self._do(*(Control(*change) for change in stream_changes(Parameter.DRAW_STATE_0, before)))
                self._do(Sample(place + 1))

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
                high |= self._chance.getrandbits(shift) << width - shift if shift else 0
                # The place that begins right here, or right behind.
                place = (high * size >> width) + (sign < 0)
                if 0 < place < size and _drawn_at(place, planes) != _drawn_at(place - 1, planes):
                    words.append(high << RANDOM_WIDTH - width | (low if sign < 0 else 0))
                    found += 1
                if found == _BORDERS:
                    break
        return words

    def _planes(self) -> list[tuple[int, int]]:
        """Where in T each plane begins, and its number, the last first; of a CSP, one plane of ranks."""
        if self._model.settings.variant != "exact":
            return [(0, 0)]
        codes = [code or 0 for code in self._model.priorities]
        if self._config.organisation == "tree":  # a row is a plane of one rank
            banks, begin, begins = self._config.banks, 0, []
            for row in (row for bank in range(banks) for row in range(bank, len(codes), banks)):
                begins.append((begin, RANDOM_WIDTH + row))
                begin += codes[row]
            return begins[::-1]
        weights = [sum(code >> plane & 1 for code in codes) << plane for plane in range(self._config.priority_width)]
        return [(sum(weights[:plane]), plane) for plane in reversed(range(len(weights)))]

    def _places(self) -> tuple[int, int]:
        """How many places the next draw has, T or |CSP|, and the bits of its word that choose one."""
        model = copy.deepcopy(self._model)
        model.sample(1)
        assert model.last_batch is not None
        if isinstance(model.last_batch, Batch):
            return model.last_batch.csp_size, DRAW_RANDOM_WIDTH
        return model.last_batch.total, self._config.place_width

    def _waits(self) -> None:
        """A write, and a change, among so many requests that it would wait for ever if these came first."""
        request = Sample(self._config.batch, overtake_chance=1.0)
        beats_of = -(-self._config.batch // self._config.draw_ports)
        many = [request] * min(200, 8 + 1000 // beats_of)
        for operation in (Beat((Write(0, 1),)), Control(Parameter.BATCH, 1)):
            self._do(request, request, operation, *many, Settle())

    # --- refusals ----------------------------------------------------------------------------------------------------

    def _refusals(self) -> None:
        """Every status behind every other, with results that wait and without."""
        config = self._config
        field = 1 << config.batch_width
        above = {config.batch + 1, field - 1, *(config.batch | 1 << bit for bit in range(config.batch_width))}
        sizes = [1, 0, config.batch, 1, *sorted(size for size in above if config.batch < size < field), config.batch]
        for ready in (1.0, 0.1):
            samples = [Sample(size, ready_chance=ready, overtake_chance=1.0) for size in sizes]
            self._fill(self._chance.randint(1, config.priority_max) for _ in range(self._filled_rows()))
            for enable in (1, 0, 1):
                self._change(Parameter.ENABLE, enable)
                self._do(*samples)
            self._change(Parameter.CLEAR, 1)
            self._do(*samples)


def _drawn_at(place: int, planes: list[tuple[int, int]]) -> tuple[int, int]:
    """The plane that a place lies in, and the rank in it."""
    begin, plane = next(each for each in planes if each[0] <= place)
    return plane, place - begin >> plane
