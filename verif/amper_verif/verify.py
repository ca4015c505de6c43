"""Verification of a generated sampler: the Verilog in a simulator, every result against the golden model."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from amper import AmperConfig
from amper.operations.recorded import check_trace_fits
from amper.operations.trace import Kind, Trace
from amper_hw.output.generate import generate
from amper_verif.harness.simulation import run_bench
from amper_verif.harness.simulators import require_simulator


@dataclass(frozen=True)
class CycleStatistics:
    """Cycles of a batch, from its request to its last result, over the batches of full size without back-pressure."""

    batches: int
    minimum: int
    median: float
    maximum: int


@dataclass(frozen=True)
class Verification:
    """What one run compared, and what it found; None is what the benches of a bus do not say."""

    simulator: str
    batches: int
    compared: int  # drawn rows
    mismatches: int  # of result beats, and of what can be read back
    first_mismatch: str
    variants: dict[str, int]  # batches that drew, by variant
    undrawn: tuple[str, ...]  # variants that are built in and should have drawn, but did not
    statuses: dict[str, int] | None  # batches by status
    refused_writes: int | None
    refused_controls: int | None
    resets: int | None
    simulated_cycles: int | None
    timed: int | None  # batches whose cycles could be no others than the description's; None of a trace
    cycles: CycleStatistics | None  # None when no batch of full size ran undisturbed
    waves: str | None
    code_coverage: tuple[str, ...]  # files of Verilator; none unless they were asked for

    @property
    def passed(self) -> bool:
        """Whether something was compared, and timed, every variant drew, and nothing differed."""
        return self.compared > 0 and self.timed != 0 and self.mismatches == 0 and not self.undrawn

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold, with the verdict."""
        return {"passed": self.passed, **asdict(self)}


#: Benches and what they are asked beside the workload, by bus; those of one bus run one after the other.
BENCHES: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "native": (("sampler.bench", {}),),
    "axi": tuple(("bus.axi_sampler", {"part": part}) for part in ("corners", "registers", "streams")),
    "axi4": tuple(("bus.axi_bursts", {"part": part}) for part in ("corners", "registers", "streams")),
    "wishbone": (
        *(("bus.wishbone_sampler", {"part": part}) for part in ("corners", "registers")),
        ("bus.wishbone_peer", {}),
    ),
}


def benches(bus: str, *, corners: bool) -> list[tuple[str, dict[str, Any]]]:
    """Those of ``bus``, without that of its ``corners`` where they are not wanted."""
    return [(bench, more) for bench, more in BENCHES[bus] if corners or more.get("part") != "corners"]


def verify(
    config: AmperConfig,
    *,
    simulator: str,
    batches: int = 100,
    corners: bool = True,
    seed: int = 1,
    trace: str | Path | None = None,
    operations: int | None = None,
    stretch: bool = False,
    waves: bool = False,
    folder: str | Path = "build/verify",
    mutate: Callable[[str], str] | None = None,
    progress: bool = False,
    code_coverage: bool = False,
) -> Verification:
    """Simulate the generated Verilog and compare every result with the golden model.

    Parameters
    ----------
    simulator : "icarus" or "verilator". batches, seed : of the random operations. corners : also those of
        ``amper.operations.corners``, as long as some hundred batches; with a bus, those of its registers.
    trace : a recorded trace to replay in place of all, its first ``operations`` or all. stretch : it over all rows.
    waves : keep a waveform.
    folder : for the build.
    mutate : changes the Verilog before it is simulated, to see that the comparison notices. progress : show a bar.
    code_coverage : count, in Verilator, which lines, branches and bits of the Verilog ran.

    Raises
    ------
    ValueError, TypeError : bad parameters. TraceError : a bad trace. SimulationError : no simulator, or the device
    broke its protocol or hung.
    """
    workload = _workload(config, batches, trace, operations, stretch) | {"corners": corners and config.bus == "native"}
    require_simulator(simulator)
    verilog = generate(config).verilog
    reports = [
        run_bench(
            verilog=mutate(verilog) if mutate else verilog,
            top=config.name,
            bench=bench,
            parameters={
                "config": config.to_dict(),
                "seed": seed,
                "workload": workload,
                **more,
            },
            simulator=simulator,
            folder=Path(folder),
            seed=seed,
            waves=waves,
            progress=progress,
            code_coverage=code_coverage,
        )
        for bench, more in benches(config.bus, corners=corners and trace is None)
    ]
    if trace is not None:
        reports[-1]["timed"] = None
    return _verification(simulator, config, reports, config.variants if trace is None else (config.variant,))


def _workload(
    config: AmperConfig, batches: int, trace: str | Path | None, operations: int | None, stretch: bool
) -> dict[str, Any]:
    """What the bench is to do; bad values are refused here, where the error reaches the user."""
    if isinstance(batches, bool) or not isinstance(batches, int):
        raise TypeError(f"batches must be an integer, not {batches!r}")
    if batches < 3:
        raise ValueError(f"batches must be at least 3, not {batches}")
    if operations is not None and operations < 1:
        raise ValueError(f"operations must be at least 1, not {operations}")
    for name, given in (("stretch", stretch), ("operations", operations)):
        if given and trace is None:
            raise ValueError(f"{name} needs a trace, and none is given")
    if trace is None:
        return {"kind": "random", "batches": batches}
    loaded = Trace.load(Path(trace))  # the simulator's process loads it again
    check_trace_fits(config, loaded)
    _check_draws(loaded, operations)
    path = str(Path(trace).resolve())
    return {"kind": "trace", "path": path, "operations": operations, "stretch": stretch}


def _check_draws(trace: Trace, operations: int | None) -> None:
    """There is something to compare."""
    draws = np.flatnonzero(trace.kind == Kind.DRAW)
    if not draws.size:
        raise ValueError("trace must have a draw, and has none")
    if operations is not None and operations <= draws[0]:
        raise ValueError(f"operations must be at least {draws[0] + 1}, to the trace's first draw, not {operations}")


def _verification(
    simulator: str, config: AmperConfig, reports: list[dict[str, Any]], due: tuple[str, ...]
) -> Verification:
    """What the benches found; one of a bus fails at the first mismatch, so that its report says that there was none."""
    said: dict[str, Any] = {"mismatches": 0, "first_mismatch": ""} | reports[-1]
    full = [cycles for batch, cycles in said.get("cycles", ()) if batch == config.batch]
    totals = {name: sum(report[name] for report in reports) for name in ("batches", "compared")}
    known: dict[str, Any] = {field.name: said.get(field.name) for field in fields(Verification)}
    drawn = sum((Counter(report["variants"]) for report in reports), Counter())
    undrawn = tuple(variant for variant in due if not drawn[variant])
    known |= totals | {"simulator": simulator, "cycles": None, "variants": dict(drawn), "undrawn": undrawn}
    known["code_coverage"] = tuple(report["code_coverage"] for report in reports if report["code_coverage"])
    if full:
        known["cycles"] = CycleStatistics(len(full), min(full), statistics.median(full), max(full))
    return Verification(**known)
