"""The netlist is that of the Verilog, module by module; a change of what was synthesised is found."""

import re

import pytest
from oracles.mini_liberty import mini_liberty

from amper import AmperConfig
from amper_cli.main import main
from amper_verif.prove import netlist
from amper_verif.prove.netlist import Compared, compare_netlist

TINIEST = AmperConfig(rows=4, bank_rows=4, priority_width=4, groups=2, batch=3)


def quiet(text):
    """Say nothing."""


def compared(folder, change=lambda verilog: verilog):
    """The beats of draws, with the queue in them."""
    found = compare_netlist(TINIEST, folder, top="amper_draw_beats", change=change, say=quiet)
    return {one.module: one for one in found}


@pytest.mark.long  # `amper signoff --quick` compares all modules of this sampler
def test_a_netlist_is_equal(tmp_path):
    found = compared(tmp_path)
    assert set(found) == {"amper_draw_beats", "amper_draw_beats_records", "amper_draw_urng"}
    assert all(one.passed and one.points > 10 for one in found.values())


def test_what_is_not_the_same_stays_open(tmp_path):
    """In the module that has it, and in no other: here a reset, and a connection of a part."""

    def changed(verilog):
        for pattern, replacement in (
            (r"(?s)(module amper_draw_beats_records .*?level <= 3'd)0;", r"\g<1>1;"),
            (r"(?s)(amper_draw_beats_records records .*?\.w_en\()(\w+)\)", r"\1~\2)"),
        ):
            verilog, hits = re.subn(pattern, replacement, verilog, count=1)
            assert hits == 1
        return verilog

    found = compared(tmp_path, changed)
    assert {name for name, one in found.items() if not one.passed} == {"amper_draw_beats", "amper_draw_beats_records"}
    assert any("level" in name for name in found["amper_draw_beats_records"].open_points)


def test_a_netlist_of_cells_is_equal(tmp_path):
    """Yosys sees no folder but the one that it runs in, which may lie in /tmp."""
    (one,) = compare_netlist(TINIEST, tmp_path, top="amper_draw_beats_records", liberty=[mini_liberty()], say=quiet)
    assert one.passed
    cells = set(re.findall(r"(?m)^  cell (\S+) ", (tmp_path / "netlist.il").read_text()))
    assert {r"\DFF_X1", r"\NAND2_X1"} <= cells
    assert all(cell.startswith("\\") for cell in cells), "a gate of Yosys is left"


def test_a_module_that_takes_too_long_stays_open(tmp_path, monkeypatch):
    def run(folder, name, text, seconds=None):
        if seconds:
            raise TimeoutError

    monkeypatch.setattr(netlist, "run_script", run)
    (one,) = compare_netlist(TINIEST, tmp_path, top="amper_total_multiplier", seconds=7, say=quiet)
    assert one.open_points == ("no end in 7 s",)
    assert not one.passed
    with pytest.raises(ValueError, match=r"top must be one of amper, amper_write_unit, .* not amper_nothing"):
        compare_netlist(TINIEST, tmp_path, top="amper_nothing", say=quiet)


def test_the_command(tmp_path, capsys, monkeypatch):
    said = [Compared("one", 5, (), 1.0), Compared("other", 7, ("held",), 2.0)]
    monkeypatch.setattr(netlist, "compare_netlist", lambda *args, **options: said)
    arguments = ["prove", "--rows", "4", "--netlist", "-o", str(tmp_path)]
    assert main(arguments) == 1
    assert "open: held" in capsys.readouterr().out
    said.pop()
    assert main(arguments) == 0
    assert main(["prove", "--rows", "4", "--liberty", "cells.lib"]) == 2
    assert "liberty needs --netlist" in capsys.readouterr().err
