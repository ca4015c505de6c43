"""The core of ``bit_exact=True`` and of ``amper.Device``: float priorities on this side, codes and rows on the other.

The draws are algorithm.md to the letter, by whatever backend does them; weights and checks are done here, so that
they are the same whatever draws.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from amper.cores.base import DONE, NOT_PLAIN, CoreBase, IndexArray, is_batch, is_plain, stored
from amper.cores.compiled import compiled_core
from amper.cores.engine import new_engine
from amper.cores.weights import normalised_weights
from amper.model.backend import Backend
from amper.model.changes import parameter_changes, stream_changes
from amper.model.quantise import quantise
from amper.model.settings import Settings
from amper_spec.algorithm import SCALE_FRACTION_WIDTH, Algorithm
from amper_spec.errors import DisabledError
from amper_spec.parameters import Parameter


class ExactCore(CoreBase):
    """Members and methods of ``amper.cores._core.Core``, with codes of Q bits and the two streams of algorithm.md.

    Parameters
    ----------
    backend : what draws; fast software if None, of which ``compiled`` insists on one or the other as ``new_engine``.

    Members
    -------
    key, counter : states of the query stream and of the draw stream, 128 bits each. scale, share : lambda' or, for k,
        lambda; |CSP|/n of the latest batch. settings : the parameters in force, but for the streams' states.
    """

    shift = 0

    def __init__(
        self,
        config: Algorithm,
        *,
        alpha: float,
        eps: float,
        backend: Backend | None = None,
        compiled: bool | None = None,
    ) -> None:
        super().__init__(config.rows, alpha=alpha, eps=eps)
        self._config = config
        self._weights = weights_function(compiled)
        self.backend: Backend = new_engine(config, compiled) if backend is None else backend
        self.settings = Settings(config)
        self._codes = np.zeros(config.rows, dtype=np.uint32)  # 0: nothing is held
        self._priorities = np.zeros(config.rows, dtype=np.float32)
        self.scale = config.neighbour_scale if config.variant == "k" else config.radius_scale

    @property
    def key(self) -> int:
        """State of the query stream."""
        return self.backend.streams()[0]

    @key.setter
    def key(self, state: int) -> None:
        self._set_stream(Parameter.QUERY_STATE_0, state)

    @property
    def counter(self) -> int:
        """State of the draw stream."""
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
                self._codes[:] = 0
                self._priorities[:] = 0.0
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

    def sample(self, batch: object, beta: object) -> tuple[IndexArray, NDArray[np.float32]] | None:
        """(indices, weights); None if the arguments are not an int above 0 and a float, or nothing is held."""
        if not is_batch(batch, beta):
            return None
        assert isinstance(batch, int)
        assert isinstance(beta, float)
        with self._lock:
            if not self.settings.enable:
                raise DisabledError("sample needs the sampler enabled, and ENABLE is 0: set it to 1 first")
            if self.count == 0:
                return None
            drawn, csp_size = self.backend.sample(batch)
            self.share = csp_size / self.count
            self.batches += 1
            # A code of 0 cannot come from the quantiser, so the logarithm is defined.
            return drawn, self._weights(self._codes[drawn].astype(np.float64), beta)

    def priorities(self) -> NDArray[np.float32]:
        """(rows,): the priorities as given, 0 where nothing is held."""
        return self._priorities.copy()

    def extra(self) -> NDArray[np.uint32]:
        """(rows,): the codes, 0 where nothing is held."""
        return self._codes.copy()

    def load(self, priorities: NDArray[np.float32], codes: NDArray[np.uint32]) -> None:
        """Put what ``priorities`` and ``extra`` gave into an empty core."""
        held = np.flatnonzero(codes)
        if held.size:
            self.backend.write(held, codes[held].astype(np.int64))
        self._priorities[:], self._codes[:] = priorities, codes
        self.count = held.size

    def cover(self) -> NDArray[np.float64]:
        """Nothing: only estimated weights need it."""
        return np.zeros(0)

    def set_cover(self, cover: NDArray[np.float64]) -> int:
        """Put back what ``cover`` gave."""
        return DONE if is_plain(cover, np.float64) and cover.size == 0 else NOT_PLAIN

    def set_shift(self, shift: int) -> None:
        """There is no sum tree."""

    def memory(self) -> int:
        """Bytes on this side."""
        return self._codes.nbytes + self._priorities.nbytes

    def _holds(self, rows: IndexArray) -> NDArray[np.bool_]:
        held: NDArray[np.bool_] = self._codes[rows] > 0
        return held

    def _let_go(self, rows: IndexArray) -> None:
        self.backend.write(rows, np.zeros(rows.size, dtype=np.int64))
        self._codes[rows] = 0
        self._priorities[rows] = 0.0
        self.count = int(np.count_nonzero(self._codes))

    def _store(self, rows: IndexArray, values: NDArray[np.float64]) -> None:
        codes = quantise(values, self._config)
        self.backend.write(rows, codes)
        # Of a row that comes more than once, the last value counts; NumPy leaves open which one assignment would take.
        once, last = np.unique(rows[::-1], return_index=True)
        self.count += int(np.count_nonzero(self._codes[once] == 0))
        self._codes[once] = codes[::-1][last]
        self._priorities[once] = stored(values[::-1][last])
        self.maximum = max(self.maximum, float(values.max()))
        self.used = max(self.used, int(once[-1]) + 1)

    def _take_streams(self) -> None:
        """The streams' states into ``settings``, which then knows whether a change of one word is legal."""
        for stream, state in zip((self.settings.query, self.settings.draw), self.backend.streams(), strict=True):
            stream.s0, stream.s1 = state & (1 << 64) - 1, state >> 64

    def _set_stream(self, first: Parameter, state: int) -> None:
        for parameter, value in stream_changes(first, state):
            self.set_parameter(parameter, value)


WeightsFunction = Callable[[NDArray[np.float64], float], NDArray[np.float32]]


def weights_function(compiled: bool | None = None) -> WeightsFunction:
    """``amper.cores.weights.normalised_weights``, or the same compiled, as ``new_engine`` chooses."""
    if compiled_core is None or compiled is False:
        return normalised_weights
    compiled_weights: WeightsFunction = compiled_core.Exact.weights
    return compiled_weights
