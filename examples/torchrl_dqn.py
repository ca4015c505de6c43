"""CartPole by TorchRL's DQN loss with prioritized replay: python examples/torchrl_dqn.py --steps 20000

Needs: pip install '.[torchrl]' gymnasium tqdm
"""

from __future__ import annotations

import argparse
import math

import numpy as np
import torch
from tensordict.nn import TensorDictSequential
from torchrl.collectors import Collector
from torchrl.data import LazyTensorStorage, TensorDictReplayBuffer
from torchrl.data.replay_buffers.scheduler import LinearScheduler
from torchrl.envs import GymEnv, RewardSum, StepCounter, TransformedEnv
from torchrl.envs.utils import ExplorationType, set_exploration_type
from torchrl.modules import MLP, EGreedyModule, QValueActor
from torchrl.objectives import DQNLoss, SoftUpdate
from tqdm import tqdm

from amper.adapters.torchrl import AmperSampler

ROWS, BATCH, FRAMES = 20_000, 64, 32


def environment(seed: int) -> TransformedEnv:
    made = TransformedEnv(GymEnv("CartPole-v1", categorical_action_encoding=True), RewardSum())
    made.append_transform(StepCounter())
    made.set_seed(seed)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20_000, help="environment steps (default 20000)")
    parser.add_argument("--mode", default="per", help="of amper.Sampler (default per)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)  # quicker for nets this small
    torch.manual_seed(options.seed)
    env = environment(options.seed)
    net = MLP(in_features=4, out_features=2, num_cells=[128, 128], activation_class=torch.nn.ReLU)
    actor = QValueActor(net, in_keys=["observation"], spec=env.action_spec, action_space="categorical")
    explore = EGreedyModule(env.action_spec, eps_init=1.0, eps_end=0.05, annealing_num_steps=max(1, options.steps // 5))
    loss_of = DQNLoss(actor, action_space="categorical", delay_value=True)
    loss_of.make_value_estimator(gamma=0.99)
    target = SoftUpdate(loss_of, eps=0.99)
    optimizer = torch.optim.Adam(loss_of.parameters(), lr=1e-3)
    sampler = AmperSampler(ROWS, alpha=0.6, beta=0.4, mode=options.mode, seed=options.seed)
    buffer = TensorDictReplayBuffer(storage=LazyTensorStorage(ROWS), sampler=sampler, batch_size=BATCH)
    beta = LinearScheduler(sampler, "beta", final_value=1.0, num_steps=max(1, options.steps // FRAMES))
    collector = Collector(
        env,
        TensorDictSequential(actor, explore),
        frames_per_batch=FRAMES,
        total_frames=math.ceil(options.steps / FRAMES) * FRAMES,
        auto_register_policy_transforms=True,
    )
    with tqdm(total=options.steps, unit="step") as bar:
        for frames in collector:
            buffer.extend(frames.reshape(-1))
            explore.step(frames.numel())
            beta.step()
            bar.update(frames.numel())
            for _ in range(8 if len(buffer) >= 4 * BATCH else 0):
                batch = buffer.sample()
                loss = loss_of(batch)["loss"]  # weighted by the batch's "priority_weight"; puts in "td_error"
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                target.step()
                buffer.update_tensordict_priority(batch)
    collector.shutdown()
    with torch.no_grad(), set_exploration_type(ExplorationType.DETERMINISTIC):
        scores = [environment(1000 + i).rollout(500, actor)["next", "reward"].sum().item() for i in range(10)]
    kept = np.unique(np.round(sampler.priorities[: len(buffer)], 6)).size
    print(f"mode {options.mode}, {options.steps} steps, {kept} priorities, mean score {np.mean(scores):.1f}")


if __name__ == "__main__":
    main()
