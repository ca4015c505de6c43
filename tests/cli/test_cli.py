"""The command line: help, and what bad options, configurations and files get."""

import re
from pathlib import Path

import pytest

from amper import AmperConfig
from amper_spec.declare import declarations

NAMES = ", ".join(declarations(AmperConfig))
COMMANDS = [
    "generate",
    "verify",
    "mutate",
    "prove",
    "upsets",
    "signoff",
    "presets",
    "cycles",
    "synth",
    "explore",
    "bench",
    "compare",
    "train",
    "reproduce",
    "record",
    "demo",
]


# --- help ----------------------------------------------------------------------------------------------------------


def test_help_lists_the_commands(run):
    code, text, error = run("--help")
    assert (code, error) == (0, "")
    assert re.findall(r"^    (\w+)(?: |$)", text, re.MULTILINE) == COMMANDS


@pytest.mark.parametrize(
    "command", [name for name in COMMANDS if name not in ("bench", "presets")]
)  # a subject has them; nothing to give
def test_help_of_a_command_has_an_example(run, command):
    code, text, error = run(command, "--help")
    assert (code, error) == (0, "")
    assert f"  amper {command}" in text


def test_version(run):
    code, text, _ = run("--version")
    assert code == 0
    assert re.fullmatch(r"amper \d+\.\d+\.\d+\n", text)


def test_no_command(run):
    code, text, error = run()
    assert (code, text) == (2, "")
    assert error.endswith("amper: error: the following arguments are required: COMMAND\n")


# --- bad input -----------------------------------------------------------------------------------------------------

SIZES = [
    (("--rows", "0"), "rows must be 1 to 1048576, not 0"),
    (("--rows", "-3"), "rows must be 1 to 1048576, not -3"),
    (("--rows", "1048577"), "rows must be 1 to 1048576, not 1048577"),
    (("--rows", "8", "--priority-width", "3"), "priority_width must be 4 to 32, not 3"),
    (("--rows", "8", "--priority-width", "33"), "priority_width must be 4 to 32, not 33"),
    (("--rows", "8", "--groups", "0"), "groups must be 1 to 256, not 0"),
    (("--rows", "8", "--groups", "257"), "groups must be 1 to 256, not 257"),
    (("--rows", "8", "--batch", "0"), "batch must be 1 to 4096, not 0"),
    (("--rows", "8", "--batch", "4097"), "batch must be 1 to 4096, not 4097"),
    (("--rows", "8", "--bank-rows", "1"), "bank_rows must be 2 to 1024, not 1"),
    (("--rows", "8", "--bank-rows", "48"), "bank_rows must be a power of two, not 48"),
    (("--rows", "8", "--fan-out", "128"), "fan_out must be 2 to 64, not 128"),
    (("--rows", "8", "--fan-out", "3"), "fan_out must be a power of two, not 3"),
    (
        ("--rows", "8", "--radius-scale", "-0.1"),
        "radius_scale must be at least 0 and below 16 x groups = 320, not -0.1",
    ),
    (
        ("--rows", "8", "--radius-scale", "320"),
        "radius_scale must be at least 0 and below 16 x groups = 320, not 320.0",
    ),
    (("--rows", "8", "--radius-scale", "nan"), "radius_scale must be finite, not nan"),
    (("--rows", "8", "--neighbour-scale", "16"), "neighbour_scale must be at least 0 and below 16, not 16.0"),
    (("--rows", "8", "--priority-scale", "0"), "priority_scale must be above 0, not 0.0"),
    (("--rows", "8", "--priority-scale", "inf"), "priority_scale must be finite, not inf"),
    (("--rows", "8", "--variant", "fuzzy"), "variant must be one of fr-dithered, fr-prefix, fr, k, exact, not 'fuzzy'"),
    (
        ("--rows", "8", "--variant", "exact", "--variants", "fr,k"),
        "variants must include variant, exact, not only fr, k",
    ),
    (("--rows", "8", "--variants", ""), "variants must be one of fr-dithered, fr-prefix, fr, k, exact, not ''"),
    (("--rows", "8", "--search-ports", "3"), "search_ports must be a power of two, not 3"),
    (("--rows", "8", "--draw-ports", "32"), "draw_ports must be 1 to 16, not 32"),
    (("--rows", "8", "--write-ports", "0"), "write_ports must be 1 to 16, not 0"),
    (("--rows", "8", "--pipeline", "long"), "pipeline must be one of deep, shallow, not 'long'"),
    (("--rows", "8", "--bus", "pci"), "bus must be one of native, axi, wishbone, axi4, not 'pci'"),
    ((), "rows must be given: it has no default"),
]


