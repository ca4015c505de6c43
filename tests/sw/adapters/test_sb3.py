"""``PrioritizedDQN``: one step against the formulas of PER, learning, saving and loading."""

from __future__ import annotations

import io
import pickle

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from stable_baselines3 import DQN
from stable_baselines3.common.buffers import ReplayBuffer
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.logger import Logger

from amper import Sampler
from amper.adapters.sb3 import AmperDictReplayBuffer, AmperReplayBuffer, PrioritizedDQN

TWO = spaces.Discrete(2)
SMALL = {"policy_kwargs": {"net_arch": [8]}, "learning_starts": 20, "train_freq": 1, "buffer_size": 120, "seed": 1}


@pytest.mark.parametrize(
    ("env", "options"),
    [
        ("CartPole-v1", {"mode": "amper-fr-dithered"}),
        ("CartPole-v1", {"mode": "amper-k", "n_steps": 3, "gradient_steps": 2}),
        ("CartPole-v1", {"optimize_memory_usage": True, "replay_buffer_kwargs": {"handle_timeout_termination": False}}),
        ("CartPole-v1", {"replay_buffer_kwargs": {"weights": "inclusion", "scale": 0.2}, "mode": "amper-fr"}),
        (3, {"train_freq": 2, "gradient_steps": -1}),
        (3, {"n_steps": 2, "replay_buffer_kwargs": {"gamma": 0.5}}),
    ],
    ids=str,
)
def test_learning(env, options):
    """Rows that were drawn have the priorities of their TD errors."""
    env = make_vec_env("CartPole-v1", env) if isinstance(env, int) else env
    model = PrioritizedDQN("MlpPolicy", env, **{**SMALL, **options}).learn(240)
    buffer = model.replay_buffer
    found = buffer.sampler.priorities()
    assert np.unique(found[found > 0]).size > 10  # the modes of AMPER keep 8 bits of fraction
    assert buffer.n_steps == model.n_steps == options.get("n_steps", 1)
    assert buffer.gamma == options.get("replay_buffer_kwargs", {}).get("gamma", model.gamma)
    logged = model.logger.name_to_value
    assert 0.4 < logged["train/beta"] <= 1.0
    assert logged["train/td_error"] > 0
    assert logged["train/n_updates"] == model._n_updates > 50


def test_one_step_of_learning():
    """The weighted Huber loss, and the TD errors, computed from the networks before the step."""
    model = PrioritizedDQN("MlpPolicy", "CartPole-v1", **SMALL, beta=0.7, alpha=1.0).learn(60)
    copy = pickle.loads(pickle.dumps(model.replay_buffer))
    net, target = pickle.loads(pickle.dumps((model.q_net, model.q_net_target)))
    model.set_logger(Logger(None, []))
    model.train(gradient_steps=1, batch_size=16)
    batch = copy.sample(16, beta=0.7)
    with torch.no_grad():
        goal = batch.rewards + (1 - batch.dones) * 0.99 * target(batch.next_observations).max(1, keepdim=True).values
        errors = goal - net(batch.observations).gather(1, batch.actions)
        size = errors.abs()
        loss = batch.weights * torch.where(size < 1, size**2 / 2, size - 0.5)
    logged = model.logger.name_to_value
    assert logged["train/loss"] == pytest.approx(loss.mean().item(), rel=1e-4)
    assert logged["train/td_error"] == pytest.approx(size.mean().item(), rel=1e-4)
    assert logged["train/beta"] == 0.7
    stored = model.replay_buffer.sampler.priorities()[batch.indices]
    np.testing.assert_allclose(stored, size[:, 0].numpy() + 1e-6, rtol=1e-3)


def test_beta_follows_the_progress_that_remains():
    asked = []

    def beta(remaining: float) -> float:
        asked.append(remaining)
        return 0.5

    PrioritizedDQN("MlpPolicy", "CartPole-v1", **SMALL, beta=beta).learn(60)
    assert len(asked) == 40
    assert asked[0] > 0.6
    assert asked[-1] == pytest.approx(0.0)
    assert sorted(asked, reverse=True) == asked


class TwoViews(gymnasium.Env):
    """Dictionary observations."""

    observation_space = spaces.Dict({"a": spaces.Box(-1, 1, (3,)), "b": spaces.Discrete(4)})
    action_space = TWO

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.observation_space.sample(), {}

    def step(self, action):
        return self.observation_space.sample(), float(action), bool(self.np_random.random() < 0.1), False, {}


