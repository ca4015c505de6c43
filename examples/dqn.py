"""CartPole by a DQN in one file, with prioritized n-step replay: python examples/dqn.py --steps 30000

Double Q-learning over a vector environment; all of the learner is here, to be changed.
Needs: pip install '.[train]'
"""

from __future__ import annotations

import argparse
import copy

import gymnasium
import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from amper import LinearSchedule, NStep, ReplayBuffer, Sampler

ENVS, BATCH, N_STEP, GAMMA = 4, 64, 3, 0.99
COLUMNS = {
    "obs": ("float32", 4), "action": "int64", "reward": "float32", "next_obs": ("float32", 4), "terminated": "bool",
    "truncated": "bool",
}  # fmt: skip


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2))


def learn(net: nn.Module, target: nn.Module, optimizer: torch.optim.Optimizer, buffer: ReplayBuffer) -> None:
    """One gradient step with the weighted Huber loss, and new priorities."""
    batch = buffer.sample(BATCH, tensors=True)
    with torch.no_grad():
        best = net(batch["next_obs"]).argmax(1, keepdim=True)
        following = target(batch["next_obs"]).gather(1, best)[:, 0]
        goal = batch["reward"] + batch["discount"] * ~batch["terminated"] * following
    value = net(batch["obs"]).gather(1, batch["action"][:, None])[:, 0]
    loss = (batch["weights"] * nn.functional.smooth_l1_loss(value, goal, reduction="none")).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    buffer.update_errors(batch["indices"], goal - value.detach())


def evaluate(net: nn.Module, seed: int) -> float:
    """Mean return of ten episodes without exploration."""
    env = gymnasium.make("CartPole-v1")
    total = 0.0
    for episode in range(10):
        obs, _ = env.reset(seed=seed + episode)
        over = False
        while not over:
            obs, reward, terminated, truncated, _ = env.step(int(net(torch.as_tensor(obs)).argmax()))
            total += float(reward)
            over = terminated or truncated
    return total / 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=30_000, help="environment steps (default 30000)")
    parser.add_argument("--mode", default="per", help="of amper.Sampler (default per)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)  # quicker for nets this small
    torch.manual_seed(options.seed)
    random = np.random.default_rng(options.seed)

    envs = gymnasium.make_vec("CartPole-v1", num_envs=ENVS)
    beta = LinearSchedule(0.4, 1.0, steps=options.steps // 2)
    sampler = Sampler(20_000, mode=options.mode, beta=beta, seed=options.seed)
    buffer = ReplayBuffer(20_000, COLUMNS, sampler, n_step=NStep(N_STEP, GAMMA, envs=ENVS))
    writer = buffer.writer(envs)
    net = network()
    target = copy.deepcopy(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-4)

    obs, _ = envs.reset(seed=options.seed)
    writer.reset(obs)
    for step in tqdm(range(0, options.steps, ENVS), unit="step", unit_scale=ENVS):
        explore = max(0.05, 1 - step / (0.2 * options.steps))
        with torch.no_grad():
            action = net(torch.as_tensor(obs)).argmax(1).numpy()
        action = np.where(random.random(ENVS) < explore, random.integers(0, 2, ENVS), action)
        result = envs.step(action)
        writer.add(action, *result)
        obs = result[0]
        if len(buffer) >= 200:
            for _ in range(2):
                learn(net, target, optimizer, buffer)
            if step % 1000 < ENVS:
                target.load_state_dict(net.state_dict())

    with torch.no_grad():
        score = evaluate(net, options.seed + 1000)
    kept = np.unique(buffer.sampler.priorities()).size
    print(f"mode {options.mode}, {options.steps} steps, {kept} priorities, mean score {score:.1f}")


if __name__ == "__main__":
    main()
