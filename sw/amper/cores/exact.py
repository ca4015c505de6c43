"""The core of ``bit_exact=True`` and of ``amper.Device``: float priorities here, codes and rows in a backend.

The draws are algorithm.md to the letter, by whatever backend does them; weights and checks are done here, so that
they are the same whatever draws.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from amper.backends.backend import Backend
from amper.backends.fast import fast_backend
from amper.cores.base import DONE, ILLEGAL, NOT_PLAIN, CoreBase, IndexArray, WeightsFunction, last_of_each, stored
from amper.cores.compiled import compiled_core
from amper.cores.initial import LARGEST, Initial
from amper.cores.weights import normalised_weights
from amper.model.changes import parameter_changes, stream_changes
from amper.model.quantise import quantise
from amper.model.settings import Settings
from amper_spec.algorithm import SCALE_FRACTION_WIDTH, Algorithm
from amper_spec.errors import DisabledError
from amper_spec.parameters import Parameter


class ExactCore(CoreBase):
    """A ``Core`` with codes of Q bits and the two streams of algorithm.md.

    Parameters
    ----------
    initial_kind, initial : of ``amper.cores.initial``.
    backend : what draws; fast software if None, of which ``compiled`` insists on one or the other as ``fast_backend``.

    Members
    -------
    settings : the parameters in force, but for the streams' states.
    """

    def __init__(
        self,
        config: Algorithm,
        *,
        alpha: float,
        eps: float,
        backend: Backend | None = None,
        compiled: bool | None = None,
        initial_kind: int = LARGEST,
        initial: float = 0.0,
    ) -> None:
        super().__init__(config.rows, alpha=alpha, eps=eps, weights=weights_function(compiled))
        self._compiled = compiled_core(compiled)
        self._config = config
        self.backend: Backend = fast_backend(config, compiled) if backend is None else backend
        self.settings = Settings(config)
        self._codes = np.zeros(config.rows, dtype=np.uint32)  # 0: nothing is held
        self._priorities = np.zeros(config.rows, dtype=np.float32)
        self._initial = Initial(initial_kind, initial, self._priorities)
        self.scale = config.neighbour_scale if config.variant == "k" else config.radius_scale

    @property
    def key(self) -> int:
        return self.backend.streams()[0]

    @key.setter
    def key(self, state: int) -> None:
        if self._config.variants == ("exact",):
            return  # there is no query stream: it stays as the seed left it
        self._set_stream(Parameter.QUERY_STATE_0, state)

    @property
    def counter(self) -> int:
        return self.backend.streams()[1]

    @counter.setter
    def counter(self, state: int) -> None:
        self._set_stream(Parameter.DRAW_STATE_0, state)

    def set_parameter(self, parameter: Parameter, value: int) -> None:
        """Change a parameter; ValueError, and nothing is changed, where parameters.md does not allow it."""
        with self._lock:
            if parameter >= Parameter.QUERY_STATE_0:
                self._take_streams()
            self.settings.set(parameter, value, empty=self.count == 0)
            self.backend.set_parameter(parameter, value)
            if parameter == Parameter.CLEAR:
                held = np.flatnonzero(self._codes)
                self._codes[:] = 0
                self._priorities[:] = 0.0
                self._initial.wrote(held, self._priorities[held])
                self.count = self.used = self.cursor = 0
            elif parameter == Parameter.ROWS:
                self._rows = value
                self.used = self.cursor = 0
            elif parameter in (Parameter.RADIUS, Parameter.NEIGHBOURS, Parameter.VARIANT):
                nearest = self.settings.variant == "k"
                fixed = self.settings.neighbours if nearest else self.settings.radius
                self.scale = fixed / (1 << SCALE_FRACTION_WIDTH)

    def get_parameter(self, parameter: Parameter) -> int:
        """The value of a parameter in force, in the form in which it is set; of CLEAR, 0."""
        with self._lock:
            self._take_streams()
            return self.settings.get(parameter)

    def become(self, other: ExactCore) -> None:
        """Hold and draw from now on what ``other``, of the same configuration, does."""
        other._take_streams()
        self.set_parameter(Parameter.CLEAR, 1)
        for change in parameter_changes(other.settings, self._config.variants):
            self.set_parameter(*change)
        self.load(other.priorities(), other.extra())
        for name in ("used", "cursor", "batches", "maximum", "scale", "share"):
            setattr(self, name, getattr(other, name))

    def write(self, indices: object, values: object, flags: int) -> int:
        if self._compiled is None or not self._initial.is_simple:
            return super().write(indices, values, flags)
        with self._lock:
            held, config = self._codes[: self._rows], self._config
            numbers = (self._eps, self._alpha, config.priority_scale, float(config.priority_max))
            found = self._compiled.Exact.coded(indices, values, flags, *numbers, held)
            if not found:
                return NOT_PLAIN if found is None else ILLEGAL
            priorities, codes = found
            if codes.size:
                assert isinstance(indices, np.ndarray)
                self.backend.write(indices, codes)
                kept = (self._codes, self._priorities, *self._initial.bounds())
                taken, used, maximum = self._compiled.Exact.kept(indices, priorities, codes, *kept)
                self.count += taken
                self.used, self.maximum = max(self.used, used), max(self.maximum, maximum)
        return DONE

    def priorities(self) -> NDArray[np.float32]:
        return self._priorities.copy()

    def extra(self) -> NDArray[np.uint32]:
        return self._codes.copy()

    def load(self, priorities: NDArray[np.float32], codes: NDArray[np.uint32]) -> None:
        """Put what ``priorities`` and ``extra`` gave into an empty core."""
        held = np.flatnonzero(codes)
        if held.size:
            self.backend.write(held, codes[held].astype(np.int64))
        self._priorities[:], self._codes[:] = priorities, codes
        self._initial.wrote(held, self._priorities[held])
        self.count = held.size

    def memory(self) -> int:
        return self._codes.nbytes + self._priorities.nbytes + self._initial.memory()

    def _can_draw(self) -> bool:
        if not self.settings.enable:
            raise DisabledError("sample needs the sampler enabled, and ENABLE is 0: set it to 1 first")
        return super()._can_draw()

    def _draw(self, batch: int) -> tuple[IndexArray, NDArray[np.float64]]:
        drawn, csp_size = self.backend.sample(batch)
        self.share = 1.0 if self.settings.variant == "exact" else csp_size / self.count
        # A code of 0 cannot come from the quantiser, so the weights' logarithm is defined.
        return drawn, self._codes[drawn].astype(np.float64)

    def _holds(self, rows: IndexArray) -> NDArray[np.bool_]:
        held: NDArray[np.bool_] = self._codes[rows] > 0
        return held

    def _let_go(self, rows: IndexArray) -> None:
        self.backend.write(rows, np.zeros(rows.size, dtype=np.int64))
        self._codes[rows] = 0
        self._priorities[rows] = 0.0
        once = np.unique(rows)
        self._initial.wrote(once, self._priorities[once])
        self.count = int(np.count_nonzero(self._codes))

    def _store(self, rows: IndexArray, values: NDArray[np.float64]) -> None:
        codes = quantise(values, self._config)
        self.backend.write(rows, codes)
        once, last = last_of_each(rows)
        self._took(once)
        self._codes[once] = codes[last]
        self._priorities[once] = stored(values[last])
        self._initial.wrote(once, self._priorities[once])
        self.maximum = max(self.maximum, float(values.max()))

    def _take_streams(self) -> None:
        """The streams' states into ``settings``, which then knows whether a change of one word is legal."""
        for stream, state in zip((self.settings.query, self.settings.draw), self.backend.streams(), strict=True):
            stream.s0, stream.s1 = state & (1 << 64) - 1, state >> 64

    def _set_stream(self, first: Parameter, state: int) -> None:
        for parameter, value in stream_changes(first, state):
            self.set_parameter(parameter, value)


def weights_function(compiled: bool | None = None) -> WeightsFunction:
    """``amper.cores.weights.normalised_weights``, or the same compiled, as ``compiled`` says."""
    core = compiled_core(compiled)
    return normalised_weights if core is None else core.Exact.weights
