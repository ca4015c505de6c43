"""``TrainOptions``: what a training run depends on, besides its seed; docs/software/training.md."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from amper.sampler.options import MODES, ROWS_MAX
from amper_spec.declare import Declared, documented, parameter
from amper_spec.rules import Between, Choice, Integer, Real, Switch, Text

BACKENDS = ("software", "golden", "exact", "rtl")

_MANY = Integer(1, 10**9)
_PART = Between(0.0, 1.0)


@documented
@dataclass(frozen=True, kw_only=True)
class TrainOptions(Declared):
    """A training run: DQN (Mnih et al. 2015) with a replay buffer.

    Parameters
    ----------
    {parameters}

    Raises
    ------
    TypeError : a value of the wrong kind. ValueError : a value out of its range, or two that exclude each other.
    """

    env: str = parameter(
        "CartPole-v1", Text(), "NAME", "Gymnasium environment: flat real or discrete observation, discrete actions"
    )
    sampler: str = parameter("per", Choice(MODES), "MODE", "a mode of amper.Sampler")
    rows: int = parameter(2000, Integer(1, ROWS_MAX), "N", "transitions in the replay buffer")
    steps: int = parameter(20_000, _MANY, "N", "environment steps of a run")
    batch: int = parameter(64, Integer(1, 4096), "N", "transitions of an update")
    lr: float = parameter(1e-3, Between(1e-9, 1.0), "X", "Adam's step size")
    discount: float = parameter(0.99, _PART, "X", "of a step")
    double: bool = parameter(True, Switch(), "X", "double DQN (van Hasselt et al. 2016)")
    hidden: int = parameter(128, Integer(1, 4096), "N", "units in each of the two hidden layers")
    warmup: int = parameter(500, _MANY, "N", "steps before the first update")
    update_every: int = parameter(2, Integer(1, 10**6), "N", "steps from one update to the next")
    target_period: int = parameter(100, _MANY, "N", "updates from one copy into the target network to the next")
    explore_last: float = parameter(0.05, _PART, "X", "chance of a random action in the end, and in evaluations")
    explore_part: float = parameter(0.2, _PART, "X", "part of the steps in which that chance falls from 1")
    alpha: float = parameter(0.6, _PART, "X", "priority exponent")
    eps: float = parameter(1e-6, Between(1e-12, 1.0), "X", "added to every absolute TD error")
    beta: float = parameter(0.4, _PART, "X", "importance exponent at the start; grows to 1 in a straight line")
    scale: float | None = parameter(None, Real("as of amper.Sampler"), "X", "lambda' (of amper-k lambda), fixed")
    csp_share: float | None = parameter(None, Real("0 to 1"), "X", "the |CSP|/n that the scale adapts to instead")
    bit_exact: bool = parameter(False, Switch(), "X", "draw the indices of the golden model")
    backend: str = parameter("software", Choice(BACKENDS), "B", "who draws; not software: bit-exact, fixed scale")
    evaluations: int = parameter(20, Integer(1, 10_000), "N", "how often the policy is tried, evenly over the steps")
    episodes: int = parameter(10, Integer(1, 1000), "N", "episodes of an evaluation")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.evaluations > self.steps:
            raise ValueError(f"evaluations must be at most the {self.steps} steps, not {self.evaluations}")
        if self.backend != "software" and self.sampler == "uniform":
            raise ValueError(f"backend {self.backend} needs a mode that hardware has, not {self.sampler}")
        if self.backend != "software" and self.csp_share is not None:
            raise ValueError(f"csp_share needs backend software, not {self.backend}, whose scale is fixed")

    def due(self, step: int) -> bool:
        """Whether an update follows this step, counted from 1."""
        return step >= self.warmup and step % self.update_every == 0

    def explore(self, step: int) -> float:
        """The chance of a random action at this step."""
        falling = self.explore_part * self.steps
        done = min(1.0, step / falling) if falling else 1.0
        return 1.0 + (self.explore_last - 1.0) * done

    def to_dict(self) -> dict[str, Any]:
        """The options by name."""
        return asdict(self)
