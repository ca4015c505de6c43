"""``amper.Device`` does what a bit-exact ``Sampler`` does, with parameters that change and on every backend."""

from __future__ import annotations

import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from amper import AMPER_VARIANTS, AmperConfig, DisabledError, NoValidRowError, Parameter, ReplayBuffer, Sampler
from amper.backends.backend import GoldenBackend, backends, register_backend
from amper.backends.candidates import NumpyBackend
from amper.sampler.device import Cycles, Device
from amper_verif.native import run as exact_run

ROOT = Path(__file__).parents[3]
CONFIG = AmperConfig(rows=20, groups=5, batch=16, variants=AMPER_VARIANTS, seed=3)


class Clocked(GoldenBackend):
    """A golden model that takes 7 cycles a row, 100 a batch, 1 a change."""

    def __init__(self, config: AmperConfig) -> None:
        super().__init__(config)
        self.cycles = 50  # it was busy before it was handed over
        self.closed = 0

    def write(self, rows, codes):
        super().write(rows, codes)
        self.cycles += 7 * rows.size

    def sample(self, batch):
        self.cycles += 100
        return super().sample(batch)

    def set_parameter(self, parameter, value):
        super().set_parameter(parameter, value)
        self.cycles += 1

    def close(self):
        self.closed += 1


def filled(backend="golden", config: AmperConfig = CONFIG) -> Device:
    device = Device(config, backend)
    device.extend(np.linspace(0.1, 3.0, 15))
    device.remove([4])
    return device


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_a_device_is_a_sampler(variant):
    """Every call gives what the bit-exact sampler of the configuration gives, weights too."""
    config = AmperConfig(rows=20, variant=variant, batch=16, seed=4)
    device, sampler = Device(config), Sampler.from_config(config)
    for each in (device, sampler):
        each.extend([0.5, 2.0, 0.25, 1.0])
        each.extend(count=3)
        each.write([10, 12, 10], [1.0, 0.0, 3.0])
        each.remove([1])
    for step in range(20):
        drawn = [each.sample(16, beta=step / 20) for each in (device, sampler)]
        for given, wanted in zip(*drawn, strict=True):
            assert given.dtype == wanted.dtype
            np.testing.assert_array_equal(given, wanted)
        rows = drawn[0][0]
        for each in (device, sampler):
            each.update(rows, np.linspace(0.1, 2.0, 16))
            each.update_errors(rows[:3], [-1.0, 0.5, 0.1])
            assert each.add() == (7 + step) % 20
    assert not isinstance(device, Sampler)  # it has a core, and no options of one
    assert ReplayBuffer(20, {"x": "int8"}, Device(config)).rows == 20
    assert (len(device), device.csp_share, device.max_priority) == (len(sampler), sampler.csp_share, 3.0)
    np.testing.assert_array_equal(device.priorities(), sampler.priorities())


def test_the_first_batch_takes_beta_from_the_constructor():
    device = Device(CONFIG, beta=lambda batches: 2.0 * batches)
    device.extend([1.0, 4.0])
    device.set_parameter(Parameter.RADIUS, 0)
    assert device.sample(16)[1].min() == 1.0
    indices, weights = device.sample(16)
    assert set(indices.tolist()) == {0, 1}
    np.testing.assert_allclose(weights[indices == 1], 1 / 16)


def test_backends_draw_alike_while_parameters_change():
    """Golden model, compiled and NumPy software; the RTL has its own test."""
    run = exact_run.random_run(CONFIG, ["golden", "exact", "numpy"], operations=1500, seed=2)
    assert run.first_mismatch == ""
    assert set(run.calls) == {"sample", "update", "write", "add", "remove", "change"}
    assert run.refused > 50
    assert run.compared > 2 * 2000


def test_the_comparison_notices_a_difference():
    """A backend that draws one row wrongly once, and one whose random stream ends elsewhere."""

    class Wrong(NumpyBackend):
        batches = 0

        def sample(self, batch):
            rows, csp_size = super().sample(batch)
            self.batches += 1
            return (rows[::-1].copy() if self.batches == 3 else rows), csp_size

    class Late(NumpyBackend):
        def streams(self):
            return super().streams()[0] ^ 1, super().streams()[1]

    for backend, text in ((Wrong, r"^call \d+, sample: first gave \("), (Late, "^in the end key was ")):
        run = exact_run.Comparison({"first": filled("exact"), "second": filled(backend)})
        for _ in range(5):
            run.make("sample", lambda device: device.sample(16))
        run.finish()
        assert run.mismatches == 1
        assert run.compared == 5 * 16
        assert re.match(text, run.first_mismatch)


