"""Runs the operations of ``amper verify`` against every mutant; a run that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amper import AmperConfig
from amper_hw.output.generate import generate
from amper_report import json_lines
from amper_verif.harness.simulation import run_bench
from amper_verif.harness.simulators import SimulationError, require_simulator
from amper_verif.mutants.netlist import Mutant, make, netlist
from amper_verif.mutants.replay import Seen, compile_replay, replay

_LOT = 40  # mutants that one process of the bench takes


@dataclass(frozen=True)
class Outcome:
    """A mutant, and what verification said against it: nothing if it survived."""

    mutant: Mutant
    noticed: str


def campaign(
    config: AmperConfig,
    *,
    count: int,
    workload: dict[str, Any],
    seed: int,
    folder: Path,
    choice: int = 1,
    say: Callable[[str], None] = print,
) -> list[Outcome]:
    """At most ``count`` mutants of a configuration with native ports under the operations of ``workload``.

    The bench runs in Icarus, the replay in Verilator.

    Parameters
    ----------
    workload : as for the bench of the sampler. seed : of its operations. choice : seed of the choice of mutants.
    folder : of netlist and results; those of the same Verilog and operations are used again.

    Raises
    ------
    SimulationError : no Icarus or Verilator, or it does not pass without a mutation. SynthesisError : no Yosys.
    """
    for simulator in ("icarus", "verilator"):
        require_simulator(simulator)
    verilog = generate(config).verilog
    mutants = make(verilog, config.name, count, choice, folder)
    text = netlist(mutants, config.name, folder)
    record = _record(config, verilog, workload, seed, folder)
    digest = hashlib.sha256(json.dumps([text, record]).encode()).hexdigest()[:16]
    results = Results(folder / "results.jsonl", digest)
    numbers = range(len(mutants) + 1)
    for number, seen in replay([number for number in numbers if number not in results.seen], folder):
        results.add(number, seen=seen.value)
        if number % 50 == 0:
            say(f"{number} of {len(mutants)} mutants replayed")
    unsure = [number for number in numbers if results.seen[number] == Seen.TIMING.value]
    while left := [number for number in unsure if number not in results.said]:
        say(f"{len(left)} mutants for the bench")
        _ask_bench(config, text, workload, seed, left[:_LOT], results)
    if results.noticed(0):
        raise SimulationError(f"without a mutation: {results.noticed(0)}")
    return [Outcome(mutant, results.noticed(mutant.number)) for mutant in mutants]


def _record(config: AmperConfig, verilog: str, workload: dict[str, Any], seed: int, folder: Path) -> str:
    """Run the bench once, keep the vectors, make the replay of the netlist in ``folder``; returns what it is of."""
    ports = generate(config).description["ports"]
    inputs, outputs = (
        {name: port["width"] for name, port in ports.items() if port["direction"] == way and name != "clk"}
        for way in ("input", "output")
    )
    report = run_bench(
        verilog=verilog,
        top=config.name,
        bench="sampler.recorded",
        parameters={
            "config": config.to_dict(),
            "seed": seed,
            "workload": workload,
            "inputs": list(inputs),
            "outputs": list(outputs),
            "vectors": str((folder / "vectors.txt").resolve()),
        },
        simulator="icarus",
        folder=folder,
        seed=seed,
    )
    if report["mismatches"]:
        raise SimulationError(f"without a mutation: {report['first_mismatch']}")
    compile_replay(config.name, inputs, outputs, (folder / "netlist.v").read_text(encoding="utf-8"), folder)
    return hashlib.sha256((folder / "vectors.txt").read_bytes()).hexdigest()


def _ask_bench(
    config: AmperConfig, text: str, workload: dict[str, Any], seed: int, lot: list[int], results: Results
) -> None:
    try:
        run_bench(
            verilog=text,
            top=config.name,
            bench="sampler.mutants",
            parameters={
                "config": config.to_dict(),
                "seed": seed,
                "workload": workload,
                "mutants": lot,
                "results": str(results.file),
            },
            simulator="icarus",
            folder=results.file.parent,
            seed=seed,
        )
    except SimulationError as error:
        results.stopped(error)
    results.read()


class Results:
    """What was found so far, a line of JSON each, below a line that says of what."""

    def __init__(self, file: Path, digest: str) -> None:
        self.file = file.resolve()
        self.seen: dict[int, str] = {}  # by the replay
        self.said: dict[int, str] = {}  # by the bench
        self._begun: int | None = None
        head = json.dumps({"of": digest})
        if not file.exists() or file.read_text(encoding="utf-8").partition("\n")[0] != head:
            file.write_text(f"{head}\n", encoding="utf-8")
        self.read()

    def noticed(self, number: int) -> str:
        """What verification says against a mutant."""
        seen = self.seen[number]
        return self.said[number] if seen == Seen.TIMING.value else "" if seen == Seen.NOTHING.value else seen

    def add(self, number: int, **found: str) -> None:
        """Keep a line."""
        json_lines.append(self.file, {"number": number, **found})
        self.read()

    def read(self) -> None:
        """All lines; the last may be half of one, if the process was killed."""
        for found in json_lines.read(self.file)[1:]:
            if "begun" in found:
                self._begun = found["number"]
            if "seen" in found:
                self.seen[found["number"]] = found["seen"]
            if "said" in found:
                self.said[found["number"]] = found["said"]

    def stopped(self, error: SimulationError) -> None:
        """The simulator ended in the middle of a mutant, which is thereby noticed; or it never began."""
        self.read()
        if self._begun is None or self._begun in self.said:
            raise error
        self.add(self._begun, said="the simulator stopped")
