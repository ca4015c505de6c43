"""The soak: what it runs, that it goes on, and what it makes of a mismatch."""

import json
from collections import Counter

import pytest

from amper import AmperConfig
from amper_verif.native import soak
from amper_verif.native.run import Comparison, random_run

SHAPES = {"small": AmperConfig(rows=4, bank_rows=4, priority_width=4, batch=2), "one row": AmperConfig(rows=1)}


def test_every_shape_is_legal():
    found = soak.shapes()
    assert {"preset small", "preset paper", "preset fast", "one row", "b = 4096", "Q = 32"} <= set(found)
    assert {found["most ports"].draw_ports, found["most ports"].write_ports} == {8}


def test_it_goes_on_where_it_was(tmp_path, monkeypatch):
    made = []

    def run(config, names, operations, seed):
        made.append((config.rows, config.seed, seed, operations))
        run = Comparison({}, compared=10 * seed)
        run.calls = Counter(write=operations)
        return run

    monkeypatch.setattr(soak, "shapes", lambda: SHAPES)
    monkeypatch.setattr(soak, "random_run", run)
    file = tmp_path / "soak.jsonl"
    soak.soak(file, rounds=1, calls=7)
    assert made == [(4, 1, 1, 7), (1, 1, 1, 7)]
    with file.open("a") as out:
        out.write('{"shape": "small", "ca')  # killed while it wrote
        out.write("\n")
    assert soak.soak(file, rounds=2, calls=7)["small"] == soak.Total(14, 30, 0, 2)
    assert made[2:] == [(4, 2, 2, 7), (1, 2, 2, 7)]


@pytest.mark.parametrize(("mismatches", "code"), [(0, 0), (1, 1)])
def test_the_command(tmp_path, monkeypatch, capsys, mismatches, code):
    monkeypatch.setattr(soak, "shapes", lambda: SHAPES)
    file = tmp_path / "soak.jsonl"
    lines = [{"shape": name, "seed": 1, "calls": 1000, "compared": 5, "mismatches": mismatches} for name in SHAPES]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert soak.main(["-o", str(file)]) == code
    assert (
        f"small                   1,000 calls              5 compared    {mismatches} mismatches"
        in capsys.readouterr().out
    )


def test_a_shape_in_software_alone():
    """Each as the golden model has it, but for the RTL, which takes a compiler."""
    assert random_run(soak.shapes()["m above n"], ("golden", "exact"), 60, 1).mismatches == 0
