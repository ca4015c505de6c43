"""CartPole by Tianshou's DQN with prioritized replay: python examples/tianshou_dqn.py --steps 20000

Needs: pip install '.[tianshou]'
"""

from __future__ import annotations

import argparse

import gymnasium
import numpy as np
import torch
from tianshou.algorithm import DQN
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, CollectStats
from tianshou.env import DummyVectorEnv
from tianshou.trainer import OffPolicyTrainerParams
from tianshou.utils.net.common import Net

from amper.adapters.tianshou import AmperVectorReplayBuffer

ENVIRONMENTS = 4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20_000, help="environment steps (default 20000)")
    parser.add_argument("--mode", default="per", help="of amper.Sampler (default per)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)  # quicker for nets this small
    np.random.seed(options.seed)
    torch.manual_seed(options.seed)
    training, test = (DummyVectorEnv([lambda: gymnasium.make("CartPole-v1")] * ENVIRONMENTS) for _ in range(2))
    training.seed(options.seed)
    test.seed(options.seed + 100)
    spaces = gymnasium.make("CartPole-v1")
    net = Net(state_shape=spaces.observation_space.shape, action_shape=spaces.action_space.n, hidden_sizes=[128, 128])
    policy = DiscreteQLearningPolicy(model=net, action_space=spaces.action_space, eps_training=0.1, eps_inference=0.0)
    algorithm = DQN(
        policy=policy,
        optim=AdamOptimizerFactory(lr=1e-3),
        gamma=0.99,
        n_step_return_horizon=3,
        target_update_freq=320,
    )
    buffer = AmperVectorReplayBuffer(20_000, ENVIRONMENTS, alpha=0.6, beta=0.4, mode=options.mode, seed=options.seed)
    collector = Collector[CollectStats](algorithm, training, buffer, exploration_noise=True)
    collector.reset()
    collector.collect(n_step=64 * ENVIRONMENTS)
    epochs = max(1, options.steps // 2000)
    result = algorithm.run_training(
        OffPolicyTrainerParams(
            training_collector=collector,
            test_collector=Collector[CollectStats](algorithm, test),
            max_epochs=epochs,
            epoch_num_steps=max(1, options.steps // epochs),
            collection_step_num_env_steps=4 * ENVIRONMENTS,
            test_step_num_episodes=10,
            batch_size=64,
            update_step_num_gradient_steps_per_sample=0.25,
            # As Schaul et al. 2016 anneal it.
            training_fn=lambda epoch, step: buffer.set_beta(min(1.0, 0.4 + 0.6 * step / options.steps)),
            stop_fn=lambda score: score >= 475,
        )
    )
    kept = buffer.weight[buffer.sample_indices(0)]
    print(f"mode {options.mode}, {np.unique(kept).size} priorities, best mean score {result.best_score:.1f}")


if __name__ == "__main__":
    main()
