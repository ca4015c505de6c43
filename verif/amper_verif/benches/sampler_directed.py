"""Bench of the whole sampler under operations that the test writes out, with the cycle of every beat."""

from __future__ import annotations

from collections import deque
from typing import Any

import cocotb

from amper import AmperConfig
from amper_verif.benches.sampler import SamplerBench
from amper_verif.simulation import bench_parameters, leave_report
from amper_verif.workload import Operation, Reset, Sample, Write

KINDS: dict[str, type[Operation]] = {"write": Write, "sample": Sample, "reset": Reset}


class DirectedBench(SamplerBench):
    """Keeps, for each request, the cycles from it to each of its beats, and |CSP| as reported with the last.

    Of a request that a reset ends, the beats that came before it are kept.
    """

    def __init__(self, dut: Any, config: AmperConfig, seed: int) -> None:
        super().__init__(dut, config, seed)
        self.beats: list[list[int]] = []
        self.csp_sizes: list[int] = []
        self.open: deque[tuple[int, list[int]]] = deque()  # requests whose last beat has not come: (cycle, beats)

    async def reset(self) -> None:
        self.open.clear()
        await super().reset()

    def _observe(self) -> None:
        self._check_state()
        super()._observe()

    def _check_state(self) -> None:
        """The ports beside the streams, which tell of everything accepted before this cycle."""
        dut, model = self.dut, self.scoreboard.model
        assert dut.busy.value == (not dut.request_ready.value) == (not dut.write_ready.value), "busy is wrong"
        if dut.vmax_exact.value:
            assert int(dut.vmax.value) == (model.vmax or 0), f"vmax: expected {model.vmax}, got {int(dut.vmax.value)}"

    def _requested(self, sample: Sample) -> None:
        super()._requested(sample)
        self.beats.append([])
        self.open.append((self.cycle, self.beats[-1]))

    def _result(self, *, ready: bool) -> None:
        super()._result(ready=ready)
        if not ready:
            return
        requested, beats = self.open[0]
        beats.append(self.cycle - requested)
        if self.dut.result_last.value:
            self.csp_sizes.append(int(self.dut.csp_size.value))
            self.open.popleft()


@cocotb.test()
async def against_golden_model(dut: Any) -> None:
    parameters = bench_parameters()
    bench = DirectedBench(dut, AmperConfig.from_dict(parameters["config"]), parameters["seed"])
    operations = [KINDS[kind](*values) for kind, *values in parameters["operations"]]
    await bench.start()
    await bench.run(operations)
    leave_report(bench.report() | {"beats": bench.beats, "csp_sizes": bench.csp_sizes})
    bench.scoreboard.check_finished()
