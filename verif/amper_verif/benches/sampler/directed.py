"""Bench of the whole sampler under operations that the test writes out, with the cycle of every beat."""

from __future__ import annotations

from collections import deque
from typing import Any

import cocotb

from amper import AmperConfig
from amper.operations.vocabulary import Sample
from amper_hw.base.variants import has_candidates
from amper_verif.benches.sampler.bench import SamplerBench


class DirectedBench(SamplerBench):
    """Keeps, for each request, the cycles from it to each of its beats, and |CSP| as reported with the last; where only
    variant exact is built in, T.

    Of a request that a reset ends, the beats that came before it are kept.
    """

    def __init__(self, dut: Any, config: AmperConfig, seed: int) -> None:
        super().__init__(dut, config, seed)
        self.beats: list[list[int]] = []
        self.csp_sizes: list[int] = []
        self.waiting: deque[tuple[int, list[int]]] = deque()  # requests whose last beat has not come: (cycle, beats)

    async def reset(self) -> None:
        self.waiting.clear()
        await super().reset()

    def _requested(self, sample: Sample) -> None:
        super()._requested(sample)
        self.beats.append([])
        self.waiting.append((self.cycle, self.beats[-1]))

    def _result(self, *, ready: bool) -> None:
        super()._result(ready=ready)
        if not ready:
            return
        requested, beats = self.waiting[0]
        beats.append(self.cycle - requested)
        if self.dut.result_last.value:
            size = self.dut.csp_size if has_candidates(self.config) else self.dut.total
            self.csp_sizes.append(int(size.value))
            self.waiting.popleft()

    def report(self) -> dict[str, Any]:
        return super().report() | {"beats": self.beats, "csp_sizes": self.csp_sizes}


@cocotb.test()
async def against_golden_model(dut: Any) -> None:
    await DirectedBench.test(dut)
