"""Every refusal of ``ReplayBuffer`` names the column, the rule and the value, and changes nothing."""

from __future__ import annotations

import re

import numpy as np
import pytest

from amper import NoValidRowError, ReplayBuffer, Sampler

COLUMNS = {
    "obs": ("float32", 3),
    "action": "uint8",
    "reward": "float32",
    "flag": "bool",
    "name": "U3",
}
COMPILED = pytest.mark.parametrize("compiled", [True, False])
NAN = float("nan")


def one(**other: object) -> dict:
    return {"obs": np.zeros(3, "float32"), "action": 1, "reward": 0.5, "flag": False, "name": "a"} | other


def without(name: str) -> dict:
    return {key: value for key, value in one().items() if key != name}


def many(count: int, **other: object) -> dict:
    return {name: [value] * count for name, value in one().items()} | other


def filled(compiled: bool) -> ReplayBuffer:
    buffer = ReplayBuffer(10, COLUMNS, Sampler(10, seed=1), compiled=compiled)
    buffer.extend(**many(4, action=[1, 2, 3, 4]))
    buffer.remove([2])
    return buffer


NAMES = "a transition must have the columns obs, action, reward, flag, name"
CALLS = [
    (
        lambda b: b.add(**without("action")),
        TypeError,
        f"{NAMES}, and 'action' is missing",
    ),
    (lambda b: b.add(), TypeError, f"{NAMES}, and 'obs' is missing"),
    (
        lambda b: b.add(**one(extra=1)),
        TypeError,
        f"{NAMES}, and 'extra' is none of them",
    ),
    (lambda b: b.add(**one(obs=np.zeros(4, "float32"))), ValueError, "obs must have the shape (3,), not (4,)"),
    (lambda b: b.add(**one(obs=0.0)), ValueError, "obs must have the shape (3,), not ()"),
    (lambda b: b.add(**one(obs=np.zeros((3, 1)))), ValueError, "obs must have the shape (3,), not (3, 1)"),
    (
        lambda b: b.add(**one(obs=[[1.0], [1.0, 2.0]])),
        ValueError,
        "obs must have the shape (3,), not lists of different lengths",
    ),
    (lambda b: b.add(**one(reward=[0.5])), ValueError, "reward must have the shape (), not (1,)"),
    (lambda b: b.add(**one(obs=[1.0, 1e300, 2.0])), ValueError, "obs must fit float32, not 1e+300"),
    (lambda b: b.add(**one(reward=-1e39)), ValueError, "reward must fit float32, not -1e+39"),
    (lambda b: b.add(**one(reward=1j)), TypeError, "reward must be float32, not complex128"),
    (lambda b: b.add(**one(reward="1")), TypeError, "reward must be float32, not <U1"),
    (lambda b: b.add(**one(reward=None)), TypeError, "reward must be float32, not object"),
    (lambda b: b.add(**one(action=256)), ValueError, "action must fit uint8, 0 to 255, not 256"),
    (lambda b: b.add(**one(action=-1)), ValueError, "action must fit uint8, 0 to 255, not -1"),
    (lambda b: b.add(**one(action=2**64)), TypeError, "action must be uint8, not object"),
    (lambda b: b.add(**one(action=1.0)), TypeError, "action must be uint8, not float64"),
    (lambda b: b.add(**one(flag=1)), TypeError, "flag must be bool, not int64"),
    (lambda b: b.add(**one(flag=1.0)), TypeError, "flag must be bool, not float64"),
    (lambda b: b.add(**one(name="abcd")), TypeError, "name must be <U3, not <U4"),
    (lambda b: b.add(env=0, **one()), ValueError, "env needs n_step, sequences or frames, and was set to 0"),
    (lambda b: b.extend(**many(2, reward=[1.0])), ValueError, "reward must have the shape (2,), not (1,)"),
    (lambda b: b.extend(**many(2, obs=np.zeros((2, 2)))), ValueError, "obs must have the shape (2, 3), not (2, 2)"),
    (lambda b: b.extend(**many(2, action=[1, 300])), ValueError, "action must fit uint8, 0 to 255, not 300"),
    (lambda b: b.extend(**many(0)), ValueError, "the number of transitions must be 1 to 2147483647, not 0"),
    (
        lambda b: b.extend(**one(obs=1.0)),
        ValueError,
        "obs must have the transitions as its first dimension, and has none",
    ),
    (lambda b: b.extend(), TypeError, f"{NAMES}, and 'obs' is missing"),
    (
        lambda b: b.extend(env=[0], **many(1)),
        ValueError,
        "env needs n_step, sequences or frames, and was set to [0]",
    ),
    (lambda b: b.add(priority=-1.0, **one()), ValueError, "priority must be at least 0, not -1.0"),
    (lambda b: b.add(priority="1", **one()), TypeError, "priority must be a number, not '1'"),
    (lambda b: b.extend(priority=[1, 2], **many(3)), ValueError, "priority must have the shape (3,), not (2,)"),
    (
        lambda b: b.extend(priority=[1, NAN], **many(2)),
        ValueError,
        "priority must be finite and at least 0, not nan",
    ),
    (lambda b: b.update([0], [NAN]), ValueError, "priorities must be finite and at least 0, not nan"),
    (lambda b: b.update([0], [-1.0]), ValueError, "priorities must be finite and at least 0, not -1.0"),
    (
        lambda b: b.update([4], [1.0]),
        ValueError,
        "indices must be 0 to 3, those of transitions that were added, not 4",
    ),
    (
        lambda b: b.remove([0, -1]),
        ValueError,
        "indices must be 0 to 3, those of transitions that were added, not -1",
    ),
    (lambda b: b.update([0, 1], [1.0]), ValueError, "indices and priorities must be of one length, not 2 and 1"),
    (lambda b: b.update([2], [1.0]), ValueError, "indices must be of rows that hold a priority, and row 2 holds none"),
    (lambda b: b.update_errors([0], [np.inf]), ValueError, "errors must be finite, not inf"),
    (lambda b: b.remove([2]), ValueError, "indices must be of rows that hold a priority, and row 2 holds none"),
    (lambda b: b.sample(0), ValueError, "batch must be 1 to 2147483647, not 0"),
    (lambda b: b.sample(1.5), TypeError, "batch must be an integer, not 1.5"),
    (lambda b: b.sample(1, NAN), ValueError, "beta must be finite, not nan"),
    (
        lambda b: b.sample(2, tensors=True),
        TypeError,
        "tensors=True needs columns that PyTorch has a type for, and 'name' is <U3",
    ),
    (lambda b: b.sample(1, out=[1]), TypeError, "out must be a batch that this buffer gave, not list"),
    (
        lambda b: b.sample(1, out={"obs": 0}),
        ValueError,
        "out must have obs, action, reward, flag, name, indices, weights, as a batch of this buffer, not obs",
    ),
    (
        lambda b: b.sample(2, out=filled(True).sample(3)),
        ValueError,
        "out['obs'] must be float32 of the shape (2, 3), not float32 of the shape (3, 3)",
    ),
    (
        lambda b: b.sample(2, out=filled(True).sample(2) | {"reward": np.zeros(2)}),
        ValueError,
        "out['reward'] must be float32 of the shape (2,), not float64 of the shape (2,)",
    ),
    (
        lambda b: b.sample(2, out=filled(True).sample(2) | {"indices": np.zeros(4, np.int64)[::2]}),
        ValueError,
        "out['indices'] must be contiguous and writable, as sample gives it, and is not",
    ),
    (
        lambda b: b.sample(1, out=filled(True).sample(1) | {"weights": 1.0}),
        TypeError,
        "out['weights'] must be an array, as sample gives it, not float",
    ),
]


