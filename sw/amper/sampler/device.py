"""``Device``: the calls of ``amper.Sampler``, drawn by a backend; docs/software/device.md has the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from amper.backends.backend import Backend, Factory, IndexArray, open_backend
from amper.cores.exact import ExactCore
from amper.model.changes import parameter_changes
from amper.model.settings import Settings
from amper.sampler.base import SamplerBase, WeightArray
from amper.sampler.options import ALPHA, EPS, SamplerOptions, mode_of
from amper.sampler.state import VERSION, export, restored
from amper_spec.checks import checked_integer
from amper_spec.config import AmperConfig
from amper_spec.parameters import VALUE_WIDTH, Parameter

STATE_VERSION = "device 1"  # no sampler takes it for its own
# Those that a state lists; the streams' states have names of their own.
_PARAMETERS = tuple(name for name in Parameter if name < Parameter.QUERY_STATE_0 and name != Parameter.CLEAR)


@dataclass
class Cycles:
    """Clock cycles that calls took, from the first until its answer was there; all 0 where there is no clock.

    Members
    -------
    last : of the latest call. write : of all that stored or removed. sample, set_parameter : of all of these.
    """

    last: int = 0
    write: int = 0
    sample: int = 0
    set_parameter: int = 0

    @property
    def total(self) -> int:
        """Of all calls."""
        return self.write + self.sample + self.set_parameter


class Device(SamplerBase):
    """The calls, indices, weights and errors of a ``Sampler(bit_exact=True)``, with draws that a backend makes.

    Parameters
    ----------
    config : of the sampler. backend : "golden", "exact" (fast software), "rtl" (the generated RTL, simulated), one that
        another package provides, or a function that opens one for a configuration.
    beta, alpha, eps, initial_priority : as of ``Sampler``.

    Members
    -------
    config : the configuration. cycles : the clock cycles spent, a ``Cycles`` that goes on counting.

    Raises
    ------
    TypeError, ValueError : an argument of the wrong kind; no such backend. ImportError : the backend needs a package;
    the message says what to install. DeviceError : it cannot be opened.
    """

    def __init__(
        self,
        config: AmperConfig,
        backend: str | Factory = "golden",
        *,
        beta: float | Callable[[int], float] = 0.4,
        alpha: float = ALPHA,
        eps: float = EPS,
        initial_priority: str | float = "max",
    ) -> None:
        if not isinstance(config, AmperConfig):
            raise TypeError(f"config must be an AmperConfig, not {config!r}")
        options = SamplerOptions.of(config, alpha=alpha, eps=eps, initial_priority=initial_priority)
        super().__init__(options, beta)
        self.config = config
        self._backend = backend
        self.cycles = Cycles()
        counted = _Counted(open_backend(backend, config), self.cycles)
        self.core: ExactCore = self._new_core(counted)

    @property
    def rows(self) -> int:
        """Rows in use: the most, unless the parameter ROWS was set."""
        return self.core.settings.rows

    @property
    def mode(self) -> str:
        """The mode of the variant that is active."""
        return mode_of(self.core.settings.variant)

    def set_parameter(self, parameter: Parameter | int, value: int) -> None:
        """Change a parameter from the next batch on; docs/hardware/parameters.md has what is legal.

        CLEAR also makes 0 the row of the next ``add``. Raises TypeError, ValueError : not integers; not legal, or not
        now. Nothing is changed then.
        """
        name, number = _checked_parameter(parameter, value)
        self.core.set_parameter(name, number)

    def get_parameter(self, parameter: Parameter | int) -> int:
        """The value of a parameter in force, in the form in which it is set; of CLEAR, 0."""
        return self.core.get_parameter(Parameter(checked_integer("parameter", parameter, 0, max(Parameter))))

    def sample(self, batch: int | None = None, beta: float | None = None) -> tuple[IndexArray, WeightArray]:
        """``Sampler.sample`` of 1 to ``config.batch`` rows; of the parameter BATCH if None.

        Raises DisabledError : the parameter ENABLE is 0. DeviceError : the backend failed.
        """
        size = self.core.settings.batch if batch is None else checked_integer("batch", batch, 1, self.config.batch)
        return super().sample(size, beta)

    def state(self) -> dict[str, Any]:
        """All that ``restore`` needs to go on exactly as this device would, on any backend."""
        exported = export(self.core, self.options)
        # Where the streams began does not matter any more: their states are in the state.
        options = {name: value for name, value in exported["options"].items() if name != "seed"}
        parameters = {name.name: self.core.get_parameter(name) for name in _PARAMETERS}
        return {**exported, "version": STATE_VERSION, "options": options, "parameters": parameters}

    def restore(self, state: dict[str, Any]) -> None:
        """Become what the device was that gave ``state``; seed, ports, pipeline and bus may have been others.

        Raises TypeError, ValueError : not a state, of another version, of other options; this device stays as it was.
        """
        self.core.become(self._checked_state(state))

    def close(self) -> None:
        """Let go of the backend; of a simulated or real device nothing works any more then."""
        self.core.backend.close()

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {"config": self.config, "backend": self._backend, "beta": self.beta}
        for name in ("alpha", "eps", "initial_priority"):
            arguments[name] = getattr(self.options, name)
        return {**arguments, "state": self.state()}

    def __setstate__(self, pickled: dict[str, Any]) -> None:
        state = pickled.pop("state")
        Device.__init__(self, **pickled)
        self.restore(state)

    def _new_core(self, backend: Backend | None) -> ExactCore:
        kind, number = self.options.initial
        return ExactCore(
            self.config,
            alpha=self.options.alpha,
            eps=self.options.eps,
            backend=backend,
            initial_kind=kind,
            initial=number,
        )

    def _checked_state(self, state: dict[str, Any]) -> ExactCore:
        """A core in software with this state."""
        if not isinstance(state, dict):
            raise TypeError(f"state must be a dictionary that state() gave, not {type(state).__name__}")
        if state.get("version") != STATE_VERSION:
            raise ValueError(f"state must be of a device, version {STATE_VERSION!r}, not {state.get('version')!r}")
        for name in ("options", "parameters"):
            if not isinstance(state.get(name), dict):
                raise TypeError(f"state[{name!r}] must be a dictionary, not {state.get(name)!r}")
        core = self._new_core(None)
        for change in parameter_changes(_settings(self.config, state["parameters"]), self.config.variants):
            core.set_parameter(*change)
        options = {**state["options"], "seed": self.options.seed}
        restored(core, self.options, {**state, "version": VERSION, "options": options})
        if core.used > core.settings.rows or core.cursor >= core.settings.rows:
            raise ValueError(f"state must hold nothing from the rows in use, {core.settings.rows}, on, and does")
        return core


class _Counted:
    """A backend whose calls add up in ``cycles``."""

    def __init__(self, backend: Backend, cycles: Cycles) -> None:
        self._backend, self._cycles = backend, cycles
        self.streams, self.close = backend.streams, backend.close
        self._before = backend.cycles

    @property
    def cycles(self) -> int:
        return self._cycles.total

    def write(self, rows: IndexArray, codes: IndexArray) -> None:
        self._backend.write(rows, codes)
        self._cycles.write += self._spent()

    def set_parameter(self, parameter: Parameter, value: int) -> None:
        self._backend.set_parameter(parameter, value)
        self._cycles.set_parameter += self._spent()

    def sample(self, batch: int) -> tuple[IndexArray, int]:
        drawn = self._backend.sample(batch)
        self._cycles.sample += self._spent()
        return drawn

    def _spent(self) -> int:
        now = self._backend.cycles
        self._cycles.last, self._before = now - self._before, now
        return self._cycles.last


def _checked_parameter(parameter: object, value: object) -> tuple[Parameter, int]:
    name = Parameter(checked_integer("parameter", parameter, 0, max(Parameter)))
    return name, checked_integer(name.name, value, 0, (1 << VALUE_WIDTH) - 1)


def _settings(config: AmperConfig, parameters: dict[str, Any]) -> Settings:
    """Settings with the parameters of a state, which may come from anywhere."""
    settings = Settings(config)
    if any(variant.startswith("fr") for variant in config.variants):
        settings.set(Parameter.RADIUS, 0, empty=True)  # goes with every number of groups
    for name in _PARAMETERS:
        if name.name not in parameters:
            raise ValueError(f"state['parameters'] must have {name.name}, and has not")
    for name in _PARAMETERS:
        number = checked_integer(name.name, parameters[name.name], 0, (1 << VALUE_WIDTH) - 1)
        if number != settings.get(name):
            settings.set(name, number, empty=True)
    return settings
