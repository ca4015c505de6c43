"""``amper explore``: the points that are kept and found again, what fails, and the command."""

import csv
import json
import multiprocessing
import re
import shutil
import sys
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from types import SimpleNamespace

import pytest
from oracles.explore_points import made_up
from oracles.mini_liberty import mini_liberty

from amper_cli.main import main
from amper_synth.asic import point as explore_point
from amper_synth.asic.point import Failure, Point, key_of, load_point, measured, target_of
from amper_synth.explore import sweep as explore
from amper_synth.explore.grid import configurations
from amper_synth.explore.sweep import sweep
from amper_verif.harness.yosys import SynthesisError

SMALL = {
    "variant": ["fr-dithered"],
    "bank_rows": [4],
    "fan_out": [2],
    "groups": [2],
    "batch": [2],
    "priority_width": [4],
}
OPTIONS = [
    "--variant",
    "fr-dithered",
    "--bank-rows",
    "4",
    "--fan-out",
    "2",
    "--groups",
    "2",
    "--batch",
    "2",
    "--priority-width",
    "4",
]
CONFIGS = configurations({"rows": [2, 4, 8], **SMALL})


@pytest.fixture(scope="module")
def library_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("library") / "mini.lib"
    path.write_text(mini_liberty())
    return path


class Flow:
    """Stands in for the generator and the flow: ``asked`` for these numbers of rows, ``failing`` at these."""

    def __init__(self):
        self.asked = []
        self.failing = {}

    @staticmethod
    def generate(config, *, name):
        return SimpleNamespace(verilog=f"module {name}; // {config}\nendmodule\n")

    def synthesise(self, config, liberty, *, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "asic.log").write_text("what the flow said\n")
        self.asked.append(config.rows)
        if config.rows in self.failing:
            raise self.failing[config.rows]
        return SimpleNamespace(to_dict=lambda: made_up(config))


@pytest.fixture
def flow(monkeypatch):
    flow = Flow()
    monkeypatch.setattr(explore_point, "generate", flow.generate)
    monkeypatch.setattr(explore_point, "synthesise_asic", flow.synthesise)
    return flow


def run(capsys, *arguments):
    """(exit code, standard output, standard error); argparse leaves by SystemExit."""
    try:
        code = main(["explore", *map(str, arguments)])
    except SystemExit as stop:
        code = stop.code
    return code, *capsys.readouterr()


# --- points that are kept ------------------------------------------------------------------------------------------


def test_finished_points_are_found_again(flow, library_path, tmp_path):
    first = sweep(CONFIGS, [library_path], folder=tmp_path, jobs=1)
    assert flow.asked == [2, 4, 8]
    assert [point.config for point in first.points] == CONFIGS
    assert not any(point.reused for point in first.points)
    second = sweep(CONFIGS[1:], [library_path], folder=tmp_path, jobs=1)
    assert flow.asked == [2, 4, 8]
    assert all(point.reused for point in second.points)
    assert [point.result for point in second.points] == [point.result for point in first.points[1:]]
    for point, config in zip(first.points, CONFIGS, strict=True):
        whole = made_up(config)
        assert point.area_um2 == whole["area"]["total_um2"]
        assert "cells" in whole["timing"]["paths"][0]
        assert point.result["timing"]["paths"][0].keys() == whole["timing"]["paths"][0].keys() - {"cells"}


def test_an_interrupted_sweep_goes_on(flow, library_path, tmp_path):
    """And what an interruption left behind in the middle of a point is no point."""
    flow.failing[8] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        sweep(CONFIGS, [library_path], folder=tmp_path, jobs=1)
    flow.failing.clear()
    flow.asked.clear()
    target = target_of([library_path])
    (tmp_path / "points" / f"{key_of(CONFIGS[2], target)}.json.part").write_text('{"key"')
    assert len(sweep(CONFIGS, [library_path], folder=tmp_path, jobs=1).points) == 3
    assert flow.asked == [8]


def test_ctrl_c_of_the_command(flow, library_path, tmp_path, capsys):
    flow.failing[4] = KeyboardInterrupt()
    arguments = ["--liberty", library_path, "--rows", "2", "4", *OPTIONS, "--jobs", "1", "-o", tmp_path]
    code, text, error = run(capsys, *arguments)
    assert (code, text) == (130, "")
    assert error.endswith("amper explore: interrupted; the same command goes on where it stopped\n")
    flow.failing.clear()
    assert run(capsys, *arguments)[0] == 0
    assert flow.asked == [2, 4, 4]


