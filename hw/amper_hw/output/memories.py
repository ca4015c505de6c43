"""Memories as macros: the modules that a macro takes the place of, what they promise, and how OpenRAM's fill them."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

LEAST_WORDS = 64  # of a macro; what is smaller stays in flip-flops
TILE_WORDS = 2048  # of an OpenRAM macro, at most
TILE_BITS = 32  # of its words, at most

_HEADER = "// {name}: {what}\n`timescale 1 ns / 1 ps\n`default_nettype none\n\n"
_FOOTER = "\n`default_nettype wire\n"

_CONTRACT = {
    "clk": "all ports are sampled at its rising edge; there is no reset, and no word has a value before it is written",
    "write_enable, write_address, write_data": "a word is stored; its next read may be of the cycle after",
    "read_address, read_data": "the word is there two edges later, in every cycle, behind an output register",
    "both ports with one address at one edge": "the word is stored, and what is read is undefined and not used",
}

_WRAPPER = """\
// {words} words of {bits} bits from {tiles} macros of {tile_words} words of {tile_bits} bits, and the output register.
module {name} (
    input wire clk,
    input wire write_enable,
    input wire [{address_top}:0] write_address,
    input wire [{top}:0] write_data,
    input wire [{address_top}:0] read_address,
    output reg [{top}:0] read_data
);
  wire [{padded_top}:0] data = {data};
{banks}{choice}endmodule
"""
_BANK = """\
  wire [{padded_top}:0] found_{bank};
{macros}"""
_MACRO = """\
  {ram} ram_{bank}_{column} (
      .clk0(clk),
      .csb0(!(write_enable{write_here})),
      .web0(1'b0),
      .addr0(write_address[{tile_top}:0]),
      .din0(data[{high}:{low}]),
      .dout0(),
      .clk1(clk),
      .csb1({read_here}),
      .addr1(read_address[{tile_top}:0]),
      .dout1(found_{bank}[{high}:{low}])
  );
"""


@dataclass(frozen=True)
class MemoryMacro:
    """A module ``name`` of ``words`` words of ``bits`` bits, ``instances`` times in the sampler."""

    name: str
    words: int
    bits: int
    instances: int

    @cached_property
    def columns(self) -> int:
        """Tiles side by side."""
        return -(-self.bits // TILE_BITS)

    @cached_property
    def tile_bits(self) -> int:
        """Bits of a tile's word."""
        return -(-self.bits // self.columns)

    @cached_property
    def tile_words(self) -> int:
        """Words of a tile, a power of two."""
        return min(TILE_WORDS, 1 << (self.words - 1).bit_length())

    @cached_property
    def banks(self) -> int:
        """Tiles one behind the other."""
        return -(-self.words // self.tile_words)

    def openram(self) -> str:
        """The module made of OpenRAM's macros with a port to read and write, which only writes, and one to read."""
        prefix = self.name.rpartition("_memory_")[0]
        address, tile = (self.words - 1).bit_length(), (self.tile_words - 1).bit_length()
        padded = self.columns * self.tile_bits
        more = padded - self.bits
        banks = []
        for bank in range(self.banks):
            here = f"[{address - 1}:{tile}] == {address - tile}'d{bank}"
            macros = [
                _MACRO.format(
                    ram=f"{prefix}_ram_{self.tile_words}x{self.tile_bits}",
                    bank=bank,
                    column=column,
                    write_here=f" && write_address{here}" if self.banks > 1 else "",
                    read_here=f"!(read_address{here})" if self.banks > 1 else "1'b0",
                    tile_top=tile - 1,
                    low=column * self.tile_bits,
                    high=(column + 1) * self.tile_bits - 1,
                )
                for column in range(self.columns)
            ]
            banks.append(_BANK.format(padded_top=padded - 1, bank=bank, macros="".join(macros)))
        return _WRAPPER.format(
            **asdict(self),
            tiles=self.columns * self.banks,
            tile_words=self.tile_words,
            tile_bits=self.tile_bits,
            address_top=address - 1,
            top=self.bits - 1,
            padded_top=padded - 1,
            data=f"{{{more}'d0, write_data}}" if more else "write_data",
            banks="".join(banks),
            choice=self._choice(address, tile),
        )

    def _choice(self, address: int, tile: int) -> str:
        """The output register, from the bank that was asked in the cycle before."""
        if self.banks == 1:
            return f"  always @(posedge clk) read_data <= found_0[{self.bits - 1}:0];\n"
        cases = "".join(
            f"      {address - tile}'d{bank}: read_data <= found_{bank}[{self.bits - 1}:0];\n"
            for bank in range(self.banks)
        )
        rest = f"      default: read_data <= {self.bits}'dx;\n" if self.banks < 1 << address - tile else ""
        return (
            f"  reg [{address - tile - 1}:0] asked;\n  always @(posedge clk) begin\n"
            f"    asked <= read_address[{address - 1}:{tile}];\n    case (asked)\n{cases}{rest}    endcase\n  end\n"
        )

    def described(self) -> dict[str, Any]:
        """For the map: the module, and an OpenRAM configuration of its tiles."""
        openram = {"word_size": self.tile_bits, "num_words": self.tile_words}
        ports = {"num_rw_ports": 1, "num_r_ports": 1, "num_w_ports": 0}
        return {**asdict(self), "tiles": {"columns": self.columns, "banks": self.banks, "openram": openram | ports}}


def split(verilog: str, name: str) -> tuple[str, str, list[MemoryMacro]]:
    """(the sampler without the modules that macros replace, these, what they are) of a sampler called ``name``."""
    pattern = re.compile(
        rf"(?m)^// [^\n]* words of [^\n]*\n(?://[^\n]*\n)*module ({name}_memory_(\d+)x(\d+)) .*?^endmodule\n", re.DOTALL
    )
    macros, texts = [], []
    for found in pattern.finditer(verilog):
        if int(found[2]) >= LEAST_WORDS:
            instances = len(re.findall(rf"(?m)^  {found[1]} \w+ \(", verilog))
            macros.append(MemoryMacro(found[1], int(found[2]), int(found[3]), instances))
            texts.append(found[0])
    for text in texts:
        verilog = verilog.replace(text, "")
    return verilog, "\n".join(texts), macros


def memory_files(verilog: str, name: str) -> dict[str, str]:
    """Files by name: the sampler without memories, their behavioural models, OpenRAM macros in their place, the map."""
    sampler, models, macros = split(verilog, name)
    openram = "\n".join(macro.openram() for macro in macros)
    described = {"contract": _CONTRACT, "memories": [macro.described() for macro in macros]}
    return {
        f"{name}_macro.v": sampler,
        f"{name}_memories.v": _HEADER.format(name=name, what="behavioural models of its memories") + models + _FOOTER,
        f"{name}_openram.v": _HEADER.format(name=name, what="its memories made of OpenRAM macros") + openram + _FOOTER,
        f"{name}_memories.json": json.dumps(described, indent=2) + "\n",
    }
