"""The tests of other libraries that our adapters must pass, and those that they cannot, with the reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PRIVATE = "looks at private fields of the peer's class"


@dataclass(frozen=True)
class Suite:
    """``url``, of the library's repository, whose tag ``v`` + version has ``files``; ``chosen``: pytest's -k.

    ``has_tests`` : the source package has them, too. ``stand_ins`` : "module:name" of the library, and ours in its
    place, while the tests are imported; with ``stays`` until the end. ``excluded`` : parts of names of tests that must
    fail, and why.
    """

    package: str
    url: str
    files: tuple[str, ...]
    stand_ins: dict[str, str]
    chosen: str = ""
    stays: bool = False
    has_tests: bool = False
    excluded: dict[str, str] = field(default_factory=dict)


_RB = "torchrl.data.replay_buffers"
_SB3 = "stable_baselines3"

SUITES = {
    "torchrl": Suite(
        "torchrl",
        "https://github.com/pytorch/rl",
        (
            "test/rb/test_prioritized.py",
            "test/rb/test_samplers.py",
            "test/rb/test_rb_core.py",
            "test/rb/test_writers.py",
        ),
        {
            f"{module}:PrioritizedSampler": "amper.torchrl:AmperSampler"
            for module in (
                "torchrl.data",
                _RB,
                f"{_RB}.samplers",
                f"{_RB}.replay_buffers.prioritized",
                f"{_RB}.replay_buffers.prioritized_tensordict",
            )
        },
        "(rioritized or prb or ptdrb or trajectories) and not slice",  # no counterpart of its sampler of slices
        stays=True,  # in the buffers that make a sampler themselves
        excluded={
            **dict.fromkeys(
                (
                    "test_prb_new_item_gets_max_priority",
                    "test_prb_within_buffer_max_priority_stays_raw",
                    "test_prb_alpha_zero_keeps_raw_max",
                    "test_prb_alpha_change",
                    "test_prb_update_max_priority",
                    "test_prb_new_sampler_with_loaded_storage",
                    "test_prb_ndim",
                    "test_shared_storage_prioritized_sampler",
                    "test_prioritized_sampler_load_state_dict_decouples_from_source",
                    "prioritized_rb_multiproc_writes",
                ),
                PRIVATE,
            ),
            **dict.fromkeys(
                ("test_prb_load_legacy", "test_prb_loads_legacy"), "reads files of TorchRL's earlier sampler"
            ),
            **dict.fromkeys(
                ("test_ptdrb", "test_replay_buffer_trajectories"),
                "has fewer rows in the sampler than in the storage, which ours refuses",
            ),
            "test_prb_rng": "expects draws from the buffer's generator; ours have their own seed",
            "test_prb_alpha_setter_validates": "expects TorchRL's words in the error",
        },
    ),
    "tianshou": Suite(
        "tianshou",
        "https://github.com/thu-ml/tianshou",
        ("test/base/test_buffer.py",),
        {
            "tianshou.data:PrioritizedReplayBuffer": "amper.tianshou:AmperReplayBuffer",
            "tianshou.data:PrioritizedReplayBufferManager": "amper.tianshou:AmperReplayBufferManager",
            "tianshou.data:PrioritizedVectorReplayBuffer": "amper.tianshou:AmperVectorReplayBuffer",
        },
    ),
    "sb3": Suite(
        "stable-baselines3",
        "https://github.com/DLR-RM/stable-baselines3",
        ("tests/test_buffers.py", "tests/test_n_step_replay.py", "tests/test_her.py"),
        {
            f"{_SB3}.common.buffers:ReplayBuffer": "amper.sb3:AmperReplayBuffer",
            f"{_SB3}.common.buffers:DictReplayBuffer": "amper.sb3:AmperDictReplayBuffer",
            f"{_SB3}.common.buffers:NStepReplayBuffer": "amper.sb3:AmperNStepReplayBuffer",
            f"{_SB3}.common.type_aliases:ReplayBufferSamples": "amper.sb3:PrioritizedSamples",
            f"{_SB3}.common.type_aliases:DictReplayBufferSamples": "suites:DictSamples",
            f"{_SB3}:HerReplayBuffer": "amper.sb3:AmperHerReplayBuffer",
            f"{_SB3}:DQN": "amper.sb3:PrioritizedDQN",
            f"{_SB3}:SAC": "amper.sb3:PrioritizedSAC",
            f"{_SB3}:TD3": "amper.sb3:PrioritizedTD3",
        },
        has_tests=True,
        excluded={
            "test_buffer_dtypes": "says of an empty buffer that it is full, and draws what was never stored",
            "test_n_steps_warns_with_custom_replay_buffer_class": "expects a warning; our buffers take n_steps",
            "test_performance_her": "a race at one seed: docs/measurements/adapters.md",
            "test_n_steps_with_dict_obs": "expects a warning or an error; our buffers take n_steps",
        },
    ),
}


class _IsDict(type):
    def __instancecheck__(cls, batch: Any) -> bool:
        from amper.sb3 import PrioritizedSamples

        return isinstance(batch, PrioritizedSamples) and isinstance(batch.observations, dict)


class DictSamples(metaclass=_IsDict):
    """Our samples of dictionaries, which the peer has a type of their own for."""
