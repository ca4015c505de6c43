"""A memory of organisation tree becomes block RAM in every family, with its output register and nothing else."""

import json

import pytest

from amper_hw.tree.memory import memory
from amper_verif.harness.yosys import run_yosys

# Of 2,048 words of 32 bits: the family's command, its RAM and how many, its flip-flop; ports and clocks do not count.
FAMILIES = {
    "ecp5": ("synth_ecp5", "DP16KD", 4, "TRELLIS_FF"),
    "ice40": ("synth_ice40", "SB_RAM40_4K", 16, "SB_DFF"),
    "gowin": ("synth_gowin", "DPX9B", 4, "DFF"),
    "xilinx": ("synth_xilinx -family xcup", "RAMB36E2", 2, "FDRE"),
    "intel": ("synth_intel_alm -family cyclonev", "MISTRAL_M10K", 7, "MISTRAL_FF"),
}
BESIDE = {"BUFG", "IBUF", "OBUF", "GND", "VCC", "MISTRAL_CLKBUF", "MISTRAL_IB", "MISTRAL_OB", "MISTRAL_NOT"}


@pytest.mark.parametrize(
    "family", ["ecp5", *(pytest.param(each, marks=pytest.mark.long) for each in FAMILIES if each != "ecp5")]
)
def test_block_ram_and_its_output_register(tmp_path, family):
    command, ram, count, register = FAMILIES[family]
    text = memory(depth=2048, width=32, blocks=False).build()
    (tmp_path / "memory.v").write_text(text)
    run_yosys(tmp_path, "-q", "-p", f"read_verilog memory.v; {command}; tee -q -o cells.json stat -json")
    (module,) = json.loads((tmp_path / "cells.json").read_text())["modules"].values()
    cells = {name: number for name, number in module["num_cells_by_type"].items() if name not in BESIDE}
    assert cells == {ram: count, register: 32}
