"""Mutants of a bus: each in the benches of ``amper verify`` for that bus, one after the other.

The buses' masters are coroutines, which a recording cannot stand for. The netlist has all mutants; a module around it
reads from a file which is in force, and ends a run that takes much longer than that without one.
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
from amper_verif.harness.simulation import run_bench
from amper_verif.harness.simulators import SimulationError, require_simulator
from amper_verif.mutants.campaign import Outcome, Results
from amper_verif.mutants.netlist import WIDTH, make, netlist
from amper_verif.verify import benches

_PATIENCE = 3  # times the cycles without a mutant
_AROUND = """
module {top} ({ports});
  reg [{last}:0] mutation;
  integer asked, most, cycles, said;
  initial begin
    asked = $fopen("{asked}", "r");
    said = $fscanf(asked, "%d %d", mutation, most);
    $fclose(asked);
    cycles = 0;
  end
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
    require_simulator("icarus")
    verilog = generate(config).verilog
    native = generate(replace(config, bus="native", packed_registers=False)).verilog
    # The sampler with native ports stands in it under another name.
    others = {*_modules(native), f"{config.name}_sampler"}
    modules = [name for name in _modules(verilog) if name not in others]
    mutants = make(verilog, config.name, count, choice, folder, modules)
    text = renamed(netlist(mutants, config.name, folder), config.name) + around(verilog, config.name, folder)
    digest = hashlib.sha256(json.dumps([text, workload, seed]).encode()).hexdigest()[:16]
    results = Results(folder / "results.jsonl", digest)
    (folder / "ran.txt").write_text("0\n", encoding="utf-8")
    parts = benches(config.bus, corners=workload.get("corners", False))
    most = [2**31 - 1] * len(parts)
    for number in range(len(mutants) + 1):
        if number and number in results.said:
            continue
        said = ""
        for place, (bench, more) in enumerate(parts):
            (folder / "asked.txt").write_text(f"{number} {most[place]}\n", encoding="utf-8")
            asked = {"config": config.to_dict(), "seed": seed, "workload": workload | {"corners": False}, **more}
            said = said or _run(text, config.name, bench, asked, seed, folder)
            if not number:
                most[place] = _PATIENCE * (256 + int((folder / "ran.txt").read_text(encoding="utf-8")))
        if not number and said:
            raise SimulationError(f"without a mutation: {said}")
        results.add(number, said=said)
        if number % 20 == 0:
            say(f"{number} of {len(mutants)} mutants")
    return [Outcome(mutant, results.said[mutant.number]) for mutant in mutants]


def renamed(text: str, top: str) -> str:
    """The netlist with ``top`` as ``top``_mutants. Yosys breaks a long line of ports, with no blank before it."""
    netlist, hits = re.subn(rf"(?m)^module {top}\(", f"module {top}_mutants(", text)
    assert hits == 1, f"{hits} modules are named {top}"
    return netlist


def around(verilog: str, top: str, folder: Path) -> str:
    """The module ``top`` with the ports that it has in ``verilog``, around its mutants, ``top``_mutants."""
    found = re.search(rf"(?ms)^module {top} \((.*?)^\);", verilog)
    assert found is not None
    ports = re.findall(r"(?m)^\s*(input|output)\s+(?:wire|reg)\s*(\[[^\]]+\])?\s*(\w+)", found[1])
    return _AROUND.format(
        top=top,
        ports=", ".join(f"{way} wire {width} {name}" for way, width, name in ports),
        last=WIDTH - 1,
        asked=(folder / "asked.txt").resolve(),
        ran=(folder / "ran.txt").resolve(),
        connections=", ".join(f".{name}({name})" for _, _, name in ports),
    )


def _modules(verilog: str) -> list[str]:
    return re.findall(r"(?m)^module (\w+) \(", verilog)


def _run(text: str, top: str, bench: str, asked: dict[str, Any], seed: int, folder: Path) -> str:
    """What a bench says against the mutant that is in force."""
    try:
        report = run_bench(
            verilog=text, top=top, bench=bench, parameters=asked, simulator="icarus", folder=folder, seed=seed
        )
    except SimulationError as error:
        errors = re.findall(r"(?m)^\s*(\w*(?:Error|Exception|Failure)\b.*)$", str(error))
        return (errors[-1] if errors else str(error).partition("\n")[0])[:300]
    return str(report.get("first_mismatch", "")) if report.get("mismatches") else ""
