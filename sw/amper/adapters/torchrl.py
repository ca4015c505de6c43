"""``AmperSampler``: TorchRL's prioritized sampler, drawing by AMPER or exactly proportionally; adapters.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from amper.adapters.base import LARGEST, SMALLEST, SamplerChoice, chosen_sampler, restored
from amper.adapters.lazy_minimum import LazyMinimum
from amper.adapters.torchrl_arguments import Index, converted, exponent_of, numbers_of, rows_of
from amper.sampler.options import ROWS_MAX, Mode
from amper.support.extras import require
from amper.support.files import load_state, save_state
from amper_spec.checks import checked_choice, checked_integer

require("torchrl.data.replay_buffers.samplers", "torchrl")
import torch  # noqa: E402
from torchrl.data.replay_buffers.samplers import PrioritizedSampler  # noqa: E402
from torchrl.data.replay_buffers.storages import Storage  # noqa: E402
from torchrl.data.replay_buffers.utils import unravel_index  # noqa: E402

STATE_VERSION = 1
FILE = "amper_sampler.npz"
REDUCTIONS = ("max", "min", "median", "mean")
_RAW_MAX = float(np.finfo(np.float32).max)
_UNBOUNDED = torch.iinfo(torch.int64).max  # what TorchRL's storages without a bound say


class AmperSampler(PrioritizedSampler):
    """Takes the place of ``torchrl.data.replay_buffers.samplers.PrioritizedSampler``.

    Parameters
    ----------
    max_capacity, alpha, beta, eps, dtype, reduction, max_priority_within_buffer, device : as in TorchRL. The device
        can only be the CPU; storages may be elsewhere.
    mode, seed, sampler, **options : what draws; see ``amper.adapters.base.chosen_sampler``.
    normalise : "buffer" gives TorchRL's weights, (p / least p of the buffer)^-beta, p = (priority + eps)^alpha;
        "batch" those of ``amper.Sampler``, the largest of a batch being 1. The default is "batch" for
        ``weights="inclusion"`` or a ``sampler`` of the caller's, else "buffer".

    Raises
    ------
    TypeError : a value of the wrong kind. ValueError : one out of its range, or two that exclude each other.
    """

    _highest: float | None  # the largest priority so far

    def __init__(
        self,
        max_capacity: int,
        alpha: float | torch.Tensor,
        beta: float | torch.Tensor,
        eps: float = 1e-8,
        dtype: torch.dtype = torch.float,
        reduction: str = "max",
        max_priority_within_buffer: bool = False,
        device: torch.device | str | None = None,
        *,
        mode: Mode | None = None,
        seed: int | None = None,
        sampler: SamplerChoice = None,
        normalise: Literal["buffer", "batch"] | None = None,
        **options: Any,
    ) -> None:
        # The constructor of the base class is left out: it makes trees, which need TorchRL's C++ extension.
        self._max_capacity = checked_integer("max_capacity", max_capacity, 1, ROWS_MAX)
        self._alpha, self._beta, self._eps = (
            exponent_of("alpha", alpha),
            exponent_of("beta", beta),
            exponent_of("eps", eps),
        )
        self._given = {"alpha": alpha, "beta": beta}  # a scheduler reads tensors back where it was given some
        if dtype not in (torch.float32, torch.float64):
            raise ValueError(f"dtype must be torch.float32 or torch.float64, not {dtype}")
        if device is not None and torch.device(device).type != "cpu":
            raise ValueError(f"device must be cpu, where amper draws (a storage may be elsewhere), not {device}")
        self.reduction = checked_choice("reduction", reduction, REDUCTIONS)
        self.dtype, self._device = dtype, torch.device("cpu")
        self._max_priority_within_buffer = max_priority_within_buffer
        inclusion = options.get("weights") == "inclusion"
        if normalise is None:
            normalise = "buffer" if sampler is None and not inclusion else "batch"
        self._normalise = checked_choice("normalise", normalise, ("buffer", "batch"))
        if inclusion and normalise == "buffer":
            raise ValueError("normalise must be batch with weights='inclusion', which is not known of a whole buffer")
        self._sampler = chosen_sampler(self._max_capacity, mode=mode, seed=seed, sampler=sampler, options=options)
        self._init()

    def __repr__(self) -> str:
        kept = f"alpha={self._alpha}, beta={self._beta}, eps={self._eps}, reduction={self.reduction}"
        return f"{type(self).__name__}({kept}, mode={getattr(self._sampler, 'mode', type(self._sampler).__name__)})"

    @property
    def device(self) -> torch.device:
        """Where indices and weights are given."""
        return self._device

    @property
    def alpha(self) -> float | torch.Tensor:
        """The priority exponent, as given: a number or a tensor of one.

        Setting it raises all stored priorities to the new one, exactly, also from 0.
        """
        return self._given["alpha"]

    @alpha.setter
    def alpha(self, value: float | torch.Tensor) -> None:
        self._alpha, self._given["alpha"] = exponent_of("alpha", value), value
        held = np.flatnonzero(self._raw.values < np.inf)
        if held.size:
            self._sampler.update(held, self._exponentiated(self._raw.values[held]))

    @property
    def beta(self) -> float | torch.Tensor:
        """The importance exponent, as given: a number or a tensor of one."""
        return self._given["beta"]

    @beta.setter
    def beta(self, value: float | torch.Tensor) -> None:
        self._beta, self._given["beta"] = exponent_of("beta", value), value

    @property
    def default_priority(self) -> float:
        """What a new row gets, before exponentiation: the largest so far (or in the buffer); 1 before the first."""
        if self._negated is not None:
            least = self._negated.least
            return -least if least < np.inf else 1.0
        return 1.0 if self._highest is None else self._highest

    @property
    def priorities(self) -> NDArray[np.float32]:
        """(max_capacity,): priorities before exponentiation, infinite where a row has none."""
        return self._raw.values.copy()

    def add(self, index: Index) -> None:
        """Nothing: the buffer has called ``mark_update`` already."""

    def extend(self, index: Index) -> None:
        """Nothing: the buffer has called ``mark_update`` already."""

    def mark_update(self, index: Index, *, storage: Storage | None = None) -> None:
        """Give new rows ``default_priority``."""
        self.update_priority(index, self.default_priority, storage=storage)

    def update_priority(self, index: Index, priority: float | torch.Tensor, *, storage: Storage | None = None) -> None:
        """Store priorities, which are not exponentiated yet; of a row that comes more than once the last counts.

        Parameters
        ----------
        index : rows, or (b, n) places in a storage of n dimensions; negative rows are passed over, as TorchRL's
            ``TensorDictMaxValueWriter`` needs it. priority : one number, or one for each row; finite, at least 0.

        Raises
        ------
        TypeError, ValueError : not integers or numbers, or out of range; a ``storage`` with room for more rows than
        the sampler has, at the first write already. RuntimeError, as in TorchRL : another number
        of priorities than of rows; places without a storage that has a shape. Nothing is stored then.
        """
        self._check_capacity(storage)
        rows = rows_of(index, storage, self._max_capacity)
        raw = numbers_of(priority)
        if raw.size != 1 and raw.size != rows.size:
            raise RuntimeError(f"priority must be one number or one for each of {rows.size} rows, not {raw.size}")
        if rows.size == 0:
            return
        low, high = np.minimum.reduce(raw), np.maximum.reduce(raw)
        if not (low >= 0 and high <= _RAW_MAX):
            wrong = raw[~((raw >= 0) & (raw <= _RAW_MAX))][0]
            raise ValueError(f"priority must be finite (as float32) and at least 0, not {wrong}")
        raw = np.full(rows.size, raw[0]) if raw.size < rows.size else raw
        if np.minimum.reduce(rows) < 0:
            raw, rows = raw[rows >= 0], rows[rows >= 0]
            if rows.size == 0:
                return
            high = np.maximum.reduce(raw)
        last = np.maximum.reduce(rows)
        if last >= self._max_capacity:
            raise ValueError(f"index must be below {self._max_capacity}, the capacity, not {last}")
        self._store(rows, raw.astype(np.float32), int(last))
        if self._highest is None or high > self._highest:
            self._highest = float(high)

    def sample(self, storage: Storage, batch_size: int) -> tuple[Any, dict[str, torch.Tensor]]:
        """Draw rows, with replacement.

        Returns
        -------
        int64 (batch_size,) rows, a tuple of places in a storage of several dimensions; {"priority_weight":
        (batch_size,) importance weights of ``dtype``}.

        Raises
        ------
        RuntimeError : an empty storage. NoValidRowError (a ValueError) : no row has a priority.
        """
        size = len(storage)
        if size == 0:
            raise RuntimeError("Cannot sample from an empty storage.")
        if self._used > size:
            self._forget(size)
        weights: NDArray[np.floating]
        rows, weights = self._sampler.sample(batch_size, self._beta)
        if self._normalise == "buffer":
            raised = np.maximum(self._raw.values[rows].astype(np.float64) + self._eps, SMALLEST)
            # (p / least p)^-beta, with one power.
            least = max(self._raw.least + self._eps, SMALLEST)
            weights = (raised / least) ** (-self._alpha * self._beta)
        index = torch.from_numpy(rows)
        info = {"priority_weight": torch.from_numpy(weights).to(self.dtype)}
        return (unravel_index(index, storage.shape) if storage.ndim > 1 else index), info

    def state_dict(self) -> dict[str, Any]:
        """All that ``load_state_dict`` needs to go on exactly like this sampler: numbers, strings and tensors."""
        state: dict[str, Any] = converted(self._state(), np.ndarray, lambda array: torch.from_numpy(array.copy()))
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Become what the sampler was that gave ``state_dict``; capacity and options must be equal; the seed is
        that of the state.

        Raises TypeError, ValueError : not such a state; this sampler stays as it was.
        """
        self._restore(converted(state_dict, torch.Tensor, lambda tensor: tensor.cpu().numpy()))

    def dumps(self, path: str | Path) -> None:
        """Save the state into the folder ``path``, made if need be, as one file that is replaced at once."""
        folder = Path(path).absolute()
        folder.mkdir(exist_ok=True)
        save_state(folder / FILE, self._state())

    def loads(self, path: str | Path) -> None:
        """Load what ``dumps`` saved. Raises OSError; ValueError : a damaged file, or as ``load_state_dict``."""
        self._restore(load_state(Path(path).absolute() / FILE))

    def _state(self) -> dict[str, Any]:
        numbers = {"alpha": self._alpha, "beta": self._beta, "eps": self._eps, "highest": self._highest}
        return {"amper_version": STATE_VERSION, **numbers, "raw": self._raw.values, "sampler": self._sampler.state()}

    def _restore(self, state: dict[str, Any]) -> None:
        version = state.get("amper_version") if isinstance(state, dict) else None
        if version != STATE_VERSION:
            raise ValueError(f"state_dict must be of an AmperSampler, version {STATE_VERSION}, not {version}")
        raw = state["raw"]
        if raw.shape != (self._max_capacity,):
            raise ValueError(f"state_dict must be of a sampler with capacity {self._max_capacity}, not {raw.size}")
        exponents = [exponent_of(name, state[name]) for name in ("alpha", "beta", "eps")]
        self._sampler = restored(self._sampler, state["sampler"])
        self._alpha, self._beta, self._eps = exponents
        self._given = {"alpha": self._alpha, "beta": self._beta}
        self._forget_all()
        self._highest = state["highest"]
        held = np.flatnonzero(raw < np.inf)
        if held.size:
            self._remember(held, raw[held])
            self._used = int(held[-1]) + 1

    def _empty(self) -> None:
        self._init()

    def _init(self) -> None:
        # The sampler goes on where its random words are: emptying a buffer must not repeat its draws.
        held = np.flatnonzero(self._raw.values < np.inf) if hasattr(self, "_raw") else np.zeros(0, dtype=np.int64)
        if held.size:
            self._sampler.remove(held)
        self._forget_all()

    def _forget_all(self) -> None:
        """No row has a priority."""
        self._raw = LazyMinimum(self._max_capacity)
        self._negated = LazyMinimum(self._max_capacity) if self._max_priority_within_buffer else None
        self._highest = None
        self._used = 0

    def _store(self, rows: NDArray[np.int64], raw: NDArray[np.float32], last: int) -> None:
        """Store priorities that were checked already."""
        stored = self._exponentiated(raw)
        if last < self._used and np.maximum.reduce(self._raw.values[rows]) < np.inf:
            self._sampler.update(rows, stored)  # the quicker of the two
        else:
            self._sampler.write(rows, stored)
            self._used = max(self._used, last + 1)
        self._remember(rows, raw)

    def _remember(self, rows: NDArray[np.int64], raw: NDArray[np.float32]) -> None:
        self._raw.write(rows, raw)
        if self._negated is not None:
            self._negated.write(rows, np.where(raw < np.inf, -raw, raw))

    def _forget(self, size: int) -> None:
        """Let go of rows from ``size`` on, which a storage that was emptied does not have any more."""
        rows = size + np.flatnonzero(self._raw.values[size:] < np.inf)
        self._sampler.remove(rows)
        self._remember(rows, np.full(rows.size, np.inf, dtype=np.float32))
        self._used = size

    def _check_capacity(self, storage: Storage | None) -> None:
        # A storage without a bound may stay small.
        most = getattr(storage, "max_size", 0)
        if self._max_capacity < most < _UNBOUNDED:
            raise ValueError(f"max_capacity must be at least the storage's {most}, not {self._max_capacity}")

    def _exponentiated(self, raw: NDArray[np.float32] | np.float32) -> NDArray[np.float64]:
        """p = (raw + eps)^alpha as a sampler would store it, but not rounded."""
        with np.errstate(over="ignore"):
            p = (np.asarray(raw, dtype=np.float64) + self._eps) ** self._alpha
        return np.minimum(np.maximum(p, SMALLEST), LARGEST)
