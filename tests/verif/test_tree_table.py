"""The table of organisation tree: what it checks, that it goes on, and what it makes of a mismatch."""

import json

import pytest

from amper_verif import tree_table
from amper_verif.tree_table import Case


def test_every_size_and_width_meets_the_golden_model():
    cases = tree_table.cases()
    golden = {(case.rows, case.priority_width) for case in cases if case.check == "native"}
    assert golden == {(n, q) for n in (2, 3, 17, 1000, 4096, 16_384, 65_535, 65_536) for q in (4, 16, 32)}
    assert {case.rows for case in cases if case.check == "verilator"} == {2, 3, 17, 1000, 4096}
    assert {case.rows for case in cases if case.check == "icarus"} == {2, 3, 17, 1000}
    assert {case.rows for case in cases if case.check == "trace"} == {4096, 16_384, 65_535, 65_536}
    assert all(case.config.organisation == "tree" for case in cases)


def checks(made, mismatches):
    def check(config):
        made.append((config.rows, config.priority_width))
        return 7, mismatches

    return {"verilator": check}


@pytest.mark.parametrize(("mismatches", "code"), [(0, 0), (1, 1)])
def test_it_goes_on_where_it_was(tmp_path, monkeypatch, capsys, mismatches, code):
    made = []
    monkeypatch.setattr(tree_table, "CHECKS", checks(made, mismatches))
    monkeypatch.setattr(tree_table, "cases", lambda: [Case(2, 16, "verilator"), Case(3, 16, "verilator")])
    file = tmp_path / "table.jsonl"
    line = {"rows": 2, "priority_width": 16, "check": "verilator", "compared": 5, "mismatches": 0, "seconds": 1}
    file.write_text(json.dumps(line) + '\n{"rows": 3, "prio\n')
    assert tree_table.main(["-o", str(file)]) == code
    assert made == [(3, 16)]
    lines = ["| 2 | 16 | 5 | 0 |", f"| 3 | 16 | 7 | {mismatches} |"]
    assert capsys.readouterr().out.splitlines()[2:] == lines
    assert (tmp_path / "table.md").read_text().splitlines()[-2:] == lines
    assert tree_table.main(["-o", str(file)]) == code
    assert made == [(3, 16)]


def test_a_small_case():
    """In Icarus alone, which builds fast."""
    compared, mismatches = tree_table.CHECKS["icarus"](Case(3, 4, "icarus").config)
    assert compared > 100
    assert mismatches == 0
