"""The parameters in force: what a sampler was built for, as changed at run time (docs/hardware/parameters.md)."""

from __future__ import annotations

from amper_spec.algorithm import COEFFICIENT_WIDTH, VARIANTS, Algorithm
from amper_spec.checks import checked_integer
from amper_spec.parameters import VALUE_WIDTH, Parameter
from amper_spec.urng import Xoroshiro128PlusPlus, streams

_WORD = (1 << VALUE_WIDTH) - 1


class Settings:
    """The parameters of a sampler, but for CLEAR, which is an action.

    Members
    -------
    groups, radius, neighbours, variant, batch, rows, enable : m, lambda' and lambda with 20 fraction bits, a name of
        ``VARIANTS``, the default number of draws, the rows in use, whether requests are answered.
    query, draw : the two random streams.
    reciprocal_shift, reciprocal, radius_coefficient : derived from them as in docs/reference/algorithm.md.
    """

    def __init__(self, config: Algorithm) -> None:
        self._config = config
        self.groups = config.groups
        self.radius = config.radius_fixed
        self.neighbours = config.neighbour_coefficient
        self.variant: str = config.variant
        self.batch = config.batch
        self.rows = config.rows
        self.enable = True
        self.query, self.draw = streams(config.seed)

    @property
    def reciprocal_shift(self) -> int:
        """GS: the reciprocal of m has this many fraction bits."""
        return self._config.fraction_width + (self.groups - 1).bit_length()

    @property
    def reciprocal(self) -> int:
        """floor(2^GS / m)."""
        return (1 << self.reciprocal_shift) // self.groups

    @property
    def radius_coefficient(self) -> int:
        """lambda' / m with 20 fraction bits, rounded down."""
        return self.radius // self.groups

    def get(self, parameter: Parameter) -> int:
        """The value of ``parameter``, in the form in which it is set; of CLEAR, 0."""
        plain = {
            Parameter.GROUPS: self.groups,
            Parameter.RADIUS: self.radius,
            Parameter.NEIGHBOURS: self.neighbours,
            Parameter.VARIANT: VARIANTS.index(self.variant),
            Parameter.BATCH: self.batch,
            Parameter.ROWS: self.rows,
            Parameter.ENABLE: int(self.enable),
            Parameter.CLEAR: 0,
        }
        if parameter in plain:
            return plain[parameter]
        stream, word = self._stream_word(parameter)
        return _state_words(stream)[word]

    def set(self, parameter: Parameter, value: int, *, empty: bool) -> None:
        """Change a parameter, or leave all as they are and raise ValueError.

        Parameters
        ----------
        value : 0 to 2^32 - 1. empty : whether no row is valid.
        """
        if parameter == Parameter.GROUPS:
            self._set_groups(value)
        elif parameter == Parameter.RADIUS:
            has_radius = any(name.startswith("fr") for name in self._config.variants)
            self._require_built_in("RADIUS", value, has_radius, "an fr variant")
            self.radius = checked_integer("RADIUS", value, 0, min(_WORD, (self.groups << COEFFICIENT_WIDTH) - 1))
        elif parameter == Parameter.NEIGHBOURS:
            self._require_built_in("NEIGHBOURS", value, "k" in self._config.variants, "variant k")
            self.neighbours = checked_integer("NEIGHBOURS", value, 0, (1 << COEFFICIENT_WIDTH) - 1)
        elif parameter == Parameter.VARIANT:
            name = VARIANTS[checked_integer("VARIANT", value, 0, len(VARIANTS) - 1)]
            self._require_built_in("VARIANT", value, name in self._config.variants, f"its variant, {name},")
            self.variant = name
        elif parameter == Parameter.BATCH:
            self.batch = checked_integer("BATCH", value, 1, self._config.batch)
        elif parameter == Parameter.ROWS:
            rows = checked_integer("ROWS", value, 1, self._config.rows)
            if not empty:
                raise ValueError(f"ROWS can only be set, here to {value}, while no row is valid: set CLEAR first")
            self.rows = rows
        elif parameter == Parameter.ENABLE:
            self.enable = bool(checked_integer("ENABLE", value, 0, 1))
        elif parameter == Parameter.CLEAR:
            checked_integer("CLEAR", value, 1, 1)
        else:
            if parameter < Parameter.DRAW_STATE_0:
                self._require_groups(parameter.name, value)
            self._set_state_word(parameter, value)

    def _require_groups(self, name: str, value: int) -> None:
        self._require_built_in(name, value, self._config.variants != ("exact",), "a variant with groups")

    def _set_groups(self, value: int) -> None:
        self._require_groups("GROUPS", value)
        groups = checked_integer("GROUPS", value, 1, self._config.groups)
        if self.radius // groups >> COEFFICIENT_WIDTH:
            least = (self.radius >> COEFFICIENT_WIDTH) + 1
            raise ValueError(f"GROUPS must be at least {least}, so that RADIUS / GROUPS is below 16, not {value}")
        self.groups = groups

    def _set_state_word(self, parameter: Parameter, value: int) -> None:
        stream, word = self._stream_word(parameter)
        words = _state_words(stream)
        words[word] = value
        if not any(words):
            raise ValueError(f"{parameter.name} must not make the state of the stream all 0, got {value}")
        stream.s0, stream.s1 = (words[at] | words[at + 1] << VALUE_WIDTH for at in (0, 2))

    def _stream_word(self, parameter: Parameter) -> tuple[Xoroshiro128PlusPlus, int]:
        stream = self.query if parameter < Parameter.DRAW_STATE_0 else self.draw
        return stream, (parameter - Parameter.QUERY_STATE_0) % 4

    def _require_built_in(self, name: str, value: int, built_in: bool, what: str) -> None:
        if not built_in:
            there = ", ".join(self._config.variants)
            raise ValueError(f"{name} needs {what} built in, got {value}; built in: {there}")


def _state_words(stream: Xoroshiro128PlusPlus) -> list[int]:
    """The four words of 32 bits of a stream's state, in the order of their parameters."""
    return [half >> shift & _WORD for half in stream.state for shift in (0, VALUE_WIDTH)]
