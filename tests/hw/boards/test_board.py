"""A board's top in simulation, by the bytes of its serial port: what it draws is what the golden model draws."""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from amper import AmperConfig, GoldenModel
from amper_hw.bus.registers import ID, register_named
from amper_synth.fpga.board import BOARDS, board_config, write_sources
from amper_verif.harness.simulators import require_simulator

CLOCKS_PER_BIT = 4  # a fast line, so that the simulation is short
CONFIG = AmperConfig(
    rows=12, variant="fr-dithered", priority_width=6, groups=3, batch=6, bank_rows=8, fan_out=2, bus="wishbone", seed=5
)
BENCH = Path(__file__).with_name("ulx3s_bench.v")


def access(operation, name, data=0):
    """The request of a host for a register by name."""
    address = register_named(CONFIG, name).offset
    return operation.encode() + address.to_bytes(2, "little") + data.to_bytes(4, "little")


def simulate(folder, requests):
    """(answers as (status, data), lines that are no byte) of the board to the requests."""
    require_simulator("icarus")
    board = BOARDS["ulx3s"]
    board = replace(board, baud=round(board.clock_mhz * 1e6) // CLOCKS_PER_BIT)
    _, sources = write_sources(CONFIG, board, folder)
    sent = b"".join(requests)
    (folder / "sent.hex").write_text("\n".join(f"{byte:02x}" for byte in sent), encoding="utf-8")
    parameters = {"COUNT": len(sent), "CLOCKS_PER_BIT": CLOCKS_PER_BIT}
    options = [f"-Pulx3s_bench.{name}={value}" for name, value in parameters.items()]
    build = ["iverilog", "-g2005", "-Wall", "-o", "bench", "-s", "ulx3s_bench", *options, *sources, str(BENCH)]
    built = subprocess.run(build, cwd=folder, check=True, capture_output=True, text=True)
    assert built.stderr == ""
    done = subprocess.run(["vvp", "-n", "bench"], cwd=folder, check=True, capture_output=True, text=True, timeout=300)
    lines = done.stdout.split("\n")
    received = bytes.fromhex("".join(line for line in lines if re.fullmatch("[0-9a-f]{2}", line)))
    assert len(received) % 5 == 0
    answers = [
        (received[low], int.from_bytes(received[low + 1 : low + 5], "little")) for low in range(0, len(received), 5)
    ]
    return answers, [line for line in lines if line and not re.fullmatch("[0-9a-f]{2}", line)]


def test_draws_over_the_serial_port(tmp_path):
    """Writes, two batches and their draws; the board comes out of reset by itself, and by its button again."""
    model = GoldenModel(CONFIG)
    requests, expected = [access("R", "ID")], [(0, ID)]
    for row in range(CONFIG.rows):
        code = (row * 23 + 5) % 64
        model.write(row, code)
        requests += [access("W", "WRITE_ROW", row), access("W", "WRITE_PRIORITY", code)]
        expected += [(0, 0), (0, 0)]
    drawn = []
    for _ in range(2):
        requests.append(access("W", "REQUEST", CONFIG.batch))
        expected.append((0, 0))
        for row in model.sample():
            drawn.append(int(row))
            requests.append(access("R", "RESULT_ROW"))
            expected.append((0, int(row)))
    requests += [access("R", "RESULT_ROW"), access("R", "BUS_ERROR_COUNT")]
    expected += [(1, 0), (0, 1)]
    answers, rest = simulate(tmp_path, requests)
    assert len(drawn) == 2 * CONFIG.batch
    assert answers == expected
    assert rest == ["wifi 1", "reset 1", "awake 1"]


def test_boards_have_wishbone():
    assert board_config(CONFIG.changed(bus="native")) == CONFIG
    with pytest.raises(ValueError, match=r"^bus must be wishbone \(or left out\) on a board, not 'axi'$"):
        board_config(CONFIG.changed(bus="axi"))


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)
def test_every_port_has_a_pin_and_every_pin_a_port(board):
    top = (board.pins.parent / f"{board.name}.v").read_text(encoding="utf-8")
    ports = set()
    for low, name in re.findall(r"(?m)^  (?:input|output) (?:\[(\d+:0)\] )?(\w+)", top.partition(");")[0]):
        ports |= {f"{name}[{bit}]" for bit in range(int(low.partition(":")[0]) + 1)} if low else {name}
    pins = dict(re.findall(r'LOCATE COMP "([^"]+)" SITE "(\w+)"', board.pins.read_text(encoding="utf-8")))
    kinds = re.findall(r'IOBUF PORT "([^"]+)" .*IO_TYPE=LVCMOS33', board.pins.read_text(encoding="utf-8"))
    assert set(pins) == set(kinds) == ports
    assert len(set(pins.values())) == len(pins)
    assert f'FREQUENCY PORT "clk_25mhz" {board.clock_mhz:g} MHZ;' in board.pins.read_text(encoding="utf-8")
    assert board.clock_mhz * 1e6 / board.baud == board.clocks_per_bit
