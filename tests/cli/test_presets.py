"""``--preset`` in every command that takes a configuration, and ``amper presets``."""

import json
from pathlib import Path

import pytest

from amper import AmperConfig
from amper_cli import cycles, explore
from amper_cli.main import build_parser, main
from amper_cli.options import configuration
from amper_cli.presets import page
from amper_synth.explore.grid import configurations

PAGE = Path(__file__).parents[2] / "docs/hardware/configurations.md"
NAMES = "small, medium, large, paper, fast, latches, fpga, soc"
TAKING = {
    "generate": ["-o", "x"],
    "verify": [],
    "synth": ["--target", "generic", "-o", "x"],
    "compare": [],
    "bench generation": [],
    "bench depth": [],
}


def parsed(command, *arguments):
    return build_parser().parse_args([*command.split(), *map(str, arguments)])


@pytest.mark.parametrize("command", TAKING)
def test_a_preset_an_option_and_a_file(tmp_path, command):
    needed = TAKING[command]
    assert configuration(parsed(command, *needed, "--preset", "fast")) == AmperConfig.preset("fast")
    options = parsed(command, *needed, "--rows", 9, "--preset", "fast", "--draw-ports", 2)  # in whatever order
    assert configuration(options) == AmperConfig.preset("fast", rows=9, draw_ports=2)
    file = tmp_path / "mine.toml"
    file.write_text("groups = 3\nwrite_ports = 1\n")
    options = parsed(command, *needed, "--config", file, "--preset", "fast", "--write-ports", 2)
    assert configuration(options) == AmperConfig.preset("fast", groups=3, write_ports=2)


def test_generate_writes_it(tmp_path, capsys):
    assert main(["generate", "--preset", "small", "--groups", "3", "-o", str(tmp_path)]) == 0
    made = json.loads((tmp_path / "amper.json").read_text())["configuration"]
    assert made == AmperConfig(rows=64, groups=3).to_dict()


def test_explore_takes_it_for_what_is_not_swept():
    options = parsed("explore", "-o", "x", "--preset", "fast", "--rows", 8, 16, "--write-ports", 1)
    wanted = [AmperConfig.preset("fast", rows=rows, write_ports=1) for rows in (8, 16)]
    assert configurations(explore._axes(options)) == wanted
    options.liberty = ["a.lib"]
    again = parsed("explore", *explore.command(options).split()[2:])
    assert configurations(explore._axes(again)) == wanted


def test_cycles_takes_it_for_what_is_not_given():
    options = parsed("cycles", "--preset", "fast", "--batch", 3, 5)
    axes = cycles._axes(options)
    assert axes == {
        "rows": [1024],
        "groups": [20],
        "batch": [3, 5],
        "ports": [(1, 4)],
        "pipelines": ["deep"],
        "variants": ("exact",),
    }
    assert cycles._axes(parsed(*cycles.command(options).split(" ", 1)[1].split())) == axes | {"variants": ["exact"]}


def test_cycles_builds_what_it_says(monkeypatch, capsys):
    asked = {}

    def sweep(**given):
        asked.update(given)
        raise ValueError("enough")

    monkeypatch.setattr("amper_verif.cycle_table.sweep", sweep)
    assert main(["cycles", "--preset", "latches", "--rows", "8"]) == 2
    assert asked["base"] == {"rows": 1024, "storage": "latches", "organisation": "parallel"}
    assert asked["rows"] == [8]


@pytest.mark.parametrize("command", [*TAKING, "explore", "cycles"])
def test_an_unknown_name_is_an_error_that_lists_the_names(capsys, command):
    needed = TAKING.get(command, ["--predict", "x"] if command == "explore" else [])
    assert main([*command.split(), *needed, "--preset", "huge"]) == 2
    assert capsys.readouterr().err == f"amper {command}: error: preset must be one of {NAMES}, not 'huge'\n"


def test_fuzz_refuses_one(capsys):
    assert main(["verify", "--fuzz", "1", "--preset", "small"]) == 2
    assert "fuzz chooses the configurations itself: --preset must not be given" in capsys.readouterr().err


def test_the_page_is_what_the_command_prints(capsys):
    """Else: amper presets > docs/hardware/configurations.md."""
    assert main(["presets"]) == 0
    printed = capsys.readouterr().out
    assert printed == page() == PAGE.read_text(encoding="utf-8")
    for name in NAMES.split(", "):
        assert f"\n| `{name}` | " in printed
    assert "\n| `bank_rows` | rows of a bank | a power of two, 2 to 1024 | 64 | build |\n" in printed