@pytest.mark.parametrize("text", ["", "{}", '{"key": "x", "seconds": 1, "result": {"config": {"rows": 0}}}', "[1]"])
def test_a_damaged_point_is_measured_again(flow, library_path, tmp_path, text):
    (point,) = sweep(CONFIGS[:1], [library_path], folder=tmp_path, jobs=1).points
    file = tmp_path / "points" / f"{point.key}.json"
    whole = json.loads(file.read_text())
    file.write_text(text)
    assert load_point(file) is None
    sweep(CONFIGS[:1], [library_path], folder=tmp_path, jobs=1)
    assert flow.asked == [2, 2]
    assert json.loads(file.read_text())["result"] == whole["result"]


def test_a_point_is_kept_under_all_that_it_depends_on(flow, library_path, tmp_path, monkeypatch):
    """Configuration, Verilog, scripts, the library's contents, and the versions of the tools."""
    target = target_of([library_path])
    other, copy = tmp_path / "mini.lib", tmp_path / "elsewhere.lib"
    other.write_text(mini_liberty() + "\n")
    shutil.copy(library_path, copy)
    keys = [key_of(CONFIGS[0], target), key_of(CONFIGS[1], target), key_of(CONFIGS[0], target_of([other]))]
    assert key_of(CONFIGS[0], target_of([copy])) == keys[0]  # the same library under another name
    changes = [
        {"sta_version": lambda: "OpenSTA 99", "sta_available": lambda: True},
        {"generate": lambda config, name: SimpleNamespace(verilog="module amper; // changed\nendmodule\n")},
        {"abc_script": lambda period: "map\n"},
        {"asic_script": lambda *_, **__: "synth\n"},
    ]
    for change in changes:
        with monkeypatch.context() as changed:
            for name, value in change.items():
                changed.setattr(explore_point, name, value)
            keys.append(key_of(CONFIGS[0], target_of([library_path])))
    assert len(set(keys)) == len(keys) == 7


def test_a_failed_point_does_not_stop_the_others(flow, library_path, tmp_path, capsys):
    flow.failing[4] = SynthesisError("Yosys failed: ERROR: out of memory")
    found = sweep(CONFIGS, [library_path], folder=tmp_path, jobs=1, progress=True)
    assert [point.config.rows for point in found.points] == [2, 8]
    assert found.failures == (Failure(CONFIGS[1], "SynthesisError: Yosys failed: ERROR: out of memory"),)
    shown_text = capsys.readouterr().err
    assert "failed: SynthesisError: Yosys failed: ERROR: out of memory" in shown_text
    assert "3/3" in shown_text
    # Its log stays, theirs do not.
    (log,) = (tmp_path / "work").rglob("asic.log")
    assert log.parent.name == key_of(CONFIGS[1], found.target)
    # Nothing is remembered of it: it is tried again.
    flow.failing.clear()
    assert len(sweep(CONFIGS, [library_path], folder=tmp_path, jobs=1).points) == 3
    assert flow.asked == [2, 4, 8, 4]


def test_of_a_long_error_the_end_is_shown(flow, library_path, tmp_path):
    flow.failing[2] = SynthesisError("x" * 5000 + "the end")
    found = measured(CONFIGS[0], target_of([library_path]), tmp_path)
    assert found == Failure(CONFIGS[0], "SynthesisError: ... " + "x" * 293 + "the end")


def test_several_processes_find_the_same(library_path, tmp_path, monkeypatch):
    """What one process left, others find: they generate for themselves, and come to the same key."""
    monkeypatch.setattr(explore_point, "synthesise_asic", Flow().synthesise)
    configs = CONFIGS[:2]
    alone = sweep(configs, [library_path], folder=tmp_path, jobs=1)
    together = sweep(configs, [library_path], folder=tmp_path, jobs=2)
    assert [(point.key, point.result) for point in together.points] == [
        (point.key, point.result) for point in alone.points
    ]
    assert all(point.reused for point in together.points)
    assert multiprocessing.active_children() == []


def test_a_process_that_is_ended_from_outside(library_path, tmp_path, monkeypatch):
    """As one is for its memory: nobody knows which point it was, but those finished are kept."""

    class Pool:
        def __init__(self, *_, **__):
            self.shutdown = lambda **_: None

        def submit(self, *_):
            future = Future()
            future.set_exception(BrokenProcessPool("terminated abruptly"))
            return future

    monkeypatch.setattr(explore, "ProcessPoolExecutor", Pool)
    message = "a process of the sweep was ended (terminated abruptly); the same command goes on from here"
    with pytest.raises(SynthesisError, match=f"^{re.escape(message)}$"):
        sweep(CONFIGS, [library_path], folder=tmp_path, jobs=2)


