"""The properties beside the sampler, in simulation."""

import re
from functools import cache

import pytest

from amper import AmperConfig
from amper_cli.main import main
from amper_hw.output.generate import generate
from amper_verif.prove.engine import ProofError
from amper_verif.prove.properties import PROPERTIES
from amper_verif.prove.watch import groups, watch, watched

SMALL = AmperConfig(rows=12, priority_width=6, groups=3, batch=6, bank_rows=4)
GOALS = {goal.name: goal for goal in PROPERTIES}
NAMES = (
    "result-stable",
    "axi4-lite",
    "wishbone",
    "csp-union",
    "csp-select",
    "plane",
    "plane-select",
    "tree",
    "requests",
)


@cache
def grouped():
    """By the first of their properties; not at import, since the Verilog of each is generated."""
    return {goals[0].name: (config, goals) for config, goals in groups(SMALL)}


def test_all_but_those_without_clock_or_with_choices():
    """Every property is in one group, of its own configuration and bus."""
    names = [goal.name for _, goals in grouped().values() for goal in goals]
    left = {"match-line", "match-line-ternary", "answers", "draws"}
    assert set(grouped()) == set(NAMES)
    assert sorted(names) == sorted(set(GOALS) - left)
    assert {config.bus for config, _ in grouped().values()} == {"native", "axi", "wishbone"}


@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_they_hold(tmp_path, name):
    config, goals = grouped()[name]
    found = watch(config, goals, tmp_path, batches=30)
    assert (found.passed, found.error) == (True, "")


def test_a_bug_is_noticed_where_it_is(tmp_path):
    """By the property, before any result is wrong."""
    config, goals = grouped()["requests"]
    found = watch(config, goals, tmp_path, batches=30, change=lambda verilog: re.sub(*GOALS["results"].bug, verilog))
    assert not found.passed
    assert "results: assert fits && index == count" in found.error


@pytest.mark.long
def test_what_a_proof_assumes_is_watched_too(tmp_path):
    """A clear in the cycle of a write: the tree's proof assumes that none comes while rows are cleared."""
    config, goals = grouped()["tree"]
    clear = re.compile(r"(amper_tree_bank bank_0 \(.*?\.clear\(bank_0__clear)", re.DOTALL)
    found = watch(config, goals, tmp_path, change=lambda verilog: clear.sub(r"\1 | bank_0__write__valid", verilog))
    assert not found.passed
    assert "tree: assume !write_valid || !clearing" in found.error


@pytest.mark.parametrize("name", ["match-line", "draws"])
def test_one_that_cannot_be_watched(name):
    config = AmperConfig(**GOALS[name].values)
    with pytest.raises(ProofError, match=f"^{name} cannot be watched: no such module, no clock, or inputs of a solver"):
        watched(generate(config).verilog, [GOALS[name]], config)


def test_the_command_refuses(tmp_path, capsys):
    assert main(["prove", "--rows", "12", "--simulate", "--only", "draws", "-o", str(tmp_path)]) == 2
    assert "only must be a property that can be watched, not draws" in capsys.readouterr().err
    assert main(["prove", "--rows", "12", "--simulate", "--netlist", "-o", str(tmp_path)]) == 2
    assert "simulate cannot go with netlist" in capsys.readouterr().err
