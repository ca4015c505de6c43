"""The control table of ``amper reproduce``: environments, how DQN is set in each, and which runs there are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from amper.sampler.options import MODES
from amper_lab.train.options import TrainOptions
from amper_lab.train.runs import Series
from amper_spec.checks import checked_choice, checked_integer

SEEDS = 5
# What the options of a sampler's runs are, in the order of the tables; exact is what the hardware draws by default.
SAMPLERS: dict[str, dict[str, Any]] = {
    "uniform": {"sampler": "uniform"},
    "per": {"sampler": "per"},
    "exact": {"sampler": "per", "bit_exact": True},
    **{mode: {"sampler": mode} for mode in ("amper-fr-dithered", "amper-fr", "amper-fr-prefix", "amper-k")},
}
assert {chosen["sampler"] for chosen in SAMPLERS.values()} == set(MODES)

# Replay sizes are the paper's (arXiv 2207.07791, table of environments); the rest was chosen with the samplers
# uniform and per, docs/measurements/reproduce.md says how, and is the same for all samplers.
SETTINGS = {
    "CartPole-v1": TrainOptions(env="CartPole-v1", rows=2000, steps=20_000, update_every=1),
    "Acrobot-v1": TrainOptions(
        env="Acrobot-v1", rows=10_000, steps=25_000, hidden=64, warmup=1000, update_every=1, explore_part=0.5
    ),
    "LunarLander-v3": TrainOptions(
        env="LunarLander-v3", rows=20_000, steps=60_000, lr=6e-4, warmup=1000, update_every=1, target_period=250
    ),
    # Not of the paper: rewards are sparse, which is where prioritized replay is known to matter; no row is overwritten.
    "FrozenLake8x8-NotSlippery": TrainOptions(
        env="FrozenLake8x8-NotSlippery",
        rows=12_000,
        steps=12_000,
        hidden=64,
        warmup=1000,
        update_every=1,
        explore_part=0.8,
    ),
}

# The scores between which a task is unlearned and learned, fixed before its 30 seeds were run: a tenth of the way is
# the margin within which a sampler learns like PER.
RANGES = {
    "CartPole-v1": (0.0, 500.0),
    "Acrobot-v1": (-500.0, 0.0),
    "LunarLander-v3": (-200.0, 200.0),
    "FrozenLake8x8-NotSlippery": (0.0, 1.0),
}
MARGIN = 0.1
CLAIM_SEEDS = 30  # fewer claim nothing


def plan(
    folder: Path,
    *,
    envs: tuple[str, ...] = tuple(SETTINGS),
    samplers: tuple[str, ...] = tuple(SAMPLERS),
    seeds: int = SEEDS,
    rows: int | None = None,
) -> list[Series]:
    """The runs of the table.

    Parameters
    ----------
    folder : of the results. rows : another replay size, for all environments.

    Raises
    ------
    TypeError, ValueError : an unknown environment or sampler; what ``TrainOptions`` refuses.
    """
    seeds = checked_integer("seeds", seeds, 1, 10_000)
    made = []
    for env in envs:
        options = SETTINGS[checked_choice("env", env, tuple(SETTINGS))]
        for sampler in samplers:
            ours = SAMPLERS[checked_choice("sampler", sampler, tuple(SAMPLERS))]
            chosen = replace(options, **ours, rows=options.rows if rows is None else rows)
            made.append(Series(chosen, seeds, folder / "runs" / f"{env}-{chosen.rows}-{sampler}.json"))
    return made


def sampler_of(options: dict[str, Any]) -> str:
    """Which of ``SAMPLERS`` the options of a run are of."""
    return "exact" if options["sampler"] == "per" and options["bit_exact"] else str(options["sampler"])