def test_parameters():
    device = filled()
    assert [device.get_parameter(name) for name in (Parameter.GROUPS, Parameter.BATCH, Parameter.CLEAR)] == [5, 16, 0]
    device.set_parameter(Parameter.BATCH, 7)
    assert device.sample()[0].shape == (7,)
    device.set_parameter(3, 3)
    assert device.mode == "amper-k"
    assert device.scale == CONFIG.neighbour_coefficient / 2**20
    device.set_parameter(Parameter.NEIGHBOURS, 1 << 19)
    assert device.scale == 0.5
    device.set_parameter(Parameter.DRAW_STATE_2, 77)
    assert device.get_parameter(Parameter.DRAW_STATE_2) == 77


def test_rows_in_use_and_clear():
    """After CLEAR the device is as new, but for its random streams, parameters and the largest priority."""
    device = filled()
    device.set_parameter(Parameter.CLEAR, 1)
    assert (len(device), device.add(), device.max_priority) == (0, 0, 3.0)
    device.set_parameter(Parameter.CLEAR, 1)
    device.set_parameter(Parameter.ROWS, 3)
    assert device.rows == 3
    assert device.extend([1.0, 2.0, 3.0, 4.0]).tolist() == [0, 1, 2, 0]
    assert device.priorities()[:4].tolist() == [4.0, 2.0, 3.0, 0.0]
    assert device.add(5.0) == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda d: d.sample(17), ValueError, "batch must be 1 to 16, not 17"),
        (lambda d: d.sample(0), ValueError, "batch must be 1 to 16, not 0"),
        (lambda d: d.sample(1.0), TypeError, "batch must be an integer, not 1.0"),
        (lambda d: d.sample(1, beta=-1.0), ValueError, "beta must be at least 0, not -1.0"),
        (
            lambda d: d.update([4], [1.0]),
            ValueError,
            "indices must be of rows that hold a priority, and row 4 holds none",
        ),
        (lambda d: d.write([0, 20], [1.0, 1.0]), ValueError, "indices must be 0 to 19, not 20"),
        (lambda d: d.update([0], [float("nan")]), ValueError, "priorities must be finite and at least 0, not nan"),
        (lambda d: d.set_parameter(16, 0), ValueError, "parameter must be 0 to 15, not 16"),
        (lambda d: d.set_parameter("GROUPS", 1), TypeError, "parameter must be an integer, not 'GROUPS'"),
        (lambda d: d.set_parameter(Parameter.GROUPS, 6), ValueError, "GROUPS must be 1 to 5, not 6"),
        (lambda d: d.set_parameter(Parameter.GROUPS, 1.5), TypeError, "GROUPS must be an integer, not 1.5"),
        (
            lambda d: d.set_parameter(Parameter.ROWS, 4),
            ValueError,
            "ROWS can only be set, here to 4, while no row is valid: set CLEAR first",
        ),
        (lambda d: d.get_parameter(-1), ValueError, "parameter must be 0 to 15, not -1"),
    ],
)
def test_a_refused_call_changes_nothing(call, error, message):
    device, same = filled(), filled()
    with pytest.raises(error) as raised:
        call(device)
    assert str(raised.value) == message
    assert pickle.dumps(device.state()) == pickle.dumps(same.state())


def test_states_of_a_stream_are_never_all_zero():
    device = filled()
    for name in (Parameter.QUERY_STATE_0, Parameter.QUERY_STATE_1, Parameter.QUERY_STATE_2):
        device.set_parameter(name, 0)
    with pytest.raises(ValueError, match=r"^QUERY_STATE_3 must not make the state of the stream all 0, got 0$"):
        device.set_parameter(Parameter.QUERY_STATE_3, 0)


