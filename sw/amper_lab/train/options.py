"""``TrainOptions``: what a training run depends on, besides its seed; docs/software/training.md."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from amper.sampler.options import MODES
from amper_spec.checks import checked_choice, checked_integer, checked_real

BACKENDS = ("software", "golden", "exact", "rtl")

# Smallest and largest legal value of each integer, and of each real number.
_INTEGERS = {
    "rows": (1, 1 << 28),
    "steps": (1, 10**9),
    "batch": (1, 4096),
    "warmup": (1, 10**9),
    "update_every": (1, 10**6),
    "target_period": (1, 10**9),
    "hidden": (1, 4096),
    "evaluations": (1, 10_000),
    "episodes": (1, 1000),
}
_REALS = {
    "lr": (1e-9, 1.0),
    "discount": (0.0, 1.0),
    "explore_last": (0.0, 1.0),
    "explore_part": (0.0, 1.0),
    "alpha": (0.0, 1.0),
    "eps": (1e-12, 1.0),
    "beta": (0.0, 1.0),
}


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """A training run: DQN (Mnih et al. 2015) with a replay buffer.

    Parameters
    ----------
    env : Gymnasium environment with a flat real observation and discrete actions.
    sampler : a mode of ``amper.Sampler``.
    rows : transitions that the replay buffer holds.
    steps : environment steps. batch : transitions of an update. lr : Adam's step size.
    discount : of a step. double : double DQN (van Hasselt et al. 2016).
    hidden : units in each of the two hidden layers.
    warmup : steps before the first update. update_every : steps from one update to the next.
    target_period : updates from one copy into the target network to the next.
    explore_last, explore_part : in this part of the steps, the chance of a random action falls from 1 to
        ``explore_last``.
    alpha, eps, beta : of prioritized replay; beta grows to 1 in a straight line.
    scale, csp_share : as in ``amper.Sampler``; None: its default.
    bit_exact : draw the indices of the golden model. backend : who draws; all but "software" are an ``amper.Device``,
        bit-exact with a fixed scale.
    evaluations, episodes : how often the policy is tried, evenly over the steps, and for how many episodes; with
        ``explore_last``, as Mnih et al. do.

    Raises
    ------
    TypeError : a value of the wrong kind. ValueError : a value out of its range, or two that exclude each other.
    """

    env: str = "CartPole-v1"
    sampler: str = "per"
    rows: int = 2000
    steps: int = 20_000
    batch: int = 64
    lr: float = 1e-3
    discount: float = 0.99
    double: bool = True
    hidden: int = 128
    warmup: int = 500
    update_every: int = 2
    target_period: int = 100
    explore_last: float = 0.05
    explore_part: float = 0.2
    alpha: float = 0.6
    eps: float = 1e-6
    beta: float = 0.4
    scale: float | None = None
    csp_share: float | None = None
    bit_exact: bool = False
    backend: str = "software"
    evaluations: int = 20
    episodes: int = 10

    def __post_init__(self) -> None:
        if not isinstance(self.env, str):
            raise TypeError(f"env must be a string, not {self.env!r}")
        checked_choice("sampler", self.sampler, MODES)
        checked_choice("backend", self.backend, BACKENDS)
        for name in ("double", "bit_exact"):
            if not isinstance(getattr(self, name), bool):
                raise TypeError(f"{name} must be True or False, not {getattr(self, name)!r}")
        for name, (low, high) in _INTEGERS.items():
            self._set(name, checked_integer(name, getattr(self, name), low, high))
        for name, (least, most) in _REALS.items():
            number = checked_real(name, getattr(self, name))
            if not least <= number <= most:
                raise ValueError(f"{name} must be {least:g} to {most:g}, not {number}")
            self._set(name, number)
        if self.evaluations > self.steps:
            raise ValueError(f"evaluations must be at most the {self.steps} steps, not {self.evaluations}")
        if self.backend != "software" and self.sampler in ("per", "uniform"):
            raise ValueError(f"backend {self.backend} needs a mode of AMPER, not {self.sampler}")
        if self.backend != "software" and self.csp_share is not None:
            raise ValueError(f"csp_share needs backend software, not {self.backend}, whose scale is fixed")

    def _set(self, name: str, value: object) -> None:
        object.__setattr__(self, name, value)  # the class is frozen; this is its constructor

    def due(self, step: int) -> bool:
        """Whether an update follows this step, counted from 1."""
        return step >= self.warmup and step % self.update_every == 0

    def to_dict(self) -> dict[str, Any]:
        """The options by name."""
        return asdict(self)
