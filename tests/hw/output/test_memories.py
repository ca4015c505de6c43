"""Memories as macros: what is left out, what stands in its place, and that it draws the same."""

import json
import re

import pytest

from amper import AmperConfig
from amper_cli.main import main
from amper_hw.output import memories
from amper_hw.output.generate import generate
from amper_hw.output.memories import MemoryMacro, memory_files, split
from amper_synth.asic.macros import PUBLISHED, macro_area, macro_line
from amper_verif.verify import verify

CONFIG = AmperConfig(rows=300, priority_width=9, batch=8, organisation="tree", memories="macro", seed=3)

# As OpenRAM's own models: inputs are taken at the rising edge, and what is done with them at the falling one.
RAM = """
module {name} (input clk0, csb0, web0, input [{top}:0] addr0, input [{high}:0] din0, output [{high}:0] dout0,
    input clk1, csb1, input [{top}:0] addr1, output reg [{high}:0] dout1);
  reg [{high}:0] words [0:{last}];
  reg [{top}:0] written, read;
  reg [{high}:0] data;
  reg writes, reads;
  always @(posedge clk0) begin written <= addr0; data <= din0; writes <= !csb0 && !web0; end
  always @(posedge clk1) begin read <= addr1; reads <= !csb1; dout1 <= {{{bits}{{1'bx}}}}; end
  always @(negedge clk0) if (writes) words[written] <= data;
  always @(negedge clk1) if (reads) dout1 <= words[read];
  assign dout0 = {{{bits}{{1'bx}}}};
endmodule
"""


def rams(openram):
    """A model of each OpenRAM macro that a text instantiates."""
    texts = []
    for name, words, bits in sorted(set(re.findall(r"^  (amper_ram_(\d+)x(\d+)) ", openram, re.MULTILINE))):
        top = (int(words) - 1).bit_length() - 1
        texts.append(RAM.format(name=name, top=top, last=int(words) - 1, bits=bits, high=int(bits) - 1))
    return "".join(texts)


def test_files_have_each_module_once(tmp_path):
    generated = generate(CONFIG)
    generated.save(tmp_path)
    sampler, models = ((tmp_path / f"amper{part}.v").read_text() for part in ("_macro", "_memories"))
    assert (tmp_path / "amper.v").read_text() == generated.verilog
    described = json.loads((tmp_path / "amper_memories.json").read_text())
    names = [each["name"] for each in described["memories"]]
    assert names == ["amper_memory_75x9", "amper_memory_75x30"]  # codes, and sums of the lowest level
    assert [each["instances"] for each in described["memories"]] == [4, 1]
    for name in names:
        assert f"module {name} (" in models
        assert f"module {name} (" not in sampler
        assert f"  {name} " in sampler
    assert "module amper_memory_19x" in sampler  # too few words
    every = re.findall(r"^module (\w+)", generated.verilog, re.MULTILINE)
    assert sorted(every) == sorted(re.findall(r"^module (\w+)", sampler + models, re.MULTILINE))
    assert described["memories"][0]["tiles"]["openram"]["num_words"] == 128


@pytest.mark.parametrize(("words", "bits"), [(2048, 32), pytest.param(32, 20, marks=pytest.mark.long)])
def test_openram_in_their_place_draws_the_same(tmp_path, monkeypatch, words, bits):
    """Also in several tiles, the last of which is not full."""
    monkeypatch.setattr(memories, "TILE_WORDS", words)
    monkeypatch.setattr(memories, "TILE_BITS", bits)

    def replaced(verilog):
        files = memory_files(verilog, "amper")
        return files["amper_macro.v"] + files["amper_openram.v"] + rams(files["amper_openram.v"])

    found = verify(CONFIG, simulator="icarus", batches=25, corners=False, folder=tmp_path, mutate=replaced)
    assert found.passed, found.first_mismatch


def test_tiles():
    macro = MemoryMacro("mine_memory_5000x51", 5000, 51, 1)
    assert (macro.columns, macro.tile_bits, macro.tile_words, macro.banks) == (2, 26, 2048, 3)
    text = macro.openram()
    assert len(re.findall("^  mine_ram_2048x26 ", text, re.MULTILINE)) == 6
    assert "{1'd0, write_data}" in text


def test_estimate_lies_on_what_was_published():
    for bits, area in PUBLISHED:
        assert macro_area(bits) == pytest.approx(area, rel=0.04)
    line = macro_line([MemoryMacro("a", 2048, 32, 3)])
    assert line.startswith("196,608 bits in 3 macros, in sky130 an estimated 2.36 mm2 by ")


def test_the_command_says_what_it_takes(tmp_path, capsys):
    arguments = ["--rows", "300", "--organisation", "tree", "--memories", "macro", "-o", str(tmp_path)]
    assert main(["generate", *arguments]) == 0
    assert re.search(r"^memories: [\d,]+ bits in 6 macros, in sky130 an estimated ", capsys.readouterr().out, re.M)
    assert (tmp_path / "amper_openram.v").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"organisation": "parallel"}, "memories must be inferred unless organisation is tree, not macro"),
        ({"primitives": "blocks"}, "primitives must be gates with memories macro, not blocks"),
    ],
)
def test_what_it_does_not_go_with(options, message):
    with pytest.raises(ValueError, match=message):
        CONFIG.changed(**options)


def test_nothing_is_split_off_where_there_is_nothing():
    verilog = generate(CONFIG.changed(rows=16)).verilog
    assert split(verilog, "amper") == (verilog, "", [])
