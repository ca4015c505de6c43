"""The ASIC flow: from a configuration and a cell library to area, clock and, by simulation, power.

Before layout: no wires but a wire-load model's, no clock tree, no scan chain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from amper import AmperConfig
from amper_hw.base import latency
from amper_hw.output.generate import TOP, generate
from amper_synth.asic.activity import measure_activity
from amper_synth.asic.macros import with_black_boxes
from amper_synth.asic.power import Power, estimate_power
from amper_synth.asic.script import abc_constraints, abc_script, asic_script
from amper_synth.asic.simulation import simulate_netlist
from amper_synth.liberty.cells import Library, load_library
from amper_synth.liberty.reader import liberty_text
from amper_synth.tools.sta import Timing, sta_available, time_netlist
from amper_synth.tools.units import NANO
from amper_verif.harness.yosys import SynthesisError, run_script, yosys_version

AS_FAST_AS_POSSIBLE = 0.1  # ns, below what any library reaches


@dataclass(frozen=True)
class Area:
    """Areas in the library's unit (um2 in every one we know), and in its smallest two-input NANDs (GE)."""

    total_um2: float
    gate_um2: float  # of one gate equivalent
    gate_equivalents: float
    by_component: dict[str, float]  # um2, all instances together
    cells: int
    registers: int
    row_um2: float  # of the banks, a row: storage, match line, bitmaps, counts, write and read decoders
    row_gate_equivalents: float


@dataclass(frozen=True)
class AsicResult:
    """What the flow says of a configuration."""

    config: dict[str, Any]
    library: dict[str, Any]
    options: dict[str, Any]
    area: Area
    timing: Timing
    batch_cycles: int  # of a batch alone
    batch_ns: float
    versions: dict[str, str]
    power: Power | None = None
    macros: dict[str, Any] | None = None  # RAM that is in no cell and on no path: an estimate
    simulation: dict[str, Any] | None = None  # the netlist against the golden model

    @property
    def fmax_mhz(self) -> float:
        """The clock of the longest path."""
        return 1000 / self.timing.period_ns

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        return {"date": date.today().isoformat(), **asdict(self), "fmax_mhz": self.fmax_mhz}


def synthesise_asic(
    config: AmperConfig,
    liberty: Sequence[str | Path],
    *,
    folder: str | Path,
    period_ns: float = AS_FAST_AS_POSSIBLE,
    gate_clocks: bool = True,
    wire_load: str | None = None,
    dont_use: Sequence[str] = (),
    say: Callable[[str], None] = lambda text: None,
) -> AsicResult:
    """Synthesise, map, time.

    Parameters
    ----------
    liberty : files of one library. folder : for Verilog, scripts, logs, netlist. period_ns : what mapping and sizing
        aim at; the default is as fast as they can. gate_clocks : gate the clock of registers with a common enable, if
        the library has cells for it. wire_load : a model of the library; None is its default, "" is none.
    dont_use : names of cells, with * and ?. say : hears what is going on.

    Raises
    ------
    LibertyError, ValueError : bad input. OSError : files. SynthesisError : a tool is missing or failed.
    """
    if not period_ns > 0:
        raise ValueError(f"period must be above 0 ns, not {period_ns}")
    say("reading the library")
    library = load_library(liberty, dont_use)
    if config.storage == "latches":
        library.require("latch")
    wires = _wire_load(library, wire_load)
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    files = _plain_copies(library, target)
    gate = gate_clocks and library.has("clock gate")
    say("generating the Verilog")
    verilog, macros = generate(config, name=TOP).verilog, None
    if config.memories == "macro":
        verilog, macros = with_black_boxes(verilog, TOP)
    (target / "amper.v").write_text(verilog, encoding="utf-8")
    period = period_ns * NANO
    (target / "abc.script").write_text(abc_script(period), encoding="utf-8")
    (target / "abc.constr").write_text(abc_constraints(library), encoding="utf-8")
    say("synthesis and mapping by Yosys")
    (target / "stats.txt").unlink(missing_ok=True)  # ABC would append to it
    run_script(target, "asic", asic_script("amper.v", verilog, library, files, period=period, gate=gate))
    area = _area(json.loads((target / "asic_area.json").read_text(encoding="utf-8")), library, config)
    say("timing" if sta_available() else "timing: OpenSTA is not installed, so the mapper's estimate stands in")
    timing = _timing(target, library, files, period_ns, wires)
    return AsicResult(
        config=config.to_dict(),
        library={
            "files": [path.name for path in library.paths],
            "names": list(library.names),
            "voltage": library.voltage,
            "driving_cell": library.buffer.name,
            "reset_driving_cell": library.reset_buffer.name,
            "load_ff": library.load * 1e15,
        },
        options={"period_ns": period_ns, "gated_clocks": gate, "wire_load": wires, "dont_use": list(dont_use)},
        area=area,
        timing=timing,
        batch_cycles=latency.batch_cycles(config),
        batch_ns=latency.batch_cycles(config) * timing.period_ns,
        versions={"amper": version("amper"), "yosys": yosys_version(target), "timing": timing.method},
        macros=macros,
    )


