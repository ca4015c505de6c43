"""Bad arguments are errors at once, which name the option: before anything is generated, measured or written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from amper_cli.main import main

KEPT_TRACE = Path(__file__).parents[2] / "verif/traces/cartpole-2000.npz"

#: Commands that write, with what else they need; the option that says where.
WRITING = {
    "generate": (["--rows", "8"], "-o"),
    "verify": (["--rows", "8"], "-o"),
    "mutate": (["--rows", "8"], "-o"),
    "prove": (["--rows", "8"], "-o"),
    "synth": (["--target", "generic", "--rows", "8"], "-o"),
    "explore": (["--rows", "8"], "-o"),
    "cycles": ([], "-o"),
    "bench software": ([], "-o"),
    "bench distance": ([], "-o"),
    "compare": ([], "-o"),
    "train": ([], "-o"),
    "reproduce": ([], "-o"),
    "record": ([], "--output"),
    "demo": ([], "-o"),
}
READING = {
    "verify": ["--trace", "--config"],
    "generate": ["--config"],
    "synth": ["--liberty", "--trace", "--config"],
    "explore": ["--liberty", "--predict"],
    "compare": ["--timing", "--liberty", "--gpu-results", "--config"],
    "bench distance": ["--trace"],
    "reproduce": ["--page"],
    "demo": ["--trace"],
}


@pytest.fixture(autouse=True)
def nothing_is_done(monkeypatch, tmp_path):
    """Commands run in an empty folder, which stays empty."""
    monkeypatch.chdir(tmp_path)
    yield
    assert [path.name for path in tmp_path.iterdir()] in ([], ["there"])


def error_of(capsys, command, *arguments):
    """What the command says on its last line; it must leave with 2 while it reads its options."""
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), *map(str, arguments)])
    captured = capsys.readouterr()
    assert (stop.value.code, captured.out) == (2, "")
    assert captured.err.startswith(f"usage: amper {command} ")
    return captured.err.splitlines()[-1]


@pytest.mark.parametrize("text", ["", " ", "a\0b"], ids=repr)
@pytest.mark.parametrize("command", WRITING)
def test_an_output_that_names_nothing(capsys, command, text):
    needed, option = WRITING[command]
    shown = "--output" if option == "--output" else "-o/--output"
    what = "a file" if command in ("cycles", "record") else "a folder"
    wanted = f"amper {command}: error: argument {shown}: must name {what}, not {text!r}"
    assert error_of(capsys, command, *needed, option, text) == wanted


@pytest.mark.parametrize("command", WRITING)
def test_an_output_inside_a_file(capsys, command):
    needed, option = WRITING[command]
    Path("there").write_text("")
    said = error_of(capsys, command, *needed, option, "there/below")
    assert re.search(r"argument (-o/)?--output: must ", said)
    assert said.endswith(("and there is a file", "and there is none"))


@pytest.mark.parametrize("command", WRITING)
def test_an_output_where_nothing_may_be_written(capsys, command, monkeypatch):
    """Tests may run as root, to whom everything is allowed."""
    needed, option = WRITING[command]
    Path("there").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "there")
    said = error_of(capsys, command, *needed, option, "there/new")
    assert said.endswith("--output: must be where files can be written, and there is not")


@pytest.mark.parametrize("text", ["", "a\0b"], ids=repr)
@pytest.mark.parametrize(("command", "option"), [(name, each) for name, options in READING.items() for each in options])
def test_an_input_that_names_nothing(capsys, command, option, text):
    said = error_of(capsys, command, option, text)
    assert said == f"amper {command}: error: argument {option}: must name a file, not {text!r}"


@pytest.mark.parametrize("text", ["fr-dithered, k", " k", "k,k", "fr,k,fr", "fr,\tk"])
@pytest.mark.parametrize("command", ["generate", "verify", "explore", "compare"])
def test_names_with_spaces_or_twice(capsys, command, text):
    said = error_of(capsys, command, "--variants", text)
    rule = "must be different names with commas between and no spaces"
    assert said == f"amper {command}: error: argument --variants: {rule}, not {text!r}"


@pytest.mark.parametrize("text", ["per,per", "per, uniform"])
@pytest.mark.parametrize("option", ["--samplers", "--envs"])
def test_names_of_an_experiment(capsys, option, text):
    said = error_of(capsys, "reproduce", option, text)
    rule = "must be different names with commas between and no spaces"
    assert said == f"amper reproduce: error: argument {option}: {rule}, not {text!r}"


@pytest.mark.parametrize(
    ("command", "option", "values", "shown"),
    [
        ("cycles", "--rows", [8, 9, 8], "8"),
        ("cycles", "--variants", ["k", "k"], "k"),
        ("cycles", "--ports", ["1", "1x1"], "(1, 1)"),
        ("bench generation", "--sizes", [64, 64], "64"),
        ("bench software", "--modes", ["per", "per"], "per"),
        ("bench software", "--peers", ["cpprb", "sumtree", "cpprb"], "cpprb"),
        ("bench distance", "--shares", ["0.5", "0.50"], "0.5"),
        ("compare", "--only", ["rtl", "rtl"], "rtl"),
        ("synth", "--liberty", ["a.lib", "./a.lib"], "a.lib"),
    ],
)
def test_a_value_that_comes_twice(capsys, command, option, values, shown):
    said = error_of(capsys, command, option, *values)
    assert said == f"amper {command}: error: argument {option}: each value must be given once, and {shown} comes twice"


@pytest.mark.parametrize(
    ("command", "option", "value", "rule"),
    [
        ("prove", "seconds", 0, "at least 1"),
        ("prove --netlist", "seconds", -1, "at least 1"),
        ("mutate --rows 4", "mutants", 0, "at least 1"),
        ("mutate --rows 4", "batches", 2, "at least 3"),
        ("mutate --rows 4", "least", 1.5, "0 to 1"),
        ("mutate --rows 4", "least", "nan", "0 to 1"),
        ("verify --trace {trace}", "operations", 0, "at least 1"),
        ("verify --trace {trace}", "operations", 256, "at least 257, to the trace's first draw"),
    ],
)
def test_a_number_out_of_range(capsys, command, option, value, rule):
    words = command.format(trace=KEPT_TRACE).split()
    assert main([*words, f"--{option}", str(value)]) == 2
    assert capsys.readouterr().err == f"amper {words[0]}: error: {option} must be {rule}, not {value}\n"


@pytest.mark.parametrize("arguments", [["--operations", "9"], ["--stretch"]])
def test_what_is_of_a_trace_needs_one(capsys, arguments):
    assert main(["verify", "--rows", "8", *arguments]) == 2
    said = f"{arguments[0].strip('-')} needs a trace, and none is given"
    assert capsys.readouterr().err == f"amper verify: error: {said}\n"


def test_a_folder_that_cannot_be_made_costs_no_generation(capsys, monkeypatch):
    monkeypatch.setattr("amper_hw.output.generate.generate", lambda config: pytest.fail("it was generated"))
    monkeypatch.setattr(Path, "mkdir", lambda self, **_: (_ for _ in ()).throw(PermissionError(f"not in {self}")))
    assert main(["generate", "--rows", "8", "-o", "x"]) == 2
    assert capsys.readouterr().err == "amper generate: error: not in x\n"


# --- each command loads only what it needs --------------------------------------------------------------------------


def loaded(*arguments):
    program = (
        "import sys\nfrom amper_cli.main import main\ntry:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
    )
    program += "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


def test_help_loads_no_command():
    assert not {"numpy", "amaranth", "amper", "amper_hw", "amper_verif", "amper_synth", "amper_lab"} & loaded("--help")


@pytest.mark.parametrize("command", ["generate", "verify", "presets", "cycles", "synth", "reproduce", "demo"])
def test_help_of_a_command_needs_no_package(command):
    assert not {"numpy", "amaranth", "cocotb", "torch"} & loaded(command, "--help")


def test_generating_needs_no_bench(tmp_path):
    """The golden model says what the smoke bench must see; ``amper_hw`` itself knows nothing of it."""
    found = loaded("generate", "--rows", "2", "--groups", "2", "--batch", "2", "-o", str(tmp_path / "there"))
    assert (tmp_path / "there/amper.v").exists()
    assert "amaranth" in found
    assert not {"cocotb", "amper_verif"} & found
