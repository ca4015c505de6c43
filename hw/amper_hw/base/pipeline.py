"""What travels beside a calculation of several stages that can stand still, and how it is told to."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring


def held(m: Module, enable: Value, value: Value, name: str, cycles: int = 1, *, reset_less: bool = True) -> Value:
    """``value``, ``cycles`` cycles of ``enable`` later; a valid bit must not be ``reset_less``."""
    for cycle in range(cycles):
        register = Signal(len(value), name=name if cycles == 1 else f"{name}_{cycle}", reset_less=reset_less)
        with m.If(enable):
            m.d.sync += register.eq(value)
        value = register
    return value


def skid(m: Module, source: wiring.PureInterface, taken: Value, name: str) -> tuple[Value, Value]:
    """(valid, payload) of the stream ``source``, in the same cycle; ``taken`` where valid: the beat is taken.

    ``source.ready`` is a register: the beat that comes when nothing is taken is kept aside. So the path of a handshake
    ends here, at the price of a multiplexer.
    """
    full, valid = skid_handshake(m, source, taken, name)
    payload = Value.cast(source.payload)
    kept = Signal(len(payload), name=f"{name}_kept", reset_less=True)
    with m.If(~full):
        m.d.sync += kept.eq(payload)
    return valid, Mux(full, kept, payload)


def skid_handshake(m: Module, source: wiring.PureInterface, taken: Value, name: str) -> tuple[Signal, Signal]:
    """(a beat is kept aside, there is a beat) of ``skid``; alone, for a ``source`` without a payload."""
    full = Signal(name=f"{name}_full")
    valid = Signal(name=f"{name}_valid")
    m.d.comb += [source.ready.eq(~full), valid.eq(full | source.valid)]
    m.d.sync += full.eq(valid & ~taken)
    return full, valid