def simulated(
    result: AsicResult, liberty: Sequence[str | Path], *, folder: str | Path, batches: int = 20, progress: bool = False
) -> AsicResult:
    """The result with what the netlist in ``folder`` did in Icarus, against the golden model.

    Raises
    ------
    SimulationError : no simulator, or the netlist hangs. Others: see ``simulate_netlist``.
    """
    library = load_library(liberty, result.options["dont_use"])
    config = AmperConfig.from_dict(result.config)
    verification = simulate_netlist(config, library, folder=folder, batches=batches, progress=progress)
    return replace(result, simulation=verification.to_dict())


def powered(
    result: AsicResult,
    liberty: Sequence[str | Path],
    *,
    folder: str | Path,
    trace: str | Path,
    batches: int = 4,
    progress: bool = False,
) -> AsicResult:
    """The result with the power of the netlist in ``folder`` over ``batches`` of the recorded ``trace``.

    Raises
    ------
    SynthesisError : OpenSTA is missing or failed. Others: see ``measure_activity``.
    """
    target = Path(folder)
    library = load_library(liberty, result.options["dont_use"])
    files = sorted(path.name for path in target.glob("library_*.lib"))
    activity = measure_activity(
        AmperConfig.from_dict(result.config),
        library,
        folder=target,
        trace=Path(trace),
        batches=batches,
        progress=progress,
    )
    period = result.timing.period_ns * NANO
    return replace(
        result,
        power=estimate_power(target, library, files, activity, period=period, wire_load=result.options["wire_load"]),
    )


def _wire_load(library: Library, wanted: str | None) -> str:
    if wanted is None:
        return library.wire_load
    if wanted and wanted not in library.wire_loads:
        known = ", ".join(library.wire_loads) or "it has none"
        raise ValueError(f"wire load must be a model of the library ({known}), not {wanted!r}")
    return wanted


def _plain_copies(library: Library, folder: Path) -> list[str]:
    """The files without compression in ``folder``, which not every Yosys and ABC reads."""
    names = []
    for old in folder.glob("library_*.lib"):
        old.unlink()
    for index, path in enumerate(library.paths):
        text = liberty_text(path)
        # Yosys caches a library under its path, so another one needs another name.
        name = f"library_{index}_{hashlib.sha256(text.encode()).hexdigest()[:8]}.lib"
        (folder / name).write_text(text, encoding="latin-1")
        names.append(name)
    return names


def _timing(folder: Path, library: Library, files: Sequence[str], period_ns: float, wire_load: str) -> Timing:
    if not sta_available():
        return _estimate(folder / "stats.txt")
    timing = time_netlist(folder, library, files, period=period_ns * NANO, wire_load=wire_load)
    if timing.period_ns > period_ns:  # again at the clock that it can have: what depends on the period counts right
        timing = time_netlist(folder, library, files, period=timing.period_ns * NANO, wire_load=wire_load)
    return timing


def _estimate(statistics: Path) -> Timing:
    """The mapper's own estimate: ABC leaves a line a component, whose last number is its delay in ps."""
    lines = statistics.read_text(encoding="utf-8").splitlines() if statistics.exists() else []
    delays = [float(line.split()[-1]) for line in lines if line.strip()]
    if not delays:
        raise SynthesisError(f"ABC reported no delay: see {statistics.parent / 'asic.log'}")
    period = max(delays) / 1000
    method = "ABC's estimate: gates inside a component only, neither registers nor wires; OpenSTA is not installed"
    return Timing(method, "", period, period, ())


def _area(statistics: dict[str, Any], library: Library, config: AmperConfig) -> Area:
    """Areas and counts by module, from Yosys's statistics."""
    modules = {name.lstrip("\\"): entry for name, entry in statistics["modules"].items()}
    cells = {name: _cells(entry) for name, entry in modules.items()}
    instances = _instances(cells)
    own = {
        name: sum(count * library.cells[cell].area for cell, count in content.items() if cell in library.cells)
        for name, content in cells.items()
    }
    areas = {name: instances[name] * own[name] for name in own}
    counts: dict[str, int] = {}
    for name, content in cells.items():
        for cell, count in content.items():
            if cell in library.cells:
                counts[cell] = counts.get(cell, 0) + instances[name] * count
    registers = sum(count for cell, count in counts.items() if library.cells[cell].kind in ("flip-flop", "latch"))
    banks = sum(area for name, area in areas.items() if name.startswith("amper_bank_"))
    total, gate = sum(areas.values()), library.gate_area
    return Area(
        total_um2=total,
        gate_um2=gate,
        gate_equivalents=total / gate,
        by_component=dict(sorted(areas.items(), key=lambda item: -item[1])),
        cells=sum(counts.values()),
        registers=registers,
        row_um2=banks / config.rows,
        row_gate_equivalents=banks / config.rows / gate,
    )


def _cells(entry: dict[str, Any]) -> dict[str, int]:
    """What a module instantiates itself, by type."""
    return {
        name.lstrip("\\"): int(count["count"] if isinstance(count, dict) else count)
        for name, count in entry["num_cells_by_type"].items()
    }


def _instances(cells: dict[str, dict[str, int]]) -> dict[str, int]:
    """How often each module is there, from the top down."""
    found = dict.fromkeys(cells, 0)

    def visit(name: str, count: int) -> None:
        found[name] += count
        for child, each in cells[name].items():
            if child in cells:
                visit(child, count * each)

    visit(TOP, 1)
    return found
