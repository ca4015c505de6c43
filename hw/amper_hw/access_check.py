"""Whether an access to a register is legal, and what it does then."""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper.config import AmperConfig
from amper_hw.bits import any_of
from amper_hw.register_port import access_signature
from amper_hw.registers import ACCESS_ERRORS, DATA_WIDTH, Register, register_map


class AccessCheck(wiring.Component):
    """Decodes the address and finds the first rule that an access breaks; combinational.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    access : In, the access. room : In, the command queue has room. result : In, there is a result.
    errors : Out, at most one 1: the first of ``ACCESS_ERRORS`` that the access makes.
    write : Out, one 1 for a legal write: the register's place in the map.
    read : Out, a legal read. take : Out, a legal read of RESULT_ROW.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._map = register_map(config)
        super().__init__(
            {
                "access": In(access_signature()),
                "room": In(1),
                "result": In(1),
                "errors": Out(len(ACCESS_ERRORS)),
                "write": Out(len(self._map)),
                "read": Out(1),
                "take": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        access = self.access
        at = Signal(len(self._map))
        for index, register in enumerate(self._map):
            m.d.comb += at[index].eq(access.address[2:] == register.offset >> 2)

        def among(test: Callable[[Register], bool]) -> Value:
            """Whether the access names a register of which ``test`` holds."""
            chosen = Const(sum(1 << index for index, register in enumerate(self._map) if test(register)), len(at))
            return (at & chosen).any()

        reserved = any_of(
            at[index] & (access.data & Const(0xFFFF_FFFF ^ register.mask, DATA_WIDTH)).any()
            for index, register in enumerate(self._map)
        )
        # In the order in which they are checked. What names no byte breaks no rule and does nothing.
        broken = {
            "UNALIGNED": access.address[:2] != 0,
            "UNMAPPED": ~at.any(),
            "STROBE": ~access.strobe.all() & access.strobe.any(),
            "READ_ONLY": access.write & among(lambda register: not register.writable),
            "WRITE_ONLY": ~access.write & among(lambda register: not register.readable),
            "RESERVED": access.write & reserved,
            "QUEUE_FULL": access.write & among(lambda register: register.command) & ~self.room,
            "RESULT_EMPTY": ~access.write & among(lambda register: register.name == "RESULT_ROW") & ~self.result,
        }
        first = Signal(len(ACCESS_ERRORS))
        with m.If(access.strobe.any() | (access.address[:2] != 0) | ~at.any()):
            clear: Value = access.valid
            for index, name in enumerate(ACCESS_ERRORS):
                m.d.comb += first[index].eq(clear & broken[name])
                clear = clear & ~broken[name]
        legal = Signal()
        m.d.comb += [
            self.errors.eq(first),
            legal.eq(access.valid & access.strobe.any() & ~first.any()),
            self.write.eq((legal & access.write).replicate(len(at)) & at),
            self.read.eq(legal & ~access.write),
            self.take.eq(self.read & among(lambda register: register.name == "RESULT_ROW")),
        ]
        return m
