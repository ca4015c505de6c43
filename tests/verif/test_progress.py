"""What is said of a simulation under way, from the files that it leaves."""

import time

import pytest

from amper_verif.harness import progress


@pytest.fixture
def build(tmp_path):
    folder = tmp_path / "verilator-amper-0123"
    (folder / "run-alone").mkdir(parents=True)
    return folder


def test_before_and_while_it_compiles(build):
    begin = time.time() - 60  # file systems round times
    assert progress.how_far(build.parent, begin) == "generates Verilog"
    progress.start(build / "run-alone")
    assert progress.how_far(build.parent, begin) == "is compiling"
    for name in ("Vtop.cpp", "Vtop__1.cpp", "Vtop__2.cpp", "Vtop.o", "verilated.o"):
        (build / name).touch()
    assert progress.how_far(build.parent, begin) == "is compiling (1 of 3 files of C++)"


def test_while_the_bench_runs(build, monkeypatch):
    begin = time.time() - 60
    monkeypatch.setenv(progress.VARIABLE, str(progress.start(build / "run-alone")))
    said = [progress.how_far(build.parent, begin) for _ in progress.followed("abc")]
    assert said == ["0 of 3 operations", "1 of 3 operations", "2 of 3 operations"]
    progress.leave_progress(3, 3000)
    assert progress.how_far(build.parent, begin) == "3 of 3,000 operations"


def test_an_earlier_run_is_not_this_one(build, monkeypatch):
    monkeypatch.setenv(progress.VARIABLE, str(progress.start(build / "run-alone")))
    progress.leave_progress(7, 7)
    assert progress.how_far(build.parent, time.time() + 60) == "generates Verilog"


def test_the_bar_counts_what_the_bench_did(build, capsys, monkeypatch):
    file = progress.start(build / "run-alone")
    monkeypatch.setenv(progress.VARIABLE, str(file))
    with progress.bar(file, "sampler in icarus"):
        progress.leave_progress(5, 5)
    shown = capsys.readouterr().err
    assert "sampler in icarus: 100%" in shown
    assert "| 5/5 [" in shown