@pytest.mark.parametrize("command", ["generate", "verify"])
@pytest.mark.parametrize(("arguments", "message"), SIZES)
def test_illegal_configuration(tmp_path, run, command, arguments, message):
    output = tmp_path / "out"
    found = run(command, *arguments, "-o", output)
    assert found == (2, "", f"amper {command}: error: {message}\n")
    assert not output.exists()


@pytest.mark.parametrize(
    ("command", "seed"), [("generate", "--seed"), ("verify", "--device-seed")], ids=["generate", "verify"]
)
@pytest.mark.parametrize("value", [-1, 1 << 64])
def test_illegal_seed(tmp_path, run, command, seed, value):
    found = run(command, "--rows", 8, seed, value, "-o", tmp_path)
    assert found == (2, "", f"amper {command}: error: seed must be 0 to {(1 << 64) - 1}, not {value}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rows", "8.0"), "argument --rows: invalid int value: '8.0'"),
        (("--rows", "many"), "argument --rows: invalid int value: 'many'"),
        (("--rows", ""), "argument --rows: invalid int value: ''"),
        (("--rows",), "argument --rows: expected one argument"),
        (("--rows", "8", "--radius-scale", "wide"), "argument --radius-scale: invalid float value: 'wide'"),
        (("--rows", "8", "--colour", "red"), "unrecognized arguments: --colour red"),
    ],
)
@pytest.mark.parametrize("command", ["generate", "verify"])
def test_illegal_option(tmp_path, run, command, arguments, message):
    code, text, error = run(command, *arguments, "-o", tmp_path)
    assert (code, text) == (2, "")
    # Options that no command knows are the business of the parser above the commands.
    name = "amper" if "unrecognized" in message else f"amper {command}"
    assert error.splitlines()[-1] == f"{name}: error: {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('rows = "8"', "rows must be an integer, not '8'"),
        ("rows = 8.0", "rows must be an integer, not 8.0"),
        ("rows = true", "rows must be an integer, not True"),
        ("rows = 8\nradius_scale = '0.1'", "radius_scale must be a number, not '0.1'"),
        ("rows = 8\nvariant = 3", "variant must be a string, not 3"),
        ("rows = 8\nrow = 9", f"'row' is not a parameter; the parameters are {NAMES}"),
        ("batch = 8", "rows must be given: it has no default"),
    ],
)
@pytest.mark.parametrize("command", ["generate", "verify"])
def test_illegal_configuration_file(tmp_path, run, command, text, message):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    found = run(command, "--config", file, "-o", tmp_path / "out")
    assert found == (2, "", f"amper {command}: error: {message}\n")


@pytest.mark.parametrize("command", ["generate", "verify"])
def test_unreadable_configuration_file(tmp_path, run, command):
    absent = tmp_path / "absent.toml"
    start = f"amper {command}: error: "
    found = run(command, "--config", absent, "-o", tmp_path / "out")
    assert found == (2, "", f"{start}[Errno 2] No such file or directory: '{absent}'\n")
    found = run(command, "--config", tmp_path, "-o", tmp_path / "out")
    assert found == (2, "", f"{start}[Errno 21] Is a directory: '{tmp_path}'\n")
    broken = tmp_path / "broken.toml"
    broken.write_text("rows 8")
    code, text, error = run(command, "--config", broken, "-o", tmp_path / "out")
    assert (code, text) == (2, "")
    assert error.startswith(f"{start}{broken}: not a TOML file: ")


def test_the_page_of_errors_names_tests_that_exist():
    tests = Path(__file__).parents[1]
    page = (tests.parent / "docs/reference/errors.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)`", page))
    defined = {
        name for file in tests.rglob("test_*.py") for name in re.findall(r"(?m)^def (test_\w+)", file.read_text())
    }
    assert len(named) > 30
    assert named <= defined
    for link in re.findall(r"\]\(([^)]+)\)", page):
        assert (tests.parent / "docs/reference" / link.partition("#")[0]).exists(), link
