"""CartPole by Stable-Baselines3's DQN with prioritized replay: python examples/sb3_dqn.py --steps 30000

Needs: pip install '.[sb3]' tqdm
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy
from tqdm import tqdm

from amper.adapters.sb3 import PrioritizedDQN


class Progress(BaseCallback):
    """A bar of environment steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self.bar = tqdm(total=steps, unit="step")

    def _on_step(self) -> bool:
        self.bar.update(self.training_env.num_envs)
        return True

    def _on_training_end(self) -> None:
        self.bar.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=30_000, help="environment steps (default 30000)")
    parser.add_argument("--mode", default="per", help="of amper.Sampler (default per)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)  # quicker for nets this small
    model = PrioritizedDQN(
        "MlpPolicy",
        make_vec_env("CartPole-v1", n_envs=4, seed=options.seed),
        mode=options.mode,
        learning_rate=5e-4,
        buffer_size=20_000,
        learning_starts=200,
        batch_size=64,
        target_update_interval=500,
        train_freq=1,
        gradient_steps=2,
        exploration_fraction=0.2,
        policy_kwargs={"net_arch": [128, 128]},
        seed=options.seed,
    )
    model.learn(options.steps, callback=Progress(options.steps))
    score, _ = evaluate_policy(model, make_vec_env("CartPole-v1", seed=options.seed + 1), n_eval_episodes=10)
    kept = model.replay_buffer.sampler.priorities()[: model.replay_buffer.size() * 4]
    print(
        f"mode {options.mode}, {model.num_timesteps} steps, {np.unique(kept).size} priorities, mean score {score:.1f}"
    )


if __name__ == "__main__":
    main()
