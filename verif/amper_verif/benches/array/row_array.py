"""Bench of the row array: a tree of banks, of any depth and with unequal tails, under the traffic of a bank's bench."""

from __future__ import annotations

from typing import Any

import cocotb

from amper import AmperConfig
from amper_hw.base.latency import any_answer_cycles, count_cycles, row_answer_cycles, tree_levels
from amper_verif.benches.array.bank import RowsBench, run_rounds
from amper_verif.harness.coverage import cover
from amper_verif.harness.simulation import bench_parameters, leave_report


@cocotb.test()
async def against_model(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    levels = tree_levels(config)
    cover("array.levels", {0: "bank", 1: "one"}.get(levels, "more"))
    cover("array.tail", "unequal" if config.rows % config.bank_rows else "even")
    bench = RowsBench(
        dut,
        parameters,
        answer_cycles=row_answer_cycles(config),
        any_cycles=any_answer_cycles(config),
        count_cycles=count_cycles(config),
        banks=-(-config.rows // config.bank_rows),
    )
    await run_rounds(bench, parameters["rounds"])
    leave_report(bench.report() | {"levels": levels})
