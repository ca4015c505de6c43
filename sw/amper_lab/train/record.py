"""Record a `Trace`: DQN on a Gymnasium environment with ordinary (proportional) prioritized replay.

The learner is deliberately plain: the DQN of Mnih et al. 2015 (target network, epsilon-greedy, Huber loss)
with the prioritized replay of Schaul et al. 2016, arXiv 1511.05952, algorithm 1. PyTorch, Gymnasium and tqdm
are imported only here, and only when a recording starts: reading a trace takes NumPy alone.
"""

from __future__ import annotations

import importlib
import platform
from dataclasses import asdict, dataclass
from importlib.metadata import version
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from amper.operations.trace import Kind, Trace
from amper.support.threads import one_thread

if TYPE_CHECKING:
    import gymnasium
    import torch

__all__ = ["MissingExtraError", "RecordConfig", "record"]

# Smallest and largest legal value of each integer parameter.
_RANGES = {
    "rows": (1, 1 << 20),
    "batch": (1, 4096),
    "operations": (1, 10_000_000),
    "seed": (0, (1 << 31) - 1),
}
# How the agent learns, recorded in the metadata. Of about fifty settings tried, among the surest to learn
# CartPole in a few hundred batches; with 64 units and a target period of 10 the Q-values diverged.
_HIDDEN = 256  # units in each of the two hidden layers
_LEARNING_RATE = 4e-3
_DISCOUNT = 0.98
_STEPS_PER_BATCH = 8  # environment steps from one learning step to the next
_WARMUP_BATCHES = 4  # transitions stored before the first draw, in batches
_TARGET_PERIOD = 25  # learning steps from one copy into the target network to the next
_EXPLORE_FIRST, _EXPLORE_LAST = 1.0, 0.04  # chance of a random action, which falls linearly
_EXPLORE_PART = 0.3  # part of the recording, in operations, during which it falls


class MissingExtraError(ImportError):
    """A package that only recording needs is not installed."""


