"""What travels beside a calculation of several stages that can stand still."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value


def held(m: Module, enable: Value, value: Value, name: str, cycles: int = 1, *, reset_less: bool = True) -> Value:
    """``value``, ``cycles`` cycles of ``enable`` later; a valid bit must not be ``reset_less``."""
    for cycle in range(cycles):
        register = Signal(len(value), name=name if cycles == 1 else f"{name}_{cycle}", reset_less=reset_less)
        with m.If(enable):
            m.d.sync += register.eq(value)
        value = register
    return value
