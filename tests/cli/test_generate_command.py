"""``amper generate``: what it writes and says."""

import json
import re

import pytest

from amper import AmperConfig
from amper_hw.output.generate import TOP
from amper_spec.declare import declarations
from amper_synth.predict.estimate import estimate
from amper_verif.harness.simulation import run_bench

SMALL = ("--rows", "20", "--priority-width", "8", "--groups", "3", "--batch", "5", "--bank-rows", "8")


def test_generate_gives_the_same_bytes_twice(tmp_path, run):
    for folder in ("one", "deep/two"):
        assert run("generate", *SMALL, "-o", tmp_path / folder)[0] == 0
    for name in ("amper.v", "amper.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "deep/two" / name).read_bytes()


AMPER = ("--variant", "fr", "--variants", "fr")


@pytest.mark.parametrize("variant", ["exact", "k"])
def test_a_batch_that_is_no_sum_of_searches_and_draws(tmp_path, run, variant):
    code, text, error = run("generate", *SMALL, "--variant", variant, "--variants", variant, "-o", tmp_path)
    cycles = json.loads((tmp_path / "amper.json").read_text())["cycles"]
    assert (code, error) == (0, "")
    assert text.splitlines()[-1] == f"a batch of 5 takes {cycles['batch']} cycles"


def test_generate_says_what_it_wrote(tmp_path, run):
    code, text, error = run("generate", *SMALL, *AMPER, "-o", tmp_path)
    verilog = (tmp_path / "amper.v").read_text()
    description = json.loads((tmp_path / "amper.json").read_text())
    cycles = description["cycles"]
    assert (code, error) == (0, "")
    assert text.splitlines() == [
        estimate(AmperConfig.from_dict(description["configuration"])),
        f"{tmp_path}/amper.v: {len(verilog.splitlines())} lines, {len(verilog) / 1e6:.2f} MB",
        f"{tmp_path}/amper.json: sha256 {description['sha256'][:16]}...",
        f"a batch of 5 takes 3 + 5 + {cycles['batch_constant']} = {3 + 5 + cycles['batch_constant']} cycles",
    ]


def ports_in(verilog):
    """{name: (direction, width)} of the top module, as the Verilog declares them."""
    (head,) = re.findall(rf"(?ms)^module {TOP} \((.*?)^\);$", verilog)
    lines = [line.strip() for line in head.splitlines() if line.strip() and not line.strip().startswith("//")]
    port = re.compile(r"(input|output) +(?:wire|reg) +(?:\[(\d+):0\] +)?(\w+),?")
    declared = [port.fullmatch(line).groups() for line in lines]
    ports = {name: {"direction": direction, "width": int(high or 0) + 1} for direction, high, name in declared}
    assert len(ports) == len(lines)
    return ports


def test_description_agrees_with_the_verilog_and_with_a_simulation(tmp_path, run):
    """Of the files as they were written: ports, configuration, and the cycles of a batch."""
    assert run("generate", *SMALL, "--seed", 7, "-o", tmp_path)[0] == 0
    verilog = (tmp_path / "amper.v").read_text()
    description = json.loads((tmp_path / "amper.json").read_text())
    assert description["ports"] == ports_in(verilog)
    config = AmperConfig.from_dict(description["configuration"])
    assert config == AmperConfig(rows=20, priority_width=8, groups=3, batch=5, bank_rows=8, seed=7)
    report = run_bench(
        verilog=verilog,
        top=TOP,
        bench="sampler.bench",
        parameters={"config": config.to_dict(), "seed": 1, "workload": {"kind": "ramp"}},
        simulator="icarus",
        folder=tmp_path,
    )
    assert (report["mismatches"], report["compared"]) == (0, 15)
    assert report["cycles"] == [[5, description["cycles"]["batch"]]] * 3


def test_files_of_another_bus_are_not_silent(tmp_path, run):
    """A driver of other registers would lie beside the Verilog; what is written anew is not named."""
    assert "files of before" not in run("generate", *SMALL, "--bus", "wishbone", "-o", tmp_path)[1]
    assert "files of before" not in run("generate", *SMALL, "--bus", "wishbone", "-o", tmp_path)[1]
    (note,) = re.findall(r"^note: files of before.*$", run("generate", *SMALL, "-o", tmp_path)[1], re.MULTILINE)
    named = note.partition("write: ")[2].split(", ")
    assert {"amper.h", "amper_regs.h", "amper_litex.py"} <= set(named)
    assert not {"amper.v", "amper.json", "amper.sdc"} & set(named)


def test_options_go_before_the_file(tmp_path, run):
    file = tmp_path / "mine.toml"
    file.write_text('rows = 9\nbatch = 4\nvariant = "fr-prefix"\npriority_width = 6\n')
    assert run("generate", "--config", file, "--batch", 3, "--groups", 2, "-o", tmp_path)[0] == 0
    configuration = json.loads((tmp_path / "amper.json").read_text())["configuration"]
    assert configuration == AmperConfig(rows=9, batch=3, groups=2, variant="fr-prefix", priority_width=6).to_dict()


def test_every_parameter_has_an_option(tmp_path, run):
    wanted = AmperConfig(
        rows=9,
        priority_width=7,
        groups=2,
        batch=3,
        variant="fr",
        radius_scale=0.5,
        neighbour_scale=0.7,
        seed=8,
        priority_scale=4.0,
        bank_rows=4,
        fan_out=8,
        variants=("fr", "fr-prefix"),
        search_ports=2,
        draw_ports=4,
        write_ports=2,
        pipeline="shallow",
        result_priority=False,
        storage="latches",
        primitives="blocks",
        name="mine",
    )
    options = wanted.options()
    assert len(options) == 2 * len(declarations(AmperConfig)) - 15
    assert run("generate", *options, "-o", tmp_path)[0] == 0
    assert json.loads((tmp_path / "mine.json").read_text())["configuration"] == wanted.to_dict()


def test_generate_and_lint(tmp_path, run, monkeypatch):
    code, text, error = run("generate", *SMALL, "--lint", "-o", tmp_path)
    assert (code, error) == (0, "")
    assert re.findall(r"^(\w+) [\d.]+\S*: no warning$", text, re.MULTILINE) == ["verilator", "icarus", "yosys", "slang"]
    monkeypatch.setattr("amper_hw.output.verilog.LINT_WAIVERS", "")
    code, text, error = run("generate", *SMALL, "--lint", "-o", tmp_path)
    assert (code, error) == (1, "")
    assert re.search(r"^verilator \S+: FAILED\n%Warning-", text, re.MULTILINE)


def test_generate_into_a_file(tmp_path, run):
    file = tmp_path / "file"
    file.touch()
    code, text, error = run("generate", *SMALL, "-o", file)
    assert (code, text) == (2, "")
    assert error.endswith(f"amper generate: error: argument -o/--output: must be a folder, and {file} is a file\n")


def test_generate_needs_a_folder(run):
    code, _, error = run("generate", *SMALL)
    assert code == 2
    assert error.endswith("amper generate: error: the following arguments are required: -o/--output\n")
