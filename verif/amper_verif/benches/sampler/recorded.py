"""Bench of the whole sampler that also writes down every port at every edge, for a replay without a bench."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb

from amper import AmperConfig
from amper_verif.benches.sampler.bench import SamplerBench
from amper_verif.harness.simulation import bench_parameters


class RecordingBench(SamplerBench):
    """A line a clock edge: inputs and outputs, a bit a character, as they are right before it; and 1 where what can be
    read back was checked then. ``amper_verif.mutants.replay`` reads them.
    """

    def __init__(self, dut: Any, config: AmperConfig, seed: int) -> None:
        super().__init__(dut, config, seed)
        parameters = bench_parameters()
        self._inputs = [getattr(dut, name) for name in parameters["inputs"]]
        self._outputs = [getattr(dut, name) for name in parameters["outputs"]]
        self._lines: list[list[str]] = []
        check = self.monitors.check_settled

        def checked() -> None:
            self._lines[-1][2] = "1"
            check()

        self.monitors.check_settled = checked  # type: ignore[method-assign]

    async def _edge(self) -> None:
        await super()._edge()
        self._lines.append([*("".join(map(_bits, ports)) for ports in (self._inputs, self._outputs)), "0"])

    def report(self) -> dict[str, Any]:
        lines = "".join(f"{inputs} {outputs} {checked}\n" for inputs, outputs, checked in self._lines)
        Path(bench_parameters()["vectors"]).write_text(lines, encoding="utf-8")
        return super().report()


def _bits(port: Any) -> str:
    return str(port.value).lower().replace("u", "x")


@cocotb.test()
async def against_golden_model(dut: Any) -> None:
    await RecordingBench.test(dut)
