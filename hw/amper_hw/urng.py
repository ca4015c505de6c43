"""Uniform random number generator: xoroshiro128++ as a stream of words.

Source: D. Blackman and S. Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4), 2021.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import Out

from amper.config import RANDOM_WIDTH


class Urng(wiring.Component):
    """A random word a cycle.

    The state steps by XORs and rotations alone; the two additions of the output function are pipeline stages behind
    it, so that the clock does not see them in a row.

    Parameters
    ----------
    s0, s1 : 64 bits each, the state at reset, not both 0.
    high_width, low_width : how many of the word's top and bottom bits the user takes, together at most 64.

    Members
    -------
    word : Out stream of {low, high}; the first word is valid 2 cycles after reset, then one every cycle.
    """

    def __init__(self, *, s0: int, s1: int, high_width: int, low_width: int) -> None:
        if s0 == s1 == 0:
            raise ValueError("s0 and s1 must not both be 0: the generator would stay at 0")
        if high_width + low_width > RANDOM_WIDTH:
            raise ValueError(f"high_width + low_width must be at most {RANDOM_WIDTH}, not {high_width + low_width}")
        self._s0 = s0
        self._s1 = s1
        fields = {"low": low_width, "high": high_width}
        self.layout = data.StructLayout({name: width for name, width in fields.items() if width})
        super().__init__({"word": Out(stream.Signature(self.layout))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        s0 = Signal(RANDOM_WIDTH, init=self._s0)
        s1 = Signal(RANDOM_WIDTH, init=self._s1)
        mixed = Signal(RANDOM_WIDTH)
        m.d.comb += mixed.eq(s0 ^ s1)

        sum_valid = Signal()
        sum_word = Signal(RANDOM_WIDTH, reset_less=True)
        addend = Signal(RANDOM_WIDTH, reset_less=True)
        word = Signal(RANDOM_WIDTH)
        m.d.comb += word.eq(sum_word.rotate_left(17) + addend)

        with m.If(~self.word.valid | self.word.ready):
            m.d.sync += [
                s0.eq(s0.rotate_left(49) ^ mixed ^ (mixed << 21)[:RANDOM_WIDTH]),
                s1.eq(mixed.rotate_left(28)),
                sum_word.eq(s0 + s1),
                addend.eq(s0),
                sum_valid.eq(1),
                self.word.valid.eq(sum_valid),
                self.word.payload.eq(self._taken(word)),
            ]
        return m

    def _taken(self, word: Signal) -> Cat:
        widths = {name: field.width for name, field in self.layout}
        high_width = widths.get("high", 0)
        return Cat(word[: widths.get("low", 0)], word[RANDOM_WIDTH - high_width :])
