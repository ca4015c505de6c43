"""Whether an access to a register is legal, and what it does then.

Latency: 0 cycles. Page: docs/hardware/programmers-guide.md, "Errors".
"""

from __future__ import annotations

from collections.abc import Callable

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from amper_hw.base.bits import any_of
from amper_hw.bus.fields import Register
from amper_hw.bus.port import access_signature
from amper_hw.bus.registers import ACCESS_ERRORS, DATA_WIDTH, register_map
from amper_spec.config import AmperConfig


class AccessCheck(wiring.Component):
    """Decodes the address and finds the first rule that an access breaks; combinational.

    Parameters
    ----------
    config : the configuration.

    Members
    -------
    access : In, the access. room : In, the command queue has room. result : In, there is a result. drawn : In, there is
        a drawn row to update; only with packed registers.
    errors : Out, at most one 1: the first of ``ACCESS_ERRORS`` that the access makes.
    write : Out, one 1 for a legal write: the register's place in the map.
    read : Out, a legal read. take : Out, a legal read of a register that takes a result, while there is one.
    """

    def __init__(self, config: AmperConfig) -> None:
        self._map = register_map(config)
        self._packed = config.packed_registers
        super().__init__(
            {
                "access": In(access_signature()),
                "room": In(1),
                "result": In(1),
                **({"drawn": In(1)} if config.packed_registers else {}),
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
        m.d.comb += at.eq(Cat(access.address[2:] == register.offset >> 2 for register in self._map))

        def among(test: Callable[[Register], bool]) -> Value:
            """Whether the access names a register of which ``test`` holds."""
            chosen = Const(sum(1 << index for index, register in enumerate(self._map) if test(register)), len(at))
            return (at & chosen).any()

        misplaced = (access.address[:2] != 0) | ~at.any()
        is_result = among(lambda register: register.name == "RESULT_ROW")
        # In the order in which they are checked.
        broken = {
            "UNALIGNED": access.address[:2] != 0,
            "UNMAPPED": ~at.any(),
            "STROBE": ~access.strobe.all(),
            "READ_ONLY": access.write & among(lambda register: not register.writable),
            "WRITE_ONLY": ~access.write & among(lambda register: not register.readable),
            "RESERVED": access.write & self._reserved(at),
            "QUEUE_FULL": access.write & among(lambda register: register.command) & ~self.room,
            "RESULT_EMPTY": (~access.write & is_result & ~self.result) | self._nothing_drawn(among),
        }
        # An access to no byte of a register breaks no rule and does nothing.
        meant = access.strobe.any()
        errors: list[Value] = []
        unbroken: Value = access.valid & (meant | misplaced)
        for name in ACCESS_ERRORS:
            errors.append(unbroken & broken[name])
            unbroken = unbroken & ~broken[name]
        legal = Signal()
        m.d.comb += [
            self.errors.eq(Cat(errors)),
            legal.eq(unbroken),
            self.write.eq(Mux(legal & access.write, at, 0)),
            self.read.eq(legal & ~access.write),
            self.take.eq(self.read & self.result & among(lambda register: register.takes)),
        ]
        return m

    def _nothing_drawn(self, among: Callable[[Callable[[Register], bool]], Value]) -> Value:
        """An update of a row that is not there."""
        if not self._packed:
            return Const(0, 1)
        nothing: Value = self.access.write & among(lambda register: register.name == "UPDATE") & ~self.drawn
        return nothing

    def _reserved(self, at: Value) -> Value:
        """Whether a bit that has no meaning in the register is 1 in the data."""
        limited = [
            at[index] & (self.access.data & Const(0xFFFF_FFFF ^ register.mask, DATA_WIDTH)).any()
            for index, register in enumerate(self._map)
            if register.writable and register.mask != 0xFFFF_FFFF
        ]
        return any_of(limited)
