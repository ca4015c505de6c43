"""Each property is proven of the Verilog, and fails when its seeded bug is in."""

import json
import re
from dataclasses import replace

import pytest

from amper import AmperConfig
from amper_cli.main import main
from amper_verif.prove.engine import ProofError, prove
from amper_verif.prove.properties import PROPERTIES

SMALL = AmperConfig(rows=12, priority_width=6, groups=3, batch=6, bank_rows=4)
LONG = ("answers", "draws", "results")
EACH = pytest.mark.parametrize(
    "goal",
    [pytest.param(goal, id=goal.name, marks=pytest.mark.long if goal.name in LONG else ()) for goal in PROPERTIES],
)


@EACH
def test_it_holds(tmp_path, goal):
    """For ever, or as long as it says; its case occurs meanwhile."""
    proof = prove(goal, SMALL, tmp_path)
    assert proof.passed
    assert (proof.verdict, proof.depth) == ("holds", goal.cycles) if goal.cycles else proof.depth <= 14
    assert 0 < proof.reached <= (goal.cycles or 20)


@EACH
def test_it_finds_its_bug(tmp_path, goal):
    proof = prove(goal, SMALL, tmp_path, bug=True)
    assert not proof.passed
    assert proof.verdict == "fails"
    assert proof.depth <= (goal.cycles or 14)


def test_one_whose_case_never_occurs(tmp_path):
    """What is said of nothing is not proven."""
    proof = prove(replace(PROPERTIES[0], case="1'b0"), SMALL, tmp_path)
    assert proof.verdict == "vacuous"
    assert not proof.passed


def test_a_bit_select_with_a_pipeline(tmp_path):
    goal = next(goal for goal in PROPERTIES if goal.name == "rank-select")
    assert prove(goal, replace(SMALL, rows=16, bank_rows=16), tmp_path).verdict == "proven"


def test_a_property_that_does_not_fit(tmp_path):
    with pytest.raises(ProofError, match="no module is named amper_nothing"):
        prove(replace(PROPERTIES[0], module="amper_nothing"), SMALL, tmp_path)
    bug = ("not there", "")
    inside = ("nothing",)
    with pytest.raises(ProofError, match="nothing in amper_draw_unit_queue is named nothing"):
        prove(replace(PROPERTIES[0], inside=inside), SMALL, tmp_path)
    with pytest.raises(ProofError, match=re.escape("the bug of result-stable fits 0 places, not 1")):
        prove(replace(PROPERTIES[0], bug=bug), SMALL, tmp_path, bug=True)


def test_the_command(tmp_path, capsys):
    arguments = ["prove", "--rows", "12", "--bank-rows", "4", "--only", "refused-changes", "-o", str(tmp_path)]
    assert main([*arguments, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["name"], found["verdict"]) == ("refused-changes", "proven")
    assert main(["prove", "--only", "all"]) == 2
    assert "only must be one of result-stable, rank-select, " in capsys.readouterr().err
