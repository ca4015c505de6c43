"""Random configurations: what is chosen, what a run says, and how a failing one is repeated."""

import json
import random
import re
import shlex
from collections import Counter

import pytest

from amper import VARIANTS, AmperConfig
from amper_cli.main import build_parser, main
from amper_cli.options import configuration
from amper_spec.algorithm import DRAWS
from amper_spec.config import BUSES
from amper_verif import fuzz, verify
from amper_verif.harness.mutations import Mutation

SEEDS = range(1000)
CONFIGS = [fuzz.random_config(random.Random(f"1/{index}")) for index in SEEDS]


def test_every_choice_comes_up():
    def seen(name):
        return Counter(getattr(config, name) for config in CONFIGS)

    assert set(seen("search_ports")) == set(seen("draw_ports")) == set(seen("write_ports")) == {1, 2, 4, 8, 16}
    assert set(seen("pipeline")) == {"deep", "shallow"}
    assert set(seen("result_priority")) == {True, False}
    assert set(seen("storage")) == {"flip-flops", "latches"}
    assert set(seen("primitives")) == {"gates", "blocks"}
    assert set(seen("variant")) == set(VARIANTS)
    assert len(seen("variants")) == 31  # every set of them
    assert seen("variants")[("exact",)] > 150  # and exact alone often
    draws = {(config.variants == ("exact",), config.draws) for config in CONFIGS if "exact" in config.variants}
    assert draws == {(alone, draw) for alone in (True, False) for draw in DRAWS}
    assert min(seen("rows")) <= 3 < 1000 < max(seen("rows")) <= 3000
    assert {4, 32} <= set(seen("priority_width"))
    assert min(seen("groups")) == 1 < 64 < max(seen("groups"))
    assert min(seen("batch")) == 1 < 70 < max(seen("batch"))
    assert set(seen("bus")) == {"native"}
    assert sorted(config.rows for config in CONFIGS)[len(CONFIGS) // 2] <= 40  # mostly small


def test_buses_are_chosen_when_asked_for():
    buses = {fuzz.random_config(random.Random(index), buses=("axi", "wishbone")).bus for index in range(20)}
    assert buses == {"axi", "wishbone"}


def test_an_organisation_is_the_only_one_when_asked_for():
    chances = [random.Random(index) for index in range(50)]
    trees = [fuzz.random_config(chance, organisation="tree", variants=("exact",)) for chance in chances]
    assert {(each.organisation, each.variants) for each in trees} == {("tree", ("exact",))}
    assert {each.primitives for each in trees} == {"gates", "blocks"}
    assert len({each.rows for each in trees}) > 20


@pytest.mark.parametrize("index", [0, 7, 41, 299])
def test_the_same_seed_gives_the_same_configuration(index):
    assert fuzz.random_config(random.Random(f"1/{index}")) == CONFIGS[index]


@pytest.mark.parametrize("config", [AmperConfig(rows=3), AmperConfig(rows=3, variant="k", bus="axi"), *CONFIGS[:50]])
def test_the_command_gives_the_configuration(config):
    options = build_parser().parse_args(["verify", *config.options(seed="device_seed")])
    assert configuration(options) == config


def test_defaults_are_left_out_of_the_command():
    assert AmperConfig(rows=3).options() == ["--rows", "3"]
    given = AmperConfig(rows=3, variant="k", priority_width=9, result_priority=False)
    assert shlex.join(given.options()) == "--rows 3 --priority-width 9 --variant k --no-result-priority"


# --- runs ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    """Configurations that are built in seconds."""

    def random_config(chance, *, buses, **given):
        assert buses == BUSES  # unless the command says otherwise
        assert not given
        return AmperConfig(rows=chance.randint(2, 9), bank_rows=4, priority_width=5, groups=2, batch=4)

    monkeypatch.setattr(fuzz, "random_config", random_config)


def run(capsys, *arguments):
    code = main(["verify", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_runs_that_pass(tmp_path, capsys, small):
    code, text, _ = run(capsys, "--fuzz", 2, "--sim", "icarus", "--batches", 20, "-o", tmp_path)
    assert code == 0, text
    lines = text.splitlines()
    assert re.match(r"1/2 icarus    passed  \d+ indices compared, native, rows \d, exact, deep \(", lines[0])
    assert lines[1].startswith("2/2 icarus    passed  ")
    assert re.fullmatch(r"2 of 2 runs passed, [\d,]+ indices compared", lines[2])


@pytest.mark.parametrize("form", [("--json",), ()], ids=["json", "text"])
def test_a_broken_sampler_fails_with_the_command_that_repeats_it(tmp_path, capsys, monkeypatch, small, form):
    pattern = r"\.start_rank\(array_selected_0_rank\)"
    broken = Mutation("other rows are drawn", "amper_draw_unit", pattern, ".start_rank(array_selected_0_rank ^ 2'h1)")
    original = verify.verify
    monkeypatch.setattr(fuzz, "verify", lambda *options, **named: original(*options, **named | {"mutate": broken}))
    code, text, _ = run(capsys, "--fuzz", 1, "--sim", "icarus", "--seed", 5, "--batches", 30, "-o", tmp_path, *form)
    assert code == 1
    if form:
        (found,) = json.loads(text)["runs"]
        assert found["passed"] is False
        assert found["verification"]["mismatches"] > 0
        command = found["command"]
    else:
        first, command, reason, total = text.splitlines()
        assert " FAILED  " in first
        assert ": expected " in reason
        assert total.startswith("0 of 1 runs passed")
    rows = re.search(r"--rows (\d)", command)[1]
    wanted = f"amper verify --sim icarus --batches 30 --seed 5 --rows {rows} --priority-width 5 --groups 2 --batch 4"
    assert command.strip() == f"{wanted} --bank-rows 4"


def test_an_error_of_one_run_does_not_end_the_others(tmp_path, capsys, monkeypatch, small):
    def failing(config, **_):
        raise RuntimeError(f"no Verilog for {config.rows} rows")

    monkeypatch.setattr(fuzz, "verify", failing)
    code, text, _ = run(capsys, "--fuzz", 3, "--sim", "icarus", "-o", tmp_path)
    assert code == 1
    assert len(re.findall(r"^  RuntimeError: no Verilog for \d rows$", text, re.MULTILINE)) == 3
    assert "0 of 3 runs passed, 0 indices compared" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--fuzz", 0), "fuzz must be at least 1, not 0"),
        (("--fuzz", -3), "fuzz must be at least 1, not -3"),
        (("--fuzz", 1, "--batches", 2), "batches must be at least 3, not 2"),
        (("--fuzz", 1, "--rows", 5), "fuzz chooses the configurations itself: --rows must not be given"),
        (("--fuzz", 1, "--trace", "x.npz"), "fuzz chooses the configurations itself: --trace must not be given"),
        (
            ("--fuzz", 1, "--organisation", "auto"),
            "organisation must be one of parallel, tree with fuzz, not auto",
        ),
        (("--fuzz", 1, "--bus", "pci"), "bus must be one of native, axi, wishbone, axi4, not 'pci'"),
    ],
)
def test_bad_input(tmp_path, capsys, arguments, message):
    found = run(capsys, *arguments, "-o", tmp_path)
    assert found == (2, "", f"amper verify: error: {message}\n")


# --- ten configurations of CI ----------------------------------------------------------------------------------------


def small_enough(bus, index):
    """The first random configuration of a sequence that is built and simulated in seconds."""
    chance = random.Random(f"ci/{bus}/{index}")
    while True:
        config = fuzz.random_config(chance, buses=(bus,))
        few_ports = config.search_ports * config.draw_ports <= 16
        if config.rows <= 60 and config.batch <= 40 and config.groups <= 30 and few_ports:
            return config


@pytest.mark.parametrize(
    ("bus", "index"),
    [
        *[("native", index) for index in (1, 3)],
        *(pytest.param("native", index, marks=pytest.mark.long) for index in (0, 2)),
        ("wishbone", 9),
        pytest.param("wishbone", 0, marks=pytest.mark.long),
        pytest.param("axi", 0, marks=pytest.mark.long),
        *(pytest.param(bus, 1, marks=pytest.mark.long) for bus in ("axi", "wishbone", "axi4")),
    ],
)
def test_a_random_configuration_draws_the_golden_indices(tmp_path, bus, index):
    config = small_enough(bus, index)
    result = verify.verify(config, simulator="icarus", batches=15, corners=False, seed=index + 1, folder=tmp_path)
    assert result.passed, result.first_mismatch


def test_a_case_through_a_bus_ends_in_time():
    """Regression: a Wishbone case of 170 rows took over 15 minutes in Icarus."""
    wide = AmperConfig(rows=170, bus="wishbone")
    assert fuzz.affordable(wide, 60) == 11
    assert fuzz.affordable(AmperConfig(rows=5000, bus="axi"), 60) == 8
    assert fuzz.affordable(AmperConfig(rows=5000), 60) == fuzz.affordable(AmperConfig(rows=10, bus="axi"), 60) == 60
