"""Bench of the whole sampler with an unknown payload on every stream that offers nothing: nobody may look at it."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.types import LogicArray

from amper_verif.benches.sampler.bench import SamplerBench

PAYLOADS = {
    "write": ("row", "priority", "invalidate", "lanes"),
    "control": ("parameter", "value"),
    "request": ("batch",),
}
KNOWN = ("write_ready", "control_ready", "request_ready", "result_valid", "busy", "write_refused", "control_refused")


class IdlePayloadsBench(SamplerBench):
    """Asserts in every cycle that handshakes and strobes are known, whatever idle streams say."""

    async def reset(self) -> None:
        await super().reset()
        self._forget()

    def _observe(self) -> None:
        unknown = [name for name in KNOWN if not getattr(self.dut, name).value.is_resolvable]
        assert not unknown, f"unknown in cycle {self.cycle}: {', '.join(unknown)}"
        super()._observe()
        self._forget()

    def _forget(self) -> None:
        """Payloads without an offer become unknown; a beat of one write a cycle has no lanes."""
        for stream, fields in PAYLOADS.items():
            for field in () if stream in self.offered else fields:
                port = getattr(self.dut, f"{stream}_{field}", None)
                if port is not None:
                    port.value = LogicArray("X" * len(port))


@cocotb.test()
async def against_golden_model(dut: Any) -> None:
    await IdlePayloadsBench.test(dut)