@COMPILED
@pytest.mark.parametrize(("call", "error", "message"), CALLS, ids=[message for _, _, message in CALLS])
def test_refused(compiled, call, error, message):
    buffer, same = filled(compiled), filled(compiled)
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call(buffer)
    assert buffer._storage.tobytes() == same._storage.tobytes()
    assert buffer.add(**one()) == same.add(**one())  # nor is the lock held, or a row lost
    first, second = buffer.sample(20), same.sample(20)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])


@COMPILED
def test_nothing_to_draw(compiled):
    buffer = ReplayBuffer(5, COLUMNS, compiled=compiled)
    message = "^sample needs at least one row with a priority, and there is none: add one first$"
    with pytest.raises(NoValidRowError, match=message):
        buffer.sample(3)
    buffer.add(**one())
    buffer.remove([0])
    with pytest.raises(NoValidRowError, match=message):
        buffer.sample(3)


def used() -> Sampler:
    sampler = Sampler(5)
    sampler.add()
    return sampler


MADE = [
    (lambda: ReplayBuffer(0, COLUMNS), ValueError, "rows must be 1 to 268435456, not 0"),
    (lambda: ReplayBuffer(5.0, COLUMNS), TypeError, "rows must be an integer, not 5.0"),
    (lambda: ReplayBuffer(5, {}), ValueError, "columns must have at least one column, not none"),
    (lambda: ReplayBuffer(5, ["x"]), TypeError, "columns must be a dictionary of names and types, not ['x']"),
    (lambda: ReplayBuffer(5, {1: "int64"}), TypeError, "columns must have strings for names, not 1"),
    (
        lambda: ReplayBuffer(5, {"weights": "int64"}),
        ValueError,
        "columns must not be named discount, env, indices, priority, weights or nothing, and one is 'weights'",
    ),
    (lambda: ReplayBuffer(5, {"x": "int65"}), TypeError, "columns['x'] must be a dtype or (dtype, shape), not 'int65'"),
    (
        lambda: ReplayBuffer(5, {"x": ("int64", -1)}),
        TypeError,
        "columns['x'] must be a dtype or (dtype, shape), not ('int64', -1)",
    ),
    (
        lambda: ReplayBuffer(5, {"x": object}),
        TypeError,
        "columns['x'] must be numbers, times or strings of fixed length, not <class 'object'>",
    ),
    (
        lambda: ReplayBuffer(5, {"x": str}),
        TypeError,
        "columns['x'] must be numbers, times or strings of fixed length, not <class 'str'>",
    ),
    (
        lambda: ReplayBuffer(5, {"x": ("int64", 0)}),
        TypeError,
        "columns['x'] must be numbers, times or strings of fixed length, not ('int64', 0)",
    ),
    (
        lambda: ReplayBuffer(5, COLUMNS, "fast"),
        ValueError,
        "mode must be one of per, amper-fr-dithered, amper-fr-prefix, amper-fr, amper-k, uniform, not 'fast'",
    ),
    (lambda: ReplayBuffer(5, COLUMNS, 1), TypeError, "sampler must be a Sampler or the name of a mode, not 1"),
    (lambda: ReplayBuffer(5, COLUMNS, Sampler(6)), ValueError, "sampler must have the buffer's 5 rows, not 6"),
    (lambda: ReplayBuffer(5, COLUMNS, used()), ValueError, "sampler must be empty and new, not hold 1 priorities"),
    (lambda: ReplayBuffer(5, COLUMNS, compiled="no"), TypeError, "compiled must be True, False or None, not 'no'"),
]


@pytest.mark.parametrize(("make", "error", "message"), MADE, ids=[message for _, _, message in MADE])
def test_refused_when_made(make, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        make()


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(FileExistsError, match=re.escape(str(tmp_path / "x"))):
        ReplayBuffer(5, COLUMNS, folder=tmp_path / "x")
