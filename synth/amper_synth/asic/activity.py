"""How often every pin of the netlist changes while it replays the recorded trace."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amper import AmperConfig, quantise
from amper_hw.output.generate import TOP
from amper_synth.asic.simulation import netlist_with_models
from amper_synth.liberty.cells import Library

CYCLE_TIME = 10  # ns, of the bench


@dataclass(frozen=True)
class Activity:
    """Changes and time at 1 of the cells' pins, over some cycles."""

    cycles: int
    batches: int
    pins: dict[str, tuple[float, float]]  # by "instance.(...).pin": changes a cycle, share of the time at 1


def trace_operations(config: AmperConfig, trace: Path, batches: int) -> list[Any]:
    """The recorded run around its first draw, for a sampler of any size: row r becomes r modulo n.

    First a write of every row that the run had written by then, in its last value; then draws with the writes between
    them, until ``batches`` are drawn. Batches larger than the sampler's become as large as it has.
    """
    from amper.operations.trace import Draw, Trace
    from amper.operations.vocabulary import Operation, Sample, Write, beats

    filled: dict[int, Write] = {}
    writes: list[Write] = []
    operations: list[Operation] = []
    drawn = 0
    for operation in Trace.load(trace).operations():
        if isinstance(operation, Draw):
            if not drawn:
                operations += beats(config, filled.values())
            operations += [*beats(config, writes), Sample(min(len(operation.rows), config.batch))]
            writes.clear()
            drawn += 1
            if drawn == batches:
                break
            continue
        row = operation.row % config.rows
        write = Write(row, int(quantise(operation.priority, config)))
        if drawn:
            writes.append(write)
        else:
            filled[row] = write
    return operations


def measure_activity(
    config: AmperConfig, library: Library, *, folder: Path, trace: Path, batches: int, progress: bool = False
) -> Activity:
    """Replay the trace on the netlist in Icarus, against the golden model, and count from the first request on.

    Raises
    ------
    SimulationError : no simulator, or the netlist differs from the golden model. TraceError : a bad trace.
    """
    from amper.operations.vocabulary import encoded
    from amper_verif.harness.simulation import run_bench
    from amper_verif.harness.simulators import SimulationError

    file = (folder / "activity.txt").resolve()
    report = run_bench(
        verilog=counting(netlist_with_models(library, folder), library, file),
        top=TOP,
        bench="sampler.bench",
        parameters={
            "config": config.to_dict(),
            "seed": 1,
            "deadline": 1_000_000,
            "workload": {"kind": "listed", "operations": encoded(trace_operations(config, trace, batches))},
        },
        simulator="icarus",
        folder=folder / "simulation",
        progress=progress,
    )
    if report["mismatches"] or not report["compared"]:
        raise SimulationError(f"the netlist differs from the golden model: {report['first_mismatch']}")
    return read_activity(file)


# In the module around the netlist. A simulation ends without a word, so the counts are written again and again.
_COUNTS = """\
  integer counts_file, counted_cycles = 0, counted_batches = 0;
  reg counting = 0;
  event write_counts;
  initial counts_file = $fopen("{file}");
  always @(posedge clk) begin
    if (request_valid === 1 && request_ready === 1) counted_batches = counted_batches + 1;
    if (counted_batches == 1 && !counting) counting = 1;
    if (counting) begin
      counted_cycles = counted_cycles + 1;
      if (counted_cycles % {every} == 0) begin
        $fdisplay(counts_file, "COUNTS %0d %0d %0d", counted_cycles, counted_batches, $time);
        -> write_counts;
      end
    end
  end
"""
# In the module of every cell, for every pin.
_PIN_COUNTS = """\
  integer changes_{pin} = 0, high_{pin} = 0, since_{pin} = 0;
  always @({pin}) if ({top}.counting) begin
    changes_{pin} = changes_{pin} + 1;
    if ({pin} === 1) since_{pin} = $time; else if (changes_{pin} > 1) high_{pin} = high_{pin} + $time - since_{pin};
  end
"""
EVERY = 128  # cycles between two writings


def counting(verilog: str, library: Library, file: Path) -> str:
    """The netlist with its models, where every cell counts the changes of its pins and the time they are at 1."""
    counts = _COUNTS.format(file=file, every=EVERY)
    parts = re.split(r"(?m)^(?=module )", verilog)
    return "".join(_counted(part, library) for part in parts[:-1]) + parts[-1].replace(
        "endmodule", f"{counts}endmodule"
    )


def _counted(text: str, library: Library) -> str:
    name = re.match(r"module (\w+)", text)
    cell = library.cells.get(name[1]) if name else None
    if cell is None:
        return text
    pins = [pin.name for pin in cell.pins if pin.direction in ("input", "output")]
    counts = "".join(_PIN_COUNTS.format(pin=pin, top=TOP) for pin in pins)
    line = " ".join(f"{pin} %0d %0d %b" for pin in pins)
    values = ", ".join(f"changes_{pin}, high_{pin}, {pin}" for pin in pins)
    write = f'  always @({TOP}.write_counts) $fdisplay({TOP}.counts_file, "%m {line}", {values});\n'
    return text.replace("endmodule", f"{counts}{write}endmodule")


def read_activity(file: Path) -> Activity:
    """The last whole writing of the counts; ValueError when there is none."""
    writings = file.read_text(encoding="utf-8").split("COUNTS ")[1:]
    # The last but one is whole, whatever became of the end.
    if len(writings) < 2:
        raise ValueError(f"the trace must last {2 * EVERY} cycles from its first request on, and does not")
    head, *lines = writings[-2].splitlines()
    cycles, batches, _ = (int(word) for word in head.split())
    pins: dict[str, tuple[float, float]] = {}
    for line in lines:
        name, *words = line.replace("\\", "").split()
        cell = name.removeprefix(f"{TOP}.netlist.")
        for pin, changes, high, value in zip(*(words[part::4] for part in range(4)), strict=True):
            still = float(value == "1") if changes == "0" else int(high) / (cycles * CYCLE_TIME)
            pins[f"{cell}.{pin}"] = int(changes) / cycles, min(1.0, still)
    return Activity(cycles, batches, pins)
