"""Random calls of an ``amper.Device``, legal and not, the same for every device that they are made on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from amper import VARIANTS, AmperConfig, Parameter
from amper.sampler.device import Device

Call = Callable[[Device], Any]

KINDS = {"sample": 0.33, "update": 0.25, "write": 0.2, "add": 0.08, "remove": 0.08, "change": 0.06}
SHAPES = ("uniform", "exponential", "ties", "equal", "tiny", "outlier")
_PARAMETERS = (*Parameter, *[Parameter.VARIANT] * 6, *[Parameter.GROUPS, Parameter.RADIUS, Parameter.NEIGHBOURS] * 4)


class RandomCalls:
    """Draws one call after another.

    Parameters
    ----------
    device : of whose state, which all devices share, the calls depend. seed : of the calls. changes : of parameters are
        among them; clears, behind which all rows are written again, take nearly all cycles of a million rows.
    """

    def __init__(self, device: Device, seed: int, *, changes: bool = True) -> None:
        self._device, self._config = device, device.config
        chances = {kind: chance for kind, chance in KINDS.items() if changes or kind != "change"}
        self._kinds = list(chances)
        self._chances = np.array(list(chances.values())) / sum(chances.values())
        self._chance = np.random.default_rng(seed)
        self._shape = SHAPES[0]
        self._top = self._config.priority_max / self._config.priority_scale

    def next(self) -> tuple[str, Call]:
        """The kind, one of KINDS, and the call."""
        chance = self._chance
        if chance.random() < 0.002:
            self._shape = str(chance.choice(SHAPES))
        kind = str(chance.choice(self._kinds, p=self._chances))
        return kind, getattr(self, f"_{kind}")()

    # --- one call of each kind; a few of them are refused -------------------------------------------------------

    def _sample(self) -> Call:
        most = self._config.batch
        batch = most if self._chance.random() < 0.5 else int(self._chance.integers(0, most + 2))
        beta = float(self._chance.random())
        return lambda device: device.sample(batch, beta)

    def _update(self) -> Call:
        held = np.flatnonzero(self._device.priorities() > 0)
        rows = self._chance.choice(held, self._count()) if held.size else np.arange(1)
        if self._chance.random() < 0.5:
            errors = self._chance.normal(size=rows.size)
            return lambda device: device.update_errors(rows, errors)
        priorities = self._priorities(rows.size)
        return lambda device: device.update(rows, priorities)

    def _write(self) -> Call:
        count = 1000 if self._chance.random() < 0.005 else self._count()
        end = self._device.rows + (self._chance.random() < 0.02)
        rows = self._chance.integers(0, end, count)
        priorities = self._priorities(count)
        return lambda device: device.write(rows, priorities)

    def _add(self) -> Call:
        priority = None if self._chance.random() < 0.3 else float(self._priorities(1)[0])
        return lambda device: device.add(priority)

    def _remove(self) -> Call:
        held = np.flatnonzero(self._device.priorities() > 0)
        rows = self._chance.choice(held, self._count()) if held.size else np.arange(1)
        return lambda device: device.remove(rows)

    def _change(self) -> Call:
        parameter = Parameter(int(self._chance.choice(_PARAMETERS)))
        value = random_value(self._chance, self._config, parameter)
        clear = parameter in (Parameter.CLEAR, Parameter.ROWS) and self._chance.random() < 0.9
        filling = self._priorities(self._config.rows)

        def call(device: Device) -> None:
            if clear:
                device.set_parameter(Parameter.CLEAR, 1)
            device.set_parameter(parameter, value)
            if clear:
                device.extend(filling[: device.rows])

        return call

    # --- their arguments ---------------------------------------------------------------------------------------

    def _count(self) -> int:
        return int(self._chance.choice([1, 2, 3, 8, 64]))

    def _priorities(self, count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        chance, top = self._chance, self._top
        if self._shape == "exponential":
            return chance.exponential(top / 12, count)
        if self._shape == "ties":
            return chance.integers(0, 4, count) * top / 3
        if self._shape == "equal":
            return np.full(count, top / 2)
        if self._shape == "tiny":
            return chance.integers(0, 8, count) / self._config.priority_scale
        if self._shape == "outlier":
            return np.where(chance.random(count) < 0.02, top, chance.random(count) * top / 64)
        return chance.random(count) * top


def random_value(chance: np.random.Generator, config: AmperConfig, parameter: Parameter) -> int:
    """A value that is legal, or nearly so."""
    if parameter == Parameter.GROUPS:
        return int(chance.integers(0, config.groups + 2))
    if parameter == Parameter.RADIUS:
        return int(chance.choice((0, config.radius_fixed, int(chance.integers(config.groups << 20)))))
    if parameter == Parameter.NEIGHBOURS:
        return int(chance.choice((0, config.neighbour_coefficient, int(chance.integers(1 << 24)))))
    if parameter == Parameter.VARIANT:
        return int(chance.integers(0, len(VARIANTS) + 1))
    if parameter == Parameter.BATCH:
        return int(chance.integers(0, config.batch + 2))
    if parameter == Parameter.ROWS:
        return int(chance.choice((config.rows, int(chance.integers(0, config.rows + 2)))))
    if parameter == Parameter.ENABLE:
        return int(chance.random() < 0.9)
    return int(chance.integers(0, 2 if parameter == Parameter.CLEAR else 1 << 32))
