"""Code coverage: Verilator's files, what is merged, waived and missed, and that a bench that does little says so."""

from collections import Counter
from pathlib import Path

import pytest

from amper import AmperConfig
from amper_verif.code_coverage.points import KINDS, Point, merged, read_points
from amper_verif.code_coverage.report import coverage_of, missed_list, module_table
from amper_verif.code_coverage.waivers import Waiver, committed_waivers
from amper_verif.verify import verify

TINIEST = AmperConfig(rows=4, bank_rows=4, priority_width=4, groups=2, batch=3)


def line(kind, module, number, name, instance, count):
    keys = {"f": "/x.v", "l": number, "n": 3, "t": kind, "page": f"v_{kind}/{module}", "o": name, "h": instance}
    return f"C '{''.join(f'{chr(1)}{key}{chr(2)}{value}' for key, value in keys.items())}' {count}\n"


def saved(path, *lines):
    path.write_text("# SystemC::Coverage-3\n" + "".join(lines))
    return path


def point(name, module="part", kind="toggle", number=7):
    return Point(module, kind, number, 3, name)


def test_instances_and_runs_are_merged(tmp_path):
    name = "a___05Fb[2]:0->1"  # a__b[2], as Verilator writes it
    one = saved(
        tmp_path / "1",
        line("toggle", "part", 7, name, "top.x", 0),
        line("toggle", "part", 7, name, "top.y", 2),
        line("branch", "part", 9, "else", "top.x", 0),
        line("user", "part", 9, "anything", "top.x", 0),
    )
    other = saved(tmp_path / "2", line("branch", "part", 9, "else", "top.x", 3))
    bit, branch = point("a__b[2]:0->1"), point("else", kind="branch", number=9)
    assert read_points(one) == {bit: 2, branch: 0}
    assert merged([one, other]) == {bit: 2, branch: 3}
    none = tmp_path / "3"
    none.write_text("x")
    with pytest.raises(ValueError, match="must be a coverage file of Verilator, and is not"):
        read_points(none)


def test_what_was_hit_is_not_waived():
    waivers = [Waiver("pa.*", "toggle", r"count\[(3|4)\]:.*", "takes too long")]
    counts = Counter({point("count[2]:0->1"): 0, point("count[3]:0->1"): 0, point("count[4]:0->1"): 1})
    counts[point("if", kind="branch")] = 1
    found = coverage_of(counts, waivers)
    assert found.kinds["part"]["toggle"] == found.kinds["all"]["toggle"] == [3, 1, 1]
    assert found.percent("toggle") == 50
    assert found.percent("branch") == found.percent("line") == 100
    assert missed_list(found.missed) == ["part: toggle count: 2:0->1"]
    assert found.waived == {"takes too long": 1}
    assert "| part | 100.0 of 0 | 100.0 of 1 | 50.0 of 2 |" in module_table(found)


def test_missed_points_by_signal():
    missed = [point("a[0]:0->1"), point("a[1]:1->0"), point("b:1->0"), point("m[2][1]:0->1")]
    missed.append(point("else", kind="branch"))
    assert missed_list(missed) == [
        "part: toggle a: 0:0->1, 1:1->0",
        "part: toggle b: 1->0",
        "part: toggle m: 2.1:0->1",
        "part: branch line 7: else",
    ]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"reason": " "}, "reason of a waiver must not be empty"),
        ({"kind": "user"}, "kind of a waiver must be one of line, branch, toggle, not 'user'"),
    ],
)
def test_a_waiver_that_is_none(changed, message):
    with pytest.raises(ValueError, match=message):
        Waiver(**{"module": "m", "kind": "line", "points": "p", "reason": "r"} | changed)


def test_committed_waivers():
    """Each is one, and none waives everything."""
    points = [point("any_bit[1]:0->1", kind=kind) for kind in KINDS]
    assert not any(waiver.covers(one) for waiver in committed_waivers() for one in points)


@pytest.mark.long  # `make signoff` has one, too
def test_a_run_of_verify(tmp_path):
    """Few batches without corners reach most of the sampler, but not a parameter's every limit."""
    run = verify(TINIEST, simulator="verilator", batches=10, corners=False, folder=tmp_path, code_coverage=True)
    found = coverage_of(merged(map(Path, run.code_coverage)), ())
    assert found.percent("branch", "amper_row_storage_4") == 100
    assert 60 < found.percent("toggle") < 99
    assert any(one.startswith("amper_parameter_unit: line") for one in missed_list(found.missed))
    with pytest.raises(ValueError, match="simulator must be verilator with code coverage, not icarus"):
        verify(TINIEST, simulator="icarus", folder=tmp_path, code_coverage=True)
