"""What an ``amper.Device`` draws with: the golden model, fast software, simulated or real hardware; device.md.

A backend knows rows and codes only. Everything about floats, weights and bad arguments is done before it, once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from amper.model.golden import GoldenModel
from amper_spec.config import Algorithm, AmperConfig
from amper_spec.errors import ToolError
from amper_spec.parameters import Parameter

IndexArray = NDArray[np.int64]

ENTRY_POINTS = "amper.backends"  # the group in which a package names its backends


class DeviceError(ToolError):
    """A device did not do what it must, does not answer, or is closed; the message says which."""


class Backend(Protocol):
    """A sampler of docs/reference/algorithm.md; its arguments are legal already.

    Members
    -------
    cycles : clock cycles spent since it was opened; 0 where there is no clock.
    """

    @property
    def cycles(self) -> int: ...

    def write(self, rows: IndexArray, codes: IndexArray, /) -> None:
        """Store codes, 1 to 2^Q - 1, in rows in use, in this order; 0 makes the row invalid. At least one."""

    def set_parameter(self, parameter: Parameter, value: int, /) -> None:
        """Change a parameter, to a value that is legal now."""

    def sample(self, batch: int, /) -> tuple[IndexArray, int]:
        """(batch,) rows drawn, and |CSP|: 0 if all valid rows took its place, and in variant exact, which has none.

        Enabled; at least one row is valid.
        """

    def streams(self) -> tuple[int, int]:
        """States of the query stream and of the draw stream, 128 bits each."""

    def close(self) -> None:
        """Let go of everything; may be called twice."""


Factory = Callable[[AmperConfig], Backend]


class GoldenBackend:
    """``GoldenModel`` as a backend: it shows what every other one must do."""

    cycles = 0

    def __init__(self, config: Algorithm) -> None:
        self.model = GoldenModel(config)

    def write(self, rows: IndexArray, codes: IndexArray) -> None:
        for row, code in zip(rows.tolist(), codes.tolist(), strict=True):
            if code:
                self.model.write(row, code)
            else:
                self.model.invalidate(row)

    def set_parameter(self, parameter: Parameter, value: int) -> None:
        self.model.set_parameter(parameter, value)

    def sample(self, batch: int) -> tuple[IndexArray, int]:
        rows = self.model.sample(batch)
        drawn = self.model.last_batch
        assert drawn is not None
        return rows, 0 if drawn.fallback else drawn.csp_size

    def streams(self) -> tuple[int, int]:
        query, draw = self.model.settings.query, self.model.settings.draw
        return query.s0 | query.s1 << 64, draw.s0 | draw.s1 << 64

    def close(self) -> None:
        """There is nothing to let go of."""


def _fast(config: Algorithm) -> Backend:
    from amper.backends.fast import fast_backend  # it builds on this module

    return fast_backend(config)


_registered: dict[str, Factory] = {"golden": GoldenBackend, "exact": _fast}


def register_backend(name: str, factory: Factory) -> None:
    """Make ``factory`` known as the backend ``name``; one of that name before is forgotten.

    Raises TypeError : the name is no string, or the factory cannot be called.
    """
    if not isinstance(name, str):
        raise TypeError(f"name must be a string, not {name!r}")
    if not callable(factory):
        raise TypeError(f"factory must be callable with a configuration, not {factory!r}")
    _registered[name] = factory


def backends() -> tuple[str, ...]:
    """The names of all backends there are."""
    from importlib.metadata import entry_points  # slow to load, and most programs need none

    return tuple(sorted({*_registered, *entry_points(group=ENTRY_POINTS).names}))


def open_backend(backend: str | Factory, config: AmperConfig) -> Backend:
    """A new backend for the configuration.

    Raises
    ------
    TypeError : neither a name nor a factory. ValueError : no backend has this name. ImportError : it needs a package
    that is not installed. DeviceError : it cannot be opened.
    """
    if not isinstance(backend, str):
        if not callable(backend):
            raise TypeError(f"backend must be a name or callable with a configuration, not {backend!r}")
        return backend(config)
    if backend not in _registered:
        from importlib.metadata import entry_points

        found = entry_points(group=ENTRY_POINTS, name=backend)
        if not found:
            raise ValueError(f"backend must be one of {', '.join(backends())}, not {backend!r}")
        register_backend(backend, next(iter(found)).load())
    return _registered[backend](config)