@dataclass(frozen=True, kw_only=True)
class RecordConfig:
    """What to record.

    Parameters
    ----------
    env : Gymnasium environment with a flat real observation and discrete actions.
    rows : capacity of the replay buffer, 1 to 2^20; the oldest row is overwritten once it is full.
    batch : rows per draw, 1 to 4096.
    operations : least number of operations (each write, draw and update counts as one), 1 to 10,000,000. The
        recording ends with the first write or whole learning step that reaches it: a draw keeps its updates.
    alpha : priority exponent, 0 to 1.
    eps : added to every absolute TD error, 1e-12 to 1, so that no float32 priority is 0.
    beta : importance exponent at the first operation, 0 to 1; it rises linearly to 1 at the last.
    seed : of everything random, 0 to 2^31 - 1.

    Raises
    ------
    TypeError : a value of the wrong kind. ValueError : a value out of its range.
    """

    env: str = "CartPole-v1"
    rows: int = 2000
    batch: int = 64
    operations: int = 30_000
    alpha: float = 0.6
    eps: float = 1e-6
    beta: float = 0.4
    seed: int = 1

    def __post_init__(self) -> None:
        if not isinstance(self.env, str):
            raise TypeError(f"env must be a string, got {self.env!r}")
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise TypeError(f"{name} must be an integer, got {value!r}")
            if not low <= value <= high:
                raise ValueError(f"{name} must be {low} to {high}, got {value}")
        for name in ("alpha", "eps", "beta"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool):
                raise TypeError(f"{name} must be a real number, got {value!r}")
        for name in ("alpha", "beta"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be 0 to 1, got {getattr(self, name)}")
        if not 1e-12 <= self.eps <= 1:
            raise ValueError(f"eps must be 1e-12 to 1, got {self.eps}")


class _Replay:
    """Replay buffer with proportional prioritized draws, which logs each of its operations.

    Priorities are float32, already exponentiated: what is logged is exactly what the draws used.
    """

    def __init__(self, config: RecordConfig, observation_size: int, rng: np.random.Generator) -> None:
        self.config, self.rng = config, rng
        self.level = 0  # rows written at least once
        self.next_row = 0
        self.largest = np.float32(1)  # largest priority so far: what a new transition gets
        self.priority = np.zeros(config.rows, np.float32)
        self.before = np.zeros((config.rows, observation_size), np.float32)
        self.after = np.zeros_like(self.before)
        self.action = np.zeros(config.rows, np.int64)
        self.reward = np.zeros(config.rows, np.float32)
        self.terminated = np.zeros(config.rows, np.float32)
        self.log: list[tuple[Kind, int, np.float32]] = []
        self.draws: list[NDArray[np.int32]] = []

    def write(self, before: Any, action: int, reward: float, after: Any, terminated: bool) -> None:
        """Store one transition over the oldest row, with the largest priority so far."""
        row = self.next_row
        self.before[row], self.after[row] = before, after
        self.action[row], self.reward[row], self.terminated[row] = action, reward, terminated
        self.priority[row] = self.largest
        self.next_row = (row + 1) % self.config.rows
        self.level = max(self.level, row + 1)
        self.log.append((Kind.WRITE, row, self.largest))

    def draw(self, beta: float) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Draw (batch,) rows, each with probability p / sum(p), and their (batch,) importance weights."""
        # float64: a running float32 sum would lose small priorities.
        share = self.priority[: self.level].astype(np.float64)
        share /= share.sum()
        rows = self.rng.choice(self.level, size=self.config.batch, p=share).astype(np.int32)
        weights = (self.level * share[rows]) ** -beta
        self.log.append((Kind.DRAW, -1, np.float32(np.nan)))
        self.draws.append(rows)
        return rows, (weights / weights.max()).astype(np.float32)

    def update(self, rows: NDArray[np.int32], td: NDArray[np.float32]) -> None:
        """Give (batch,) rows the priority of their (batch,) TD errors, in draw order."""
        exact = (np.abs(td.astype(np.float64)) + self.config.eps) ** self.config.alpha
        for row, priority in zip(rows.tolist(), exact.astype(np.float32), strict=True):
            self.priority[row] = priority
            self.largest = max(self.largest, priority)
            self.log.append((Kind.UPDATE, row, priority))


class _Agent:
    """Q-network of two hidden layers with its target network."""

    def __init__(self, observation_size: int, actions: int, seed: int) -> None:
        import torch

        def network() -> torch.nn.Sequential:
            return torch.nn.Sequential(
                torch.nn.Linear(observation_size, _HIDDEN),
                torch.nn.ReLU(),
                torch.nn.Linear(_HIDDEN, _HIDDEN),
                torch.nn.ReLU(),
                torch.nn.Linear(_HIDDEN, actions),
            )

        # Initial weights come from torch's global generator: seed a copy of it, and leave the caller's alone.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.online, self.target = network(), network()
        self.target.load_state_dict(self.online.state_dict())
        self.optimizer = torch.optim.Adam(self.online.parameters(), lr=_LEARNING_RATE)
        self.actions = actions
        self.batches = 0

    def best_action(self, observation: Any) -> int:
        """Action of the largest Q-value for one (observation_size,) observation."""
        import torch

        with torch.no_grad():
            return int(self.online(torch.as_tensor(observation, dtype=torch.float32)).argmax())

    def learn(self, replay: _Replay, beta: float) -> None:
        """One learning step: draw a batch, descend its weighted Huber loss, rewrite its priorities."""
        import torch

        rows, weights = replay.draw(beta)
        before, after = torch.from_numpy(replay.before[rows]), torch.from_numpy(replay.after[rows])
        action, reward = torch.from_numpy(replay.action[rows]), torch.from_numpy(replay.reward[rows])
        with torch.no_grad():
            future = self.target(after).max(dim=1).values * (1 - torch.from_numpy(replay.terminated[rows]))
        value = self.online(before).gather(1, action[:, None])[:, 0]
        goal = reward + _DISCOUNT * future
        loss = torch.nn.functional.smooth_l1_loss(value, goal, reduction="none")
        self.optimizer.zero_grad()
        (torch.from_numpy(weights) * loss).mean().backward()
        self.optimizer.step()
        self.batches += 1
        if self.batches % _TARGET_PERIOD == 0:
            self.target.load_state_dict(self.online.state_dict())
        replay.update(rows, (goal - value).detach().numpy())


def record(config: RecordConfig, *, command: str | None = None, progress: bool = True) -> Trace:
    """Run DQN with prioritized replay and return its replay operations.

    The same ``config`` gives the same trace on one machine and one set of package versions; elsewhere the
    last bit of PyTorch's arithmetic may differ, and with it, soon, the whole run.

    Parameters
    ----------
    config : what to record.
    command : command line to name in the metadata as the trace's origin, if any.
    progress : show a progress bar, in operations, on standard error.

    Raises
    ------
    MissingExtraError : PyTorch, Gymnasium or tqdm is not installed.
    ValueError : no such environment, or its observations are not flat or its actions not discrete.
    """
    for name in ("torch", "gymnasium", "tqdm"):  # all now: not the last of them after the rest has run
        _import_extra(name)
    action_seed, draw_seed, agent_seed = np.random.SeedSequence(config.seed).spawn(3)
    env, observation_size, actions = _make_env(config.env)
    replay = _Replay(config, observation_size, np.random.default_rng(draw_seed))
    with one_thread():
        agent = _Agent(observation_size, actions, int(agent_seed.generate_state(1)[0]))
        returns = _run(config, env, agent, replay, np.random.default_rng(action_seed), progress)
    env.close()
    kind, row, priority = zip(*replay.log, strict=True)
    return Trace(
        kind=np.array(kind, np.uint8),
        row=np.array(row, np.int32),
        priority=np.array(priority, np.float32),
        draws=np.array(replay.draws, np.int32).reshape(-1, config.batch),
        metadata=_metadata(config, command, returns),
    )


def _run(
    config: RecordConfig,
    env: gymnasium.Env[Any, Any],
    agent: _Agent,
    replay: _Replay,
    rng: np.random.Generator,
    progress: bool,
) -> list[float]:
    """Act and learn until ``replay`` has logged enough; returns the return of each finished episode."""
    returns: list[float] = []
    total = 0.0
    steps = 0
    observation, _ = env.reset(seed=config.seed)
    with _import_extra("tqdm").tqdm(total=config.operations, unit="op", disable=not progress) as bar:
        while len(replay.log) < config.operations:
            done = len(replay.log) / config.operations
            fallen = min(1.0, done / _EXPLORE_PART)
            explore = _EXPLORE_FIRST + (_EXPLORE_LAST - _EXPLORE_FIRST) * fallen
            action = int(rng.integers(agent.actions))
            if rng.random() >= explore:
                action = agent.best_action(observation)
            after, reward, terminated, truncated, _ = env.step(action)
            replay.write(observation, action, float(reward), after, terminated)
            total += float(reward)
            steps += 1
            observation = after
            if terminated or truncated:
                returns.append(total)
                total = 0.0
                observation, _ = env.reset()
            # A recording of this many writes is complete: its last operation need not be a learning step.
            due = steps >= _WARMUP_BATCHES * config.batch and steps % _STEPS_PER_BATCH == 0
            if due and len(replay.log) < config.operations:
                agent.learn(replay, config.beta + (1 - config.beta) * done)
            bar.update(min(len(replay.log), config.operations) - bar.n)
    return returns


def _import_extra(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"recording needs the package {name}, which cannot be imported ({error}); "
            "install it with: pip install 'amper[record]'",
            name=name,
        ) from error


def _make_env(name: str) -> tuple[gymnasium.Env[Any, Any], int, int]:
    """The environment, the length of its observations and the number of its actions."""
    import gymnasium

    try:
        env = gymnasium.make(name)
    except gymnasium.error.Error as error:
        raise ValueError(f"env must be a Gymnasium environment, got {name!r}: {error}") from error
    seen, done = env.observation_space, env.action_space
    if not isinstance(seen, gymnasium.spaces.Box) or len(seen.shape) != 1:
        raise ValueError(f"env must have a flat real observation, got {name!r} with {seen}")
    if not isinstance(done, gymnasium.spaces.Discrete) or done.start != 0:
        raise ValueError(f"env must have discrete actions from 0, got {name!r} with {done}")
    return env, seen.shape[0], int(done.n)


def _metadata(config: RecordConfig, command: str | None, returns: list[float]) -> dict[str, Any]:
    """All it takes to record the trace again, and how the agent fared."""
    return {
        **asdict(config),
        "beta": {"first": config.beta, "last": 1.0},
        "priority_domain": "exponentiated: (|td error| + eps) ** alpha",
        "agent": {
            "algorithm": "DQN",
            "hidden": [_HIDDEN, _HIDDEN],
            "learning_rate": _LEARNING_RATE,
            "discount": _DISCOUNT,
            "steps_per_batch": _STEPS_PER_BATCH,
            "warmup_steps": _WARMUP_BATCHES * config.batch,
            "target_period_batches": _TARGET_PERIOD,
            "explore": {"first": _EXPLORE_FIRST, "last": _EXPLORE_LAST, "part": _EXPLORE_PART},
        },
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("amper", "gymnasium", "numpy", "torch")},
        },
        "command": command,
        "episode_returns": returns,
    }
