"""The soak: that it goes on, what a program has, that a difference is found, named and shown again."""

import json
from collections import Counter
from dataclasses import asdict, replace

import numpy as np
import pytest

from amper import VARIANTS, AmperConfig
from amper.backends import backend as software
from amper_verif.native import soak
from amper_verif.native.answers import Answers, Follower, counts
from amper_verif.native.backend import open_backend
from amper_verif.native.program import PART, Kind, part
from amper_verif.native.soak import Round, Shape, Total

ALL = AmperConfig(rows=9, priority_width=5, groups=3, batch=5, variants=VARIANTS, seed=2)
SMALL = {"rows": 5, "priority_width": 6, "batch": 4, "bank_rows": 4}  # which other tests compile, too
SHAPES = {"small": Shape(SMALL, 9000), "one row": Shape({"rows": 1}, 50)}


def followed(config, backend, programs):
    """The answers of a backend to programs."""
    follower = Follower(config, software.open_backend(backend, config))
    return [follower.run(program) for program in programs]


@pytest.fixture
def shapes(monkeypatch):
    """Few shapes, whose Verilog need not be made."""
    monkeypatch.setattr(soak, "SHAPES", SHAPES)
    monkeypatch.setattr(soak, "verilog_digest", lambda shape: f"of {shape}")
    return SHAPES


def test_every_shape_is_legal():
    found = {name: shape.config for name, shape in soak.SHAPES.items()}
    assert {"preset small", "preset paper", "preset fast", "one row", "b = 4096", "Q = 32"} <= set(found)
    assert {found["most ports"].draw_ports, found["most ports"].write_ports} == {8}
    assert {config.organisation for config in found.values()} == {"parallel", "tree"}


def test_a_program_is_its_seed_alone_and_has_every_kind_of_call():
    programs = [part(ALL, 3, number) for number in range(3)]
    assert np.array_equal(programs[1].codes, part(ALL, 3, 1).codes)
    assert not np.array_equal(programs[1].kinds, part(ALL, 4, 1).kinds)
    assert {program.kinds.size for program in programs} == {PART}
    found = Counter()
    for program, answers in zip(programs, followed(ALL, "exact", programs), strict=True):
        found.update(counts(program, answers))
    wanted = {"writes", "refused writes", "changes", "refused changes"}
    assert set(found) == wanted | {"OK", "FALLBACK", "NO_VALID_ROW", "BAD_BATCH", "DISABLED"}
    assert min(found.values()) > 5


@pytest.mark.parametrize("config", [ALL, AmperConfig(rows=6, organisation="tree", seed=1)], ids=["all", "tree"])
def test_software_answers_as_the_golden_model(config):
    programs = [part(config, 1, 0).until(700)]
    golden, exact = (followed(config, backend, programs)[0] for backend in ("golden", "exact"))
    assert exact.drawn.size > 200
    assert golden.difference(exact) is None


def test_a_difference_is_found():
    one = Answers(*map(np.array, ([0, 0, 1, 0], [0, 3, 0, 3], [0, 2, 0, 1], [7, 8, 9])))
    assert one.of(1) == (0, 3, [7, 8])
    assert one.difference(one) is None
    assert one.difference(replace(one, drawn=np.array([7, 8, 6]))) == 3
    assert one.difference(replace(one, drawn=np.array([7, 5, 6]))) == 1
    assert one.difference(replace(one, sizes=np.array([0, 1, 1, 1]))) == 1
    assert one.difference(replace(one, outcomes=np.array([0, 0, 1, 2]))) == 3


def test_the_rtl_makes_the_same_calls(monkeypatch, shapes, tmp_path, capsys):
    config = replace(shapes["small"].config, seed=1)
    run = soak.one_round(config, PART + 500, 1)
    assert (run.mismatches, run.first, run.calls) == (0, "", PART + 500)
    assert run.compared > 2000
    assert run.kinds["refused writes"] > 0
    # Software of another seed stands for a fault of the RTL.
    monkeypatch.setattr(soak, "open_backend", lambda config, simulator: open_backend(replace(config, seed=9)))
    found = soak.one_round(config, PART, 1)
    assert (found.mismatches, found.calls) == (1, int(found.first.split()[1].rstrip(":")))
    program = part(config, 1, 0)
    assert program.kinds[found.calls - 1] == Kind.SAMPLE
    assert soak.main(["--shapes", "small", "--replay", "1", str(found.calls), "-o", str(tmp_path / "s")]) == 0
    call, golden, exact, rtl = capsys.readouterr().out.splitlines()
    assert f"{call}:" in f"{found.first}:"
    assert golden.split()[1:] == exact.split()[1:] != rtl.split()[1:]


def test_it_goes_on_where_it_was(tmp_path, monkeypatch, shapes):
    made = []

    def run(config, calls, seed, simulator, name):
        made.append((name, config.seed, seed, calls))
        return Round(calls, 10 * seed, kinds=Counter(OK=calls))

    monkeypatch.setattr(soak, "one_round", run)
    file = tmp_path / "soak.jsonl"
    soak.soak(file, rounds=1, calls=700)
    assert made == [("small", 1, 1, 700), ("one row", 1, 1, 50)]
    with file.open("a") as out:
        out.write('{"shape": "small", "ca')  # killed while it wrote
        out.write("\n")
    total = soak.soak(file, rounds=2)["small"]
    assert total == Total(9700, 30, 0, 2, {"OK": 9700})
    assert json.loads(json.dumps(asdict(total))) == asdict(total)  # as a sign-off keeps it
    assert made[2:] == [("small", 2, 2, 9000), ("one row", 2, 2, 50)]
    monkeypatch.setattr(soak, "verilog_digest", lambda shape: f"of another {shape}")
    assert soak.totals(file)["small"] == Total(rounds=2)
    soak.soak(file, rounds=3, names=("small",))
    assert soak.soak(file, rounds=0)["small"].calls == 9000  # shows what there is
    assert made[4:] == [("small", 3, 3, 9000)]


@pytest.mark.parametrize(("mismatches", "code"), [(0, 0), (1, 1)])
def test_the_command(tmp_path, capsys, shapes, mismatches, code):
    file = tmp_path / "soak.jsonl"
    sums = {"calls": 1000, "compared": 5, "mismatches": mismatches, "kinds": {"OK": 1000}}
    lines = [{"shape": name, "seed": 1, "verilog": f"of {name}"} | sums for name in SHAPES]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert soak.main(["-o", str(file)]) == code
    said = capsys.readouterr().out
    assert f"small                   1,000 calls              5 compared    {mismatches} mismatches" in said
    with pytest.raises(SystemExit):
        soak.main(["-o", str(file), "--replay", "1", "7"])
    assert "--replay needs one shape, not 0" in capsys.readouterr().err