def test_disabled_and_empty():
    device = Device(CONFIG)
    with pytest.raises(NoValidRowError, match=r"^sample needs at least one row with a priority, and there is none"):
        device.sample(1)
    device.set_parameter(Parameter.ENABLE, 0)
    with pytest.raises(DisabledError, match=r"^sample needs the sampler enabled, and ENABLE is 0: set it to 1 first$"):
        device.sample(1)
    device.add()
    device.set_parameter(Parameter.ENABLE, 1)
    assert device.sample(2)[0].tolist() == [0, 0]


def test_cycles():
    device = Device(CONFIG, Clocked)
    assert device.cycles == Cycles(last=0, write=0, sample=0, set_parameter=0)
    device.extend([1.0, 2.0, 3.0])
    device.sample(4)
    device.remove([1])
    device.sample(1)
    device.set_parameter(Parameter.GROUPS, 2)
    assert device.cycles == Cycles(last=1, write=28, sample=200, set_parameter=1)
    assert device.cycles.total == 229
    with pytest.raises(ValueError, match="GROUPS"):
        device.set_parameter(Parameter.GROUPS, 9)
    assert device.cycles.total == 229


def test_closing():
    opened = []

    def factory(config: AmperConfig) -> Clocked:
        opened.append(Clocked(config))
        return opened[-1]

    with Device(CONFIG, factory) as device:
        device.add()
        assert opened[0].closed == 0
    assert [backend.closed for backend in opened] == [1]


# --- state ------------------------------------------------------------------------------------------------------


def changed(backend="golden") -> Device:
    """One that is not as its configuration says in anything that can be changed."""
    device = Device(CONFIG, backend)
    device.set_parameter(Parameter.ROWS, 17)
    device.extend(np.linspace(0.1, 3.0, 15))
    device.remove([4])
    for name, value in ((Parameter.RADIUS, 1 << 23), (Parameter.GROUPS, 3), (Parameter.VARIANT, 2)):
        device.set_parameter(name, value)
    device.set_parameter(Parameter.NEIGHBOURS, 1 << 18)
    device.set_parameter(Parameter.BATCH, 5)
    device.sample(16)
    return device


@pytest.mark.parametrize(("first", "second"), [("golden", "exact"), ("exact", NumpyBackend), (NumpyBackend, "golden")])
def test_a_state_goes_on_with_another_backend(first, second):
    device, other = changed(first), filled(second)
    other.restore(device.state())
    for step in range(10):
        for given, wanted in zip(device.sample(), other.sample(), strict=True):
            np.testing.assert_array_equal(given, wanted)
        assert device.add() == other.add() == (15 + step) % 17
        if step == 5:
            for each in (device, other):
                each.set_parameter(Parameter.VARIANT, 3)
    assert pickle.dumps(device.state()) == pickle.dumps(other.state())


def test_a_state_needs_no_seed():
    device = filled(
        config=AmperConfig(rows=20, groups=5, batch=16, variants=AMPER_VARIANTS, seed=99, pipeline="shallow")
    )
    other = filled()
    other.restore(device.state())
    np.testing.assert_array_equal(device.sample(16)[0], other.sample(16)[0])


def test_pickle():
    device = changed("exact")
    copy = pickle.loads(pickle.dumps(device))
    assert copy.config == device.config
    np.testing.assert_array_equal(copy.sample(9)[0], device.sample(9)[0])
    assert pickle.dumps(copy.state()) == pickle.dumps(device.state())


BAD_STATES = [
    (lambda s: None, TypeError, "state must be a dictionary that state() gave, not NoneType"),
    (lambda s: {}, ValueError, "state must be of a device, version 'device 1', not None"),
    (lambda s: s | {"version": 1}, ValueError, "state must be of a device, version 'device 1', not 1"),
    (lambda s: s | {"parameters": 3}, TypeError, "state['parameters'] must be a dictionary, not 3"),
    (lambda s: s | {"options": None}, TypeError, "state['options'] must be a dictionary, not None"),
    (lambda s: s | {"parameters": {}}, ValueError, "state['parameters'] must have GROUPS, and has not"),
    (
        lambda s: s | {"parameters": {**s["parameters"], "GROUPS": 9}},
        ValueError,
        "GROUPS must be 1 to 5, not 9",
    ),
    (
        lambda s: s | {"parameters": {**s["parameters"], "ROWS": 14}},
        ValueError,
        "state must hold nothing from the rows in use, 14, on, and does",
    ),
    (
        lambda s: s | {"options": {**s["options"], "alpha": 2.0}},
        ValueError,
        "state must be of a sampler with alpha 0.6, not 2.0",
    ),
    (lambda s: s | {"cursor": -1}, ValueError, "state['cursor'] must be 0 to 20, not -1"),
    (
        lambda s: s | {"key": 0},
        ValueError,
        "QUERY_STATE_3 must not make the state of the stream all 0, got 0",
    ),
]


