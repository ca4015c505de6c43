"""The small top over the banks of organisation tree: where each bank's places end, and T.

Latency: log2 S cycles from the banks' sums to their ends. Page: docs/hardware/tree.md.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.tree.shape import bank_bits, of_a_bank
from amper_spec.config import AmperConfig


class Totals(wiring.Component):
    """Running sums over the banks, twice as far with each register.

    Parameters
    ----------
    config : the configuration, with several banks.

    Members
    -------
    sums : In, T of each bank. still : In, of each, they are those of all writes before this cycle.
    ends : Out, the sum of each bank and of those before it; the last is T. any : Out, T is not 0.
    settled : Out, ``ends`` and ``any`` are those of all writes before this cycle.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._config = config
        super().__init__(
            {
                "sums": In(of_a_bank(config).total_width).array(config.banks),
                "still": In(config.banks),
                "ends": Out(config.total_width).array(config.banks),
                "any": Out(1),
                "settled": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ends: list[Value] = list(self.sums)
        for step in range(bank_bits(self._config)):
            further: list[Value] = []
            for bank, end in enumerate(ends):
                before = bank - (1 << step)
                register = Signal(self._config.total_width, name=f"ends_{step}_{bank}", reset_less=True)
                m.d.sync += register.eq(end + ends[before] if before >= 0 else end)
                further.append(register)
            ends = further
        m.d.comb += [mine.eq(end) for mine, end in zip(self.ends, ends, strict=True)]
        cycles = bank_bits(self._config) + 1
        moving = Signal(cycles, init=(1 << cycles) - 1)  # in the latest cycles; and for ``any``
        m.d.sync += [self.any.eq(ends[-1].any()), moving.eq(Cat(~self.still.all(), moving[:-1]))]
        m.d.comb += self.settled.eq(self.still.all() & ~moving.any())
        return m
