"""Random operations for the bench of the sampler, also those that a careful user never does."""

from __future__ import annotations

import random
from collections.abc import Sequence

from amper import VARIANTS, AmperConfig, Parameter
from amper.operations.vocabulary import Beat, Control, Operation, Reset, Sample, Settle, Write

SHAPES = ("uniform", "exponential", "ties", "equal", "low", "outlier", "sparse")
_FILL = 600  # rows that a fill writes at most
# Those that change the searches come up as often as the eight words of the streams.
_PARAMETERS = (*Parameter, *[Parameter.VARIANT] * 3, *[Parameter.GROUPS, Parameter.RADIUS, Parameter.NEIGHBOURS] * 2)


def random_operations(config: AmperConfig, batches: int, seed: int, *, resets: bool = True) -> list[Operation]:
    """``batches`` batches among random writes and changes of parameters.

    Includes rows out of range, illegal batch sizes, illegal parameters, sampling when empty or disabled, and resets.
    """
    return _Generator(config, random.Random(seed)).operations(batches, resets=resets)


class _Generator:
    """Every eighth batch begins another stretch: another shape of priorities and the next variant; between them, some
    change a parameter. Every variant that is built in and every refusal has its turn in the end, however few batches.
    """

    def __init__(self, config: AmperConfig, chance: random.Random) -> None:
        self._config = config
        self._chance = chance
        self._shape = "uniform"
        self._variant: str = config.variant

    def operations(self, batches: int, *, resets: bool) -> list[Operation]:
        chance, config = self._chance, self._config
        # Nothing is valid yet; as many rows as none, or more than there are, must stay refused.
        nothing = [Control(Parameter.ROWS, 0), Control(Parameter.ROWS, config.rows + 1)]
        operations: list[Operation] = [Sample(1), *nothing, Sample(config.batch)]
        for index in range(batches - 2):
            if index % 8 == 0:
                self._shape = chance.choice(SHAPES)
                self._variant = config.variants[index // 8 % len(config.variants)]
                operations += [*self._enabled(self._variant), *self._fill()]
            operations += self._beats([self._write() for _ in range(chance.choice((0, 0, 1, 2, 5, 20)))])
            if chance.random() < 0.4:
                operations += self._change()
            operations.append(self._sample())
            if resets and chance.random() < 0.02:
                operations.append(Reset(chance.randrange(config.groups + config.batch + 40)))
                operations += self._fill()
            if chance.random() < 0.05:
                operations.append(Settle())
        return [*operations, *self._every_choice(), Settle()]

    def _enabled(self, variant: str) -> list[Operation]:
        """Whatever was changed before: this variant draws, from at least one row."""
        return [Control(Parameter.ENABLE, 1), Control(Parameter.VARIANT, VARIANTS.index(variant))]

    def _every_choice(self) -> list[Operation]:
        """A batch of every variant, and each refusal."""
        operations = [*self._fill(), Control(Parameter.ENABLE, 0), Sample(1)]
        for variant in self._config.variants:
            operations += [*self._enabled(variant), *self._beats([Write(0, self._config.priority_max)])]
            # The last two have the sampler to themselves, so that their cycles are known.
            operations += [
                Sample(0),
                Sample(self._config.batch),
                Settle(),
                Sample(self._config.batch),
                Settle(),
                Sample(1),
            ]
        return operations

    # --- writes ------------------------------------------------------------------------------------------------------

    def _fill(self) -> list[Operation]:
        """Writes that give most rows a priority of the shape; in a large memory a sample of the rows."""
        rows = list(range(self._config.rows))
        self._chance.shuffle(rows)
        writes = [Write(row, self._priority()) for row in rows[:_FILL]]
        if self._shape == "sparse":
            writes += [Write(row, 0, 1) for row in rows[: -1 - len(rows) // 16][:_FILL]]
        return self._beats(writes)

    def _beats(self, writes: Sequence[Write]) -> list[Operation]:
        """The writes in transfers of some lanes; sometimes with lanes left out between them, or with no lane at all."""
        ports, chance = self._config.write_ports, self._chance
        operations: list[Operation] = []
        left = list(writes)
        while left:
            count = min(len(left), ports if chance.random() < 0.6 else chance.randint(1, ports))
            lot: list[Write | None] = [left.pop(0) for _ in range(count)]
            while len(lot) < ports and chance.random() < 0.5:
                lot.insert(chance.randint(0, len(lot)), None)
            operations.append(Beat(tuple(lot)))
        if ports > 1 and chance.random() < 0.02:
            operations.append(Beat(()))
        return operations

    def _priority(self) -> int:
        chance, top, shape = self._chance, self._config.priority_max, self._shape
        if shape == "exponential":
            return min(top, int(chance.expovariate(1) * top / 12))
        if shape == "ties":
            return chance.randrange(4) * top // 3
        if shape == "equal":
            return top // 2
        if shape == "low":
            return chance.randrange(min(8, top))
        if shape == "outlier":
            return top if chance.random() < 0.02 else chance.randrange(max(2, top // 64))
        return chance.randrange(top + 1)

    def _write(self) -> Write:
        chance, config = self._chance, self._config
        row = chance.randrange(config.rows)
        if chance.random() < 0.1:
            beyond = 1 << config.row_width  # rows that have an address but do not exist
            row = chance.choice((chance.randrange(beyond), min(config.rows, beyond - 1)))
        if chance.random() < 0.2:
            row = chance.randrange(min(config.rows, config.bank_rows, 4))  # lanes meet in a bank, or in a row
        if chance.random() < 0.15:
            return Write(row, chance.choice((0, self._priority())), 1)
        return Write(row, self._priority())

    # --- requests and changes ----------------------------------------------------------------------------------------

    def _sample(self) -> Sample:
        chance, config = self._chance, self._config
        any_value = chance.randrange(1 << config.batch_width)  # of the field, so maybe 0 or above b
        size = chance.choices((config.batch, chance.randint(1, config.batch), any_value), (50, 40, 10))[0]
        if chance.random() < 0.4:
            return Sample(size, overtake_chance=chance.choice((0.0, 1.0)))
        return Sample(
            size,
            ready_chance=chance.choice((0.05, 0.3, 0.7, 1.0)),
            offer_chance=chance.choice((0.2, 0.6, 1.0)),
            overtake_chance=chance.choice((0.0, 0.3, 1.0)),
        )

    def _change(self) -> list[Operation]:
        """A change of a parameter, with what makes it worth while."""
        chance, config = self._chance, self._config
        parameter = chance.choice(_PARAMETERS)
        if chance.random() < 0.2:
            return [Control(parameter, chance.choice((0, 1, config.rows, chance.randrange(1 << 32), (1 << 32) - 1)))]
        if parameter == Parameter.ENABLE:
            return [Control(parameter, 0), *self._beats([self._write()]), self._sample(), Control(parameter, 1)]
        if parameter == Parameter.VARIANT:
            return [Control(parameter, self._value(parameter)), self._sample(), *self._enabled(self._variant)]
        if parameter == Parameter.CLEAR:
            return [Control(parameter, 1), *([self._sample()] if chance.random() < 0.3 else []), *self._fill()]
        if parameter == Parameter.ROWS:
            clear: list[Operation] = [Control(Parameter.CLEAR, 1)] if chance.random() < 0.8 else []
            return [
                *clear,
                Control(parameter, chance.choice((config.rows, chance.randint(1, config.rows)))),
                *self._fill(),
            ]
        if parameter >= Parameter.QUERY_STATE_0 and chance.random() < 0.3:
            first = Parameter.QUERY_STATE_0 if parameter < Parameter.DRAW_STATE_0 else Parameter.DRAW_STATE_0
            # The last of these would make the state 0.
            return [Control(first + (parameter + word) % 4, 0) for word in range(4)]
        return [Control(parameter, self._value(parameter))]

    def _value(self, parameter: Parameter) -> int:
        """A value that is legal, or nearly so."""
        chance, config = self._chance, self._config
        if parameter == Parameter.GROUPS:
            return chance.choice((config.groups, chance.randint(0, config.groups + 1)))
        if parameter == Parameter.RADIUS:
            limit = config.groups << 24
            values = (0, config.radius_fixed, chance.randrange(config.groups << 20), chance.randrange(limit), limit)
            return min(chance.choice(values), (1 << 32) - 1)
        if parameter == Parameter.NEIGHBOURS:
            return chance.choice(
                (0, config.neighbour_coefficient, chance.randrange(1 << 20), chance.randrange(1 << 24))
            )
        if parameter == Parameter.VARIANT:
            return VARIANTS.index(chance.choice(config.variants)) if chance.random() < 0.9 else chance.randrange(5)
        if parameter == Parameter.BATCH:
            return chance.randint(0, config.batch + 1)
        return chance.randrange(1 << 32)
