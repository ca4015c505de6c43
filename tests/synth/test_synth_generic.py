"""Generic synthesis and the measurement of the generator."""

import subprocess
import sys
from dataclasses import replace

import pytest

from amper import AmperConfig
from amper_cli.main import main
from amper_synth import generic
from amper_synth.generation import markdown, measure
from amper_verif.harness import yosys
from amper_verif.harness.yosys import SynthesisError

SMALL_OPTIONS = {
    "rows": 8,
    "variant": "fr-dithered",
    "bank_rows": 4,
    "fan_out": 2,
    "groups": 2,
    "batch": 2,
    "priority_width": 4,
}
SMALL = AmperConfig(**SMALL_OPTIONS)


@pytest.fixture(scope="module")
def result():
    return generic.synthesise(SMALL)


def test_what_synthesis_counts(result):
    """8 rows of 4 bits, two bitmaps and a valid bit each are registers, whatever else is."""
    assert result.cells > result.registers > 8 * (4 + 2 + 1)
    assert result.depth >= max(result.depth_by_component.values()) > 0
    assert {"amper", "amper_bank_4", "amper_node_1_8", "amper_vmax_unit"} <= set(result.depth_by_component)


def test_a_bank_more_is_counted(result):
    larger = generic.synthesise(AmperConfig.from_dict(SMALL.to_dict() | {"rows": 12}))
    assert larger.registers - result.registers > 4 * (4 + 2 + 1)


def test_the_shallow_pipeline_is_deeper_logic(result):
    shallow = generic.synthesise(AmperConfig.from_dict(SMALL.to_dict() | {"pipeline": "shallow"}))
    assert shallow.depth > result.depth
    assert shallow.registers < result.registers


def test_the_command_prints_and_keeps_its_files(tmp_path, capsys):
    options = [
        "--rows",
        "8",
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
    assert main(["synth", "--target", "generic", *options, "-o", str(tmp_path)]) == 0
    assert "gates on the longest path" in capsys.readouterr().out
    assert {"amper.v", "generic.ys", "generic.log"} <= {path.name for path in tmp_path.iterdir()}


def test_bad_configuration(tmp_path, capsys):
    assert main(["synth", "--target", "generic", "--rows", "0", "-o", str(tmp_path)]) == 2
    assert "rows must be 1 to 1048576, not 0" in capsys.readouterr().err


def test_missing_yosys(monkeypatch):
    monkeypatch.setattr(yosys.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(yosys.shutil, "which", lambda _: None)
    with pytest.raises(SynthesisError, match=r"^Yosys is not installed\. Install it by: pip install 'amper\[synth\]'$"):
        yosys.yosys_command()


def test_a_native_yosys_stands_in_for_the_package(monkeypatch):
    monkeypatch.setattr(yosys.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(yosys.shutil, "which", lambda name: f"/somewhere/{name}")
    assert yosys.yosys_command() == ["/somewhere/yosys"]


def test_a_failing_script_says_why(tmp_path):
    with pytest.raises(SynthesisError, match="no_such_command"):
        yosys.run_yosys(tmp_path, "-p", "no_such_command")


def test_equal_banks_are_written_once():
    configs = [replace(SMALL, rows=64), replace(SMALL, rows=1024)]
    few, many = measure(configs)
    assert (few.rows, many.rows) == (64, 1024)
    assert many.bytes < 3 * few.bytes
    assert many.modules > few.modules  # one for each level of the tree
    table = markdown(configs, [few, many])
    assert "| 1024 |" in table
    assert "fan_out = 2" in table
    assert "rows =" not in table.replace("bank_rows =", "")


def test_the_command_measures_the_generator():
    done = subprocess.run(
        [sys.executable, "-m", "amper_cli.main", "bench", "generation", "--sizes", "4", "16"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "| 16 |" in done.stdout


@pytest.mark.long  # two more syntheses
def test_the_command_compares_depths(capsys):
    options = [f"--{name.replace('_', '-')}={value}" for name, value in SMALL_OPTIONS.items() if name != "rows"]
    assert main(["bench", "depth", "--sizes", "8", "16", *options]) == 0
    printed = capsys.readouterr().out
    assert "| gates between registers | n = 8 | n = 16 |" in printed
    assert "fan_out = 2" in printed
    assert "| **the whole** |" in printed


def test_a_default_that_follows_from_the_rows_does_so_in_every_size(capsys):
    options = ["--groups=2", "--batch=2", "--priority-width=4", "--bank-rows=2"]
    assert main(["bench", "generation", "--sizes", "4", "8", *options]) == 0  # trees of 2 and of 4 children
    assert "fan_out" not in capsys.readouterr().out