@pytest.mark.parametrize(("damage", "error", "message"), BAD_STATES)
def test_a_bad_state_changes_nothing(damage, error, message):
    device = changed()
    before = pickle.dumps(device.state())
    with pytest.raises(error) as raised:
        device.restore(damage(device.state()))
    assert str(raised.value) == message
    assert pickle.dumps(device.state()) == before


def test_sampler_and_device_refuse_each_other():
    with pytest.raises(ValueError, match=r"^state must be of version 1, not device 1$"):
        Sampler.from_config(CONFIG).restore(filled().state())
    with pytest.raises(ValueError, match=r"^state must be of a device, version 'device 1', not 1$"):
        filled().restore(Sampler.from_config(CONFIG).state())


# --- backends ---------------------------------------------------------------------------------------------------


def test_unknown_backends():
    with pytest.raises(ValueError, match=r"^backend must be one of exact, golden.*, not 'board'$"):
        Device(CONFIG, "board")
    with pytest.raises(TypeError, match=r"^backend must be a name or callable with a configuration, not 3$"):
        Device(CONFIG, 3)
    with pytest.raises(TypeError, match=r"^config must be an AmperConfig, not 20$"):
        Device(20)


def test_a_registered_backend(monkeypatch):
    monkeypatch.setattr("amper.backends.backend._registered", {"golden": GoldenBackend})
    with pytest.raises(TypeError, match=r"^name must be a string, not 1$"):
        register_backend(1, Clocked)
    with pytest.raises(TypeError, match=r"^factory must be callable with a configuration, not 'clocked'$"):
        register_backend("clocked", "clocked")
    register_backend("clocked", Clocked)
    assert {"clocked", "golden"} <= set(backends())
    assert Device(CONFIG, "clocked").cycles == Cycles()


def test_a_backend_of_another_package(tmp_path, monkeypatch):
    """Found through its entry point, as a board's package would bring it."""
    (tmp_path / "some_board.py").write_text("from amper.backends.backend import GoldenBackend as open_board\n")
    metadata = tmp_path / "some_board-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: some-board\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[amper.backends]\nsome-board = some_board:open_board\n")
    monkeypatch.setattr("amper.backends.backend._registered", {"golden": GoldenBackend})
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    assert "some-board" in backends()
    device = filled("some-board")
    np.testing.assert_array_equal(device.sample(16)[0], filled().sample(16)[0])


def test_a_backend_that_fails_changes_nothing_on_this_side():
    class Failing(GoldenBackend):
        def write(self, rows, codes):
            raise RuntimeError("no power")

    device = Device(CONFIG, Failing)
    for call in (lambda: device.extend([1.0, 2.0]), device.add):
        with pytest.raises(RuntimeError, match=r"^no power$"):
            call()
    assert (len(device), device.max_priority, device.priorities().sum()) == (0, 1.0, 0.0)


def test_in_a_replay_buffer(tmp_path):
    """One argument changed, the same batches; the file that one wrote continues with the other backend."""
    buffers = {
        "golden": ReplayBuffer(20, {"x": (np.float32, (2,))}, Device(CONFIG, "golden")),
        "exact": ReplayBuffer(20, {"x": (np.float32, (2,))}, Device(CONFIG, "exact")),
    }
    for buffer in buffers.values():
        for step in range(12):
            buffer.add(x=np.full(2, step, dtype=np.float32))
    first, second = (buffer.sample(8) for buffer in buffers.values())
    np.testing.assert_array_equal(first["indices"], second["indices"])
    buffers["golden"].update(first["indices"], np.linspace(0.1, 1.0, 8))
    buffers["golden"].save(tmp_path / "buffer")
    buffers["exact"].load(tmp_path / "buffer")
    first, second = (buffer.sample(8) for buffer in buffers.values())
    np.testing.assert_array_equal(first["indices"], second["indices"])