@pytest.mark.parametrize("n_envs", [1, 2])
def test_dictionary_observations(n_envs):
    model = PrioritizedDQN("MultiInputPolicy", make_vec_env(TwoViews, n_envs), mode="amper-fr", **SMALL).learn(150)
    assert isinstance(model.replay_buffer, AmperDictReplayBuffer)
    batch = model.replay_buffer.sample(7)
    position, env = np.divmod(batch.indices % model.replay_buffer.sampler.rows, n_envs)
    for name, tensor in batch.observations.items():
        assert (tensor.numpy() == model.replay_buffer.observations[name][position, env]).all()
    assert np.unique(model.replay_buffer.sampler.priorities()).size > 20


def test_saving_and_loading(tmp_path):
    """A model, and apart from it its buffer; both go on as before."""
    env = make_vec_env("CartPole-v1", 2, seed=1)
    model = PrioritizedDQN("MlpPolicy", env, mode="amper-k", beta=0.6, n_steps=3, **SMALL).learn(100)
    model.save(tmp_path / "model")
    model.save_replay_buffer(tmp_path / "deep/buffer")
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["buffer.pkl"]
    other = PrioritizedDQN.load(tmp_path / "model", env=env)
    assert (other.n_steps, other.beta(1.0), other.replay_buffer.sampler.mode) == (3, 0.6, "amper-k")
    assert other.replay_buffer.n_steps == 3
    obs = env.reset()
    assert (other.predict(obs, deterministic=True)[0] == model.predict(obs, deterministic=True)[0]).all()
    other.load_replay_buffer(tmp_path / "deep/buffer")
    assert other.replay_buffer.sample(50).indices.tolist() == model.replay_buffer.sample(50).indices.tolist()
    other.learn(60, reset_num_timesteps=False)
    assert other.num_timesteps == 160


def test_saving_a_buffer_into_an_open_file():
    model = PrioritizedDQN("MlpPolicy", "CartPole-v1", **SMALL).learn(30)
    file = io.BytesIO()
    model.save_replay_buffer(file)
    file.seek(0)
    assert pickle.load(file).size() == 30


def test_an_interrupted_save_leaves_the_old_one(tmp_path, monkeypatch):
    model = PrioritizedDQN("MlpPolicy", "CartPole-v1", **SMALL).learn(30)
    path = tmp_path / "b.pkl"
    model.save_replay_buffer(path)

    def half(path, buffer, verbose) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    model.learn(20)
    with monkeypatch.context() as patch:
        patch.setattr("stable_baselines3.common.off_policy_algorithm.save_to_pkl", half)
        with pytest.raises(KeyboardInterrupt):
            model.save_replay_buffer(path)
    model.load_replay_buffer(path)
    assert model.replay_buffer.size() == 30
    assert [file.name for file in tmp_path.iterdir()] == ["b.pkl"]


def test_the_seed_decides_everything():
    def weights(seed: int) -> list[float]:
        model = PrioritizedDQN("MlpPolicy", "CartPole-v1", **{**SMALL, "seed": seed}, mode="amper-fr").learn(60)
        return model.q_net.q_net[0].weight.flatten().tolist()

    assert weights(1) == weights(1)
    assert weights(1) != weights(2)


def test_a_sampler_of_the_callers(tmp_path):
    """A function of the rows, with which a saved model is loaded too."""

    def bit_exact(rows: int) -> Sampler:
        return Sampler(rows, mode="amper-fr", bit_exact=True, seed=4)

    model = PrioritizedDQN("MlpPolicy", "CartPole-v1", replay_buffer_kwargs={"sampler": bit_exact}, **SMALL).learn(60)
    assert model.replay_buffer.sampler.options.bit_exact
    model.save(tmp_path / "model")
    assert PrioritizedDQN.load(tmp_path / "model", env=model.get_env()).replay_buffer.sampler.options.bit_exact
    with pytest.raises(TypeError, match=r"^sampler must be a function of the rows, .* loaded, not Sampler$"):
        PrioritizedDQN("MlpPolicy", "CartPole-v1", replay_buffer_kwargs={"sampler": bit_exact(120)}, **SMALL)


def test_a_buffer_without_priorities_is_refused():
    text = "replay_buffer_class must be AmperReplayBuffer or AmperDictReplayBuffer, not ReplayBuffer"
    with pytest.raises(TypeError, match=f"^{text}$"):
        PrioritizedDQN("MlpPolicy", "CartPole-v1", replay_buffer_class=ReplayBuffer, **SMALL)


def test_the_buffer_in_sb3s_own_dqn():
    """It takes the fields that it knows; nobody updates priorities."""
    model = DQN("MlpPolicy", "CartPole-v1", replay_buffer_class=AmperReplayBuffer, **SMALL).learn(60)
    assert set(model.replay_buffer.sampler.priorities()) == {0.0, 1.0}
