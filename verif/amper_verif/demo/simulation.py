"""The demo's simulations: the trace in all simulators at the same time, and one batch to be drawn cycle by cycle."""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from amper import AmperConfig
from amper_hw.base import latency
from amper_hw.output.generate import TOP, generate
from amper_verif.demo.result import Inputs
from amper_verif.harness.progress import how_far
from amper_verif.harness.simulation import run_bench
from amper_verif.verify import Verification, verify


def verify_all(
    inputs: Inputs, mutate: Callable[[str], str] | None, progress: Callable[[str], None]
) -> list[Verification]:
    """The trace in all simulators at the same time.

    In processes: a run hands its parameters over by environment variables, of which a process has one set. Fresh ones
    (spawn), since what forks a process with threads can hang.
    """
    context, begin = get_context("spawn"), time.time()
    with ProcessPoolExecutor(len(inputs.simulated), mp_context=context, initializer=_be_quiet) as pool:
        futures: dict[str, Future[Verification]] = {
            simulator: pool.submit(
                verify,
                inputs.config,
                simulator=simulator,
                trace=inputs.trace_path,
                operations=operations,
                folder=inputs.folder / simulator,
                mutate=mutate,
            )
            for simulator, operations in inputs.simulated.items()
        }
        while wait(futures.values(), timeout=0.5).not_done:
            states = (
                f"{simulator} {'finished' if future.done() else how_far(inputs.folder / simulator, begin)}"
                for simulator, future in futures.items()
            )
            progress(", ".join(states))
        return [future.result() for future in futures.values()]


def _be_quiet() -> None:
    """In a process of the pool: cocotb's runner writes notes, into the middle of a line of ours."""
    sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the process ends


def one_batch(config: AmperConfig, folder: Path) -> tuple[AmperConfig, dict[str, Any]]:
    """A batch of a sampler small enough to be drawn, in Icarus: its configuration and the bench ``waveform``'s report.

    Raises
    ------
    SimulationError : it differed from the golden model, or took other than b + c cycles.
    """
    small = AmperConfig(
        rows=32,
        priority_width=8,
        batch=8,
        bank_rows=8,
        fan_out=4,
        variant=config.variant,
        seed=1,
    )
    chance = random.Random(1)
    priorities = [*(chance.randrange(1, 250) for _ in range(small.rows - 1)), small.priority_max]
    report = run_bench(
        verilog=generate(small).verilog,
        top=TOP,
        bench="sampler.waveform",
        parameters={"config": small.to_dict(), "priorities": priorities, "cycles": latency.batch_cycles(small)},
        simulator="icarus",
        folder=folder,
    )
    return small, report
