"""FPGA flows with the tools, on a sampler of 8 rows: Yosys, nextpnr, ecppack."""

import json
from dataclasses import replace

import pytest

from amper import AmperConfig
from amper_cli.main import main
from amper_hw.base.latency import batch_cycles
from amper_synth.fpga import board
from amper_verif.harness.yosys import SynthesisError

SMALL_OPTIONS = {"rows": 8, "bank_rows": 4, "fan_out": 2, "groups": 2, "batch": 2, "priority_width": 4}
SMALL_OPTIONS |= {"variant": "fr-dithered"}
OPTIONS = [f"--{name.replace('_', '-')}={value}" for name, value in SMALL_OPTIONS.items()]
SMALL = AmperConfig(**SMALL_OPTIONS)


@pytest.mark.long  # place and route, a minute
def test_the_command_measures_an_ecp5(tmp_path, capsys):
    command = ["synth", "--target", "ecp5", "--device", "25k", "--goal-mhz", "50", "--json", *OPTIONS]
    assert main([*command, "-o", str(tmp_path)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result == json.loads((tmp_path / "result.json").read_text(encoding="utf-8"))
    assert result["cells"]["register"] > SMALL.rows * (SMALL.priority_width + 3)  # two bitmaps and a valid bit a row
    assert result["components"]["amper_bank_4"]["instances"] == 2
    assert result["utilisation"]["TRELLIS_FF"]["used"] >= result["cells"]["register"]
    (run,) = result["runs"]
    delay = sum(step["logic_ns"] + step["routing_ns"] for step in run["critical_path"])
    assert delay == pytest.approx(1000 / run["fmax_mhz"], rel=0.01)  # the path is the one that sets the clock
    assert max(entry["ns"] for entry in run["worst"].values()) == pytest.approx(delay, rel=0.01)
    assert {"amper_bank_4", "amper_boundary", "amper"} <= set(run["worst"])
    assert result["batch_ns"] == round(1000 * batch_cycles(SMALL) / run["fmax_mhz"], 1)
    kept = {"amper.v", "boundary.v", "synthesis.ys", "synthesis.log", "seed1.sh", "seed1.log", "seed1.routed"}
    assert kept <= {path.name for path in tmp_path.iterdir()}


@pytest.mark.long  # place and route of a whole board
def test_a_bitstream_for_a_board(tmp_path):
    result = board.build(SMALL, board.BOARDS["ulx3s"], folder=tmp_path)
    assert result.fmax_mhz > result.clock_mhz == 25.0
    bitstream = (tmp_path / "amper_ulx3s.bit").read_bytes()
    assert b"LFE5U-85F" in bitstream[:200]
    assert len(bitstream) > 100_000
    pins = result.utilisation["TRELLIS_IO"]["used"]
    assert pins == 13  # clock, button, two of the serial port, eight lights, and the pin of the ESP32


def test_a_board_too_fast_for_the_design_is_an_error(tmp_path, monkeypatch):
    """No bitstream that would not work."""
    monkeypatch.setattr(board, "map_cells", lambda *_: None)
    monkeypatch.setattr(board, "place_and_route", lambda *_, **__: {"fmax": {"clk": {"achieved": 20.5}}})
    with pytest.raises(SynthesisError, match=r"^the design reaches 20\.5 MHz, and the clock of ulx3s is 25\.0 MHz$"):
        board.build(replace(SMALL, bus="wishbone"), board.BOARDS["ulx3s"], folder=tmp_path)
    assert not (tmp_path / "amper_ulx3s.bit").exists()