@pytest.mark.parametrize(
    ("jobs", "error", "message"),
    [(0, ValueError, "jobs must be 1 to 1024, not 0"), (1.5, TypeError, "jobs must be an integer, not 1.5")],
)
def test_illegal_jobs(library_path, tmp_path, jobs, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        sweep(CONFIGS, [library_path], folder=tmp_path / "out", jobs=jobs)
    assert not (tmp_path / "out").exists()


# --- the flow itself -----------------------------------------------------------------------------------------------


def test_a_real_point(library_path, tmp_path):
    """Through Yosys and timing: what is kept is what ``amper synth`` says of it, and nothing else stays."""
    target = target_of([library_path])
    config = CONFIGS[0].changed(variant="exact", variants=("exact",))  # which is quickest
    point = measured(config, target, tmp_path)
    assert isinstance(point, Point), point
    assert point.area_um2 == pytest.approx(sum(point.by_component.values()))
    assert {"amper_bank_2", "amper_draw_unit", "amper_controller"} <= set(point.by_component)
    assert point.batch_ns == pytest.approx(point.result["batch_cycles"] * 1000 / point.fmax_mhz)
    assert point.seconds > 0
    assert list((tmp_path / "work").iterdir()) == []
    again = measured(config, target, tmp_path)
    assert (again.reused, again.result) == (True, point.result)


# --- the command ---------------------------------------------------------------------------------------------------


def test_the_command_writes_page_and_table(flow, library_path, tmp_path, capsys):
    sizes = ["--rows", "2", "4", "8", "--search-ports", "1", "2"]
    code, text, error = run(capsys, "--liberty", library_path, *sizes, *OPTIONS, "--jobs", "1", "-o", tmp_path)
    assert code == 0
    assert "no predictor: a predictor needs at least 10 different points, not 6\n" in error
    assert error.endswith(f"6 points, 0 of them found in {tmp_path}\n")
    assert text.startswith("| rows | search_ports | area um2 |")
    assert "groups = 2" in text
    with (tmp_path / "points.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    assert [(line["rows"], line["search_ports"]) for line in lines] == [
        (rows, ports) for rows in "248" for ports in "12"
    ]
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "None: a predictor needs at least 10 different points, not 6." in page
    assert f"amper explore --liberty {library_path} --rows 2 4 8 --priority-width 4" in page
    assert not (tmp_path / "predictor.json").exists()


def test_the_command_makes_a_predictor_that_it_then_uses(flow, library_path, tmp_path, capsys):
    sizes = ["--rows", "2", "4", "8", "--search-ports", "1", "2", "--draw-ports", "1", "2"]
    code, text, _ = run(capsys, "--liberty", library_path, *sizes, *OPTIONS, "--jobs", "1", "-o", tmp_path)
    assert code == 0
    (line,) = re.findall(r"^\| each point in turn, with its twins \| 12 \| (.*) \|$", text, re.MULTILINE)
    assert len(line.split(" | ")) == 4
    assert 'id="predicted"' in (tmp_path / "index.html").read_text(encoding="utf-8")
    code, text, error = run(capsys, "--predict", tmp_path, "--rows", "6", *OPTIONS)
    assert code == 0
    assert re.fullmatch(r"1 predictions, \d+\.\d\d ms each\n", error)
    assert "on 12 points left out of the fit" in text
    # With fewer points there is none, and an old one would be wrong.
    run(capsys, "--liberty", library_path, "--rows", "2", *OPTIONS, "--jobs", "1", "-o", tmp_path)
    assert not (tmp_path / "predictor.json").exists()


def test_what_amper_synth_measured_counts_too(flow, library_path, tmp_path, capsys):
    """Points with their file's name as a key, in the table, in the fit, and in the command that is shown."""
    configs = configurations({"rows": [16, 32], "draw_ports": [1, 2], **SMALL})
    files = [tmp_path / f"asic-{number}.json" for number in range(len(configs))]
    for file, config in zip(files, configs, strict=True):
        file.write_text(json.dumps(made_up(config)))
    sizes = ["--rows", "2", "4", "8", "--search-ports", "1", "2", "--also", *files]
    code, text, _ = run(capsys, "--liberty", library_path, *sizes, *OPTIONS, "--jobs", "1", "-o", tmp_path / "out")
    assert code == 0
    assert "| each point in turn, with its twins | 10 |" in text
    assert "10 points, mini; " in text
    assert " minutes of one core for 6 of them, median " in text
    with (tmp_path / "out/points.csv").open(newline="", encoding="utf-8") as lines:
        found = list(csv.DictReader(lines))
    assert [line["key"] for line in found[6:]] == [str(file) for file in files]
    assert f"--also {files[0]} {files[1]}" in (tmp_path / "out/index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda result: [result], "also must be an asic.json of amper synth, and FILE is none: TypeError("),
        (lambda result: result | {"config": {}}, "also must be an asic.json of amper synth, and FILE is none: "),
        (
            lambda result: result | {"timing": {}},
            "also must be an asic.json of amper synth, and FILE is none: KeyError(",
        ),
        (lambda result: result | {"library": {"names": ["other"]}}, "also must be of mini, and FILE is of other"),
    ],
)
def test_another_file_does_not_count(flow, library_path, tmp_path, capsys, change, message):
    file = tmp_path / "asic.json"
    file.write_text(json.dumps(change(made_up(CONFIGS[0]))))
    code, text, error = run(
        capsys, "--liberty", library_path, "--rows", "2", *OPTIONS, "--also", file, "-o", tmp_path / "out"
    )
    assert (code, text) == (2, "")
    assert error.startswith(f"amper explore: error: {message.replace('FILE', str(file))}")
    assert flow.asked == []


def test_a_failed_point_makes_exit_code_1(flow, library_path, tmp_path, capsys):
    flow.failing[4] = SynthesisError("Yosys failed: ERROR: no")
    arguments = ["--liberty", library_path, "--rows", "2", "4", *OPTIONS, "--jobs", "1", "-o", tmp_path]
    code, text, error = run(capsys, *arguments)
    assert code == 1
    parameters = "--rows 4 --priority-width 4 --groups 2 --batch 2 --variant fr-dithered --bank-rows 4"
    assert f"failed: {parameters}: SynthesisError: Yosys failed: ERROR: no\n" in error
    assert text.startswith("| rows | area um2 |")
    assert "Yosys failed: ERROR: no" in (tmp_path / "index.html").read_text(encoding="utf-8")
    flow.failing[2] = flow.failing[4]
    shutil.rmtree(tmp_path / "points")
    code, text, error = run(capsys, *arguments)
    assert (code, text) == (1, "")
    assert error.endswith("amper explore: error: no point was measured\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "8"], "a sweep needs --liberty FILE, the library to map to"),
        (["--rows", "8", "--liberty", "no/such.lib"], "[Errno 2] No such file or directory: 'no/such.lib'"),
        (["--liberty", "no/such.lib"], "rows must be given: it has no default"),
        (["--rows", "8", "0"], "rows must be 1 to 1048576, not 0"),
        (["--rows", "8", "--points", "0"], "points must be 1 to 1048576, not 0"),
        (["--rows", "8", "--liberty", "LIBRARY", "--jobs", "0"], "jobs must be 1 to 1024, not 0"),
    ],
)
def test_bad_input(arguments, message, library_path, tmp_path, capsys):
    given = [library_path if word == "LIBRARY" else word for word in arguments]
    code, text, error = run(capsys, *given, "-o", tmp_path / "out")
    assert (code, text, error) == (2, "", f"amper explore: error: {message}\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "8"], "one of the arguments -o/--output --predict is required"),
        (["--rows", "8", "-o", "a", "--predict", "b"], "argument --predict: not allowed with argument -o/--output"),
        (
            ["--rows", "8", "--result-priority", "1", "-o", "a"],
            "argument --result-priority: must be yes or no, not '1'",
        ),
    ],
)
def test_an_illegal_command_line(arguments, message, capsys):
    code, text, error = run(capsys, *arguments)
    assert (code, text) == (2, "")
    assert error.splitlines()[-1] == f"amper explore: error: {message}"


def test_a_missing_package_names_the_extra(library_path, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    code, text, error = run(capsys, "--liberty", library_path, "--rows", "8", "-o", tmp_path / "out")
    assert (code, text) == (2, "")
    assert error == "amper explore: error: jinja2 is not installed: pip install 'amper[explore]'\n"
    assert not (tmp_path / "out").exists()
