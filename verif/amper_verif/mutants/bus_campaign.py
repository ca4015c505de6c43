"""Mutants of a bus: each in the benches of ``amper verify`` for that bus, one after the other.

The buses' masters are coroutines: what they do behind a difference at the ports, no recording can say. A mutant that
shows none while the ports of the benches are replayed survives them; the others run in the benches. The netlist has all
mutants; a module around it reads from a file which is in force, writes down the ports of the run without one, and ends
a run that takes much longer than that.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from amper import AmperConfig
from amper_hw.output.generate import generate
from amper_verif.harness.modules import Module, modules_of
from amper_verif.harness.simulation import run_bench
from amper_verif.harness.simulators import SimulationError, require_simulator
from amper_verif.mutants.campaign import Outcome, Results
from amper_verif.mutants.netlist import WIDTH, make, netlist
from amper_verif.mutants.replay import Ports, Seen, compile_replay, replay
from amper_verif.verify import benches

_PATIENCE = 3  # times the cycles without a mutant
_AROUND = """
module {top} ({ports});
  reg [{last}:0] mutation;
  integer asked, most, cycles, said, vectors;
  initial begin
    asked = $fopen("{asked}", "r");
    said = $fscanf(asked, "%d %d", mutation, most);
    $fclose(asked);
    cycles = 0;
    if (mutation == 0) vectors = $fopen("{vectors}", "a");
  end
  always @(posedge clk) if (mutation == 0) $fdisplay(vectors, "%b %b 0", {{{inputs}}}, {{{outputs}}});
  always @(posedge clk) begin
    cycles = cycles + 1;
    if (cycles % 256 == 0) begin
      said = $fopen("{ran}", "w");
      $fdisplay(said, "%0d", cycles);
      $fclose(said);
    end
    if (cycles == most) $finish;
  end
  {top}_mutants mutants (.mutation(mutation), {connections});
endmodule
"""


def bus_campaign(
    config: AmperConfig,
    *,
    count: int,
    workload: dict[str, Any],
    seed: int,
    folder: Path,
    choice: int = 1,
    say: Callable[[str], None] = print,
) -> list[Outcome]:
    """At most ``count`` mutants of the modules that a bus adds; parameters and errors are those of ``campaign``.

    "corners" of the workload are those of the bus.
    """
    for simulator in ("icarus", "verilator"):
        require_simulator(simulator)
    verilog = generate(config).verilog
    native = generate(replace(config, bus="native", packed_registers=False)).verilog
    # The sampler with native ports stands in it under another name.
    others = {*modules_of(native), f"{config.name}_sampler"}
    modules = [name for name in modules_of(verilog) if name not in others]
    mutants = make(verilog, config.name, count, choice, folder, modules)
    inside = netlist(mutants, config.name, folder)
    text = renamed(inside, config.name) + around(verilog, config.name, folder)
    digest = hashlib.sha256(json.dumps([text, workload, seed]).encode()).hexdigest()[:16]
    results = Results(folder / "results.jsonl", digest)
    numbers = range(len(mutants) + 1)
    if all(_is_known(results, number) for number in numbers):
        return [Outcome(mutant, results.noticed(mutant.number)) for mutant in mutants]
    benches_of = _Benches(config, text, workload, seed, folder)
    benches_of.record()
    if left := [number for number in numbers if number not in results.seen]:
        inputs, outputs = _widths(modules_of(verilog)[config.name])
        compile_replay(config.name, inputs, outputs, inside, folder)
        for number, seen in replay(left, folder):
            results.add(number, seen=seen.value)
    if results.seen[0] != Seen.NOTHING.value:
        raise SimulationError("without a mutation: the replay differs from the bench")
    unsure = [number for number in numbers if not _is_known(results, number)]
    for done, number in enumerate(unsure):
        results.add(number, said=benches_of.against(number))
        if done % 20 == 0:
            say(f"{done} of {len(unsure)} mutants in the benches")
    return [Outcome(mutant, results.noticed(mutant.number)) for mutant in mutants]


def _is_known(results: Results, number: int) -> bool:
    seen = results.seen.get(number)
    return seen is not None and (seen != Seen.TIMING.value or number in results.said)


class _Benches:
    """Those of the bus, one behind the other, on a netlist of all mutants."""

    def __init__(self, config: AmperConfig, text: str, workload: dict[str, Any], seed: int, folder: Path) -> None:
        self._config, self._text, self._seed, self._folder = config, text, seed, folder
        self._asked = {"config": config.to_dict(), "seed": seed, "workload": workload | {"corners": False}}
        self._parts = benches(config.bus, corners=workload.get("corners", False))
        self._most = [2**31 - 1] * len(self._parts)  # cycles

    def record(self) -> None:
        """Without a mutant: ``vectors.txt``, and how long each may take. SimulationError : it does not pass."""
        (self._folder / "vectors.txt").write_text("", encoding="utf-8")
        (self._folder / "ran.txt").write_text("0\n", encoding="utf-8")
        for place in range(len(self._parts)):
            if said := self._run(0, place):
                raise SimulationError(f"without a mutation: {said}")
            ran = int((self._folder / "ran.txt").read_text(encoding="utf-8"))
            self._most[place] = _PATIENCE * (256 + ran)

    def against(self, number: int) -> str:
        """What the first of them says that says anything."""
        return next(filter(None, (self._run(number, place) for place in range(len(self._parts)))), "")

    def _run(self, number: int, place: int) -> str:
        bench, more = self._parts[place]
        (self._folder / "asked.txt").write_text(f"{number} {self._most[place]}\n", encoding="utf-8")
        try:
            report = run_bench(
                verilog=self._text,
                top=self._config.name,
                bench=bench,
                parameters=self._asked | more,
                simulator="icarus",
                folder=self._folder,
                seed=self._seed,
            )
        except SimulationError as error:
            errors = re.findall(r"(?m)^\s*(\w*(?:Error|Exception|Failure)\b.*)$", str(error))
            return (errors[-1] if errors else str(error).partition("\n")[0])[:300]
        return str(report.get("first_mismatch", "")) if report.get("mismatches") else ""


def renamed(text: str, top: str) -> str:
    """The netlist with ``top`` as ``top``_mutants. Yosys breaks a long line of ports, with no blank before it."""
    netlist, hits = re.subn(rf"(?m)^module {top}\(", f"module {top}_mutants(", text)
    assert hits == 1, f"{hits} modules are named {top}"
    return netlist


def around(verilog: str, top: str, folder: Path) -> str:
    """The module ``top`` with the ports that it has in ``verilog``, around its mutants, ``top``_mutants."""
    module = modules_of(verilog)[top]
    inputs, outputs = (", ".join(names) for names in _widths(module))
    return _AROUND.format(
        top=top,
        ports=module.declared,
        last=WIDTH - 1,
        asked=(folder / "asked.txt").resolve(),
        ran=(folder / "ran.txt").resolve(),
        vectors=(folder / "vectors.txt").resolve(),
        connections=module.connected,
        inputs=inputs,
        outputs=outputs,
    )


def _widths(module: Module) -> list[Ports]:
    """Of inputs, but for the clock, and of outputs."""
    ports = [port for port in module.ports if port.name != "clk"]
    return [{port.name: port.width for port in ports if port.direction == way} for way in ("input", "output")]
