"""CartPole by Ape-X: actors in processes of their own fill a sharded replay, one learner draws from it.

    python examples/apex.py --actors 4 --updates 5000

Each actor explores as much as Horgan et al. 2018 have it, and acts by the learner's network, which it reads from shared
memory. Needs: pip install '.[train]'
"""

from __future__ import annotations

import argparse
import copy
from typing import Any

import gymnasium
import numpy as np
import torch
from torch import multiprocessing, nn
from tqdm import tqdm

from amper import NStep
from amper.distributed import ShardedReplay, ShardWriter

BATCH, BATCHES, N_STEP, GAMMA = 64, 4, 3, 0.99
COLUMNS = {
    "obs": ("float32", 4), "action": "int64", "reward": "float32", "next_obs": ("float32", 4), "terminated": "bool",
    "truncated": "bool",
}  # fmt: skip


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 2))


def act(number: int, actors: int, net: nn.Module, writer: ShardWriter, over: Any) -> None:
    """Play until the learner has enough; a process of its own."""
    torch.set_num_threads(1)
    explore = 0.4 ** (1 + 7 * number / max(1, actors - 1))
    random = np.random.default_rng(number)
    env = gymnasium.make("CartPole-v1")
    obs, _ = env.reset(seed=number)
    with writer, torch.no_grad():
        while not over.is_set():
            greedy = int(net(torch.as_tensor(obs)).argmax())
            action = int(random.integers(2)) if random.random() < explore else greedy
            after, reward, terminated, truncated, _ = env.step(action)
            writer.add(
                obs=obs, action=action, reward=float(reward), next_obs=after, terminated=terminated, truncated=truncated
            )
            obs = env.reset()[0] if terminated or truncated else after


def learn(net: nn.Module, target: nn.Module, optimizer: torch.optim.Optimizer, drawn: dict[str, Any]) -> np.ndarray:
    """One gradient step with the weighted Huber loss; the TD errors."""
    batch = {name: torch.from_numpy(column) for name, column in drawn.items()}
    with torch.no_grad():
        best = net(batch["next_obs"]).argmax(1, keepdim=True)
        following = target(batch["next_obs"]).gather(1, best)[:, 0]
        goal = batch["reward"] + batch["discount"] * ~batch["terminated"] * following
    value = net(batch["obs"]).gather(1, batch["action"][:, None])[:, 0]
    loss = (batch["weights"] * nn.functional.smooth_l1_loss(value, goal, reduction="none")).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return (goal - value.detach()).numpy()


def evaluate(net: nn.Module) -> float:
    """Mean return of ten episodes without exploration."""
    env = gymnasium.make("CartPole-v1")
    total = 0.0
    for episode in range(10):
        obs, _ = env.reset(seed=1000 + episode)
        over = False
        while not over:
            obs, reward, terminated, truncated, _ = env.step(int(net(torch.as_tensor(obs)).argmax()))
            total += float(reward)
            over = terminated or truncated
    return total / 10


def train(net: nn.Module, replay: ShardedReplay, updates: int) -> None:
    target = copy.deepcopy(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-4)
    with tqdm(total=updates, unit="update") as bar:
        for done in range(0, updates, BATCHES):
            for batch in replay.sample_many(BATCHES, BATCH):
                replay.update_errors(batch["indices"], learn(net, target, optimizer, batch))
            if done % 200 < BATCHES:
                target.load_state_dict(net.state_dict())
            bar.update(BATCHES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--actors", type=int, default=4)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--updates", type=int, default=5000)
    options = parser.parse_args()
    torch.set_num_threads(1)  # quicker for nets this small
    torch.manual_seed(1)
    net = network()
    net.share_memory()
    context = multiprocessing.get_context("spawn")
    over = context.Event()
    with ShardedReplay(options.shards, 50_000, COLUMNS, engine="processes", n_step=NStep(N_STEP, GAMMA)) as replay:
        actors = []
        for number in range(options.actors):
            writer = replay.writer(number % options.shards, chunk=32)
            actors.append(context.Process(target=act, args=(number, options.actors, net, writer, over)))
            actors[-1].start()
        while len(replay) < 500:
            over.wait(0.05)
        train(net, replay, options.updates)
        over.set()
        for actor in actors:
            actor.join()
        transitions = sum(shard["added"] for shard in replay.metrics()["shards"])
    with torch.no_grad():
        print(f"{transitions} transitions, {options.updates} updates, mean score {evaluate(net):.1f}")


if __name__ == "__main__":
    main()
