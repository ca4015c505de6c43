"""The ports of a run of the bench, replayed on mutants: whether the bench can have noticed anything.

As long as no output differs, the bench would have done the same, so a mutant without a difference survives it. Where
the first difference is in what the bench compares in that cycle, it notices. Else - a ready or a valid that comes at
another time - only the bench can say. The replay is compiled by Verilator, with all mutants in one program.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path

from amper_verif.harness.simulators import SimulationError, simulator_environment
from amper_verif.mutants.netlist import WIDTH

Ports = dict[str, int]  # width by name

#: Compared by the bench in every cycle, and while a result is offered.
_ALWAYS = ("write_refused", "control_refused")
_PAYLOAD = ("result_row", "result_priority", "result_lanes", "result_last", "result_status")
#: What the bench's doings follow.
_TIMING = ("result_valid", "write_ready", "control_ready", "request_ready", "busy", "vmax", "vmax_exact")


class Seen(Enum):
    """What a replay shows of a mutant."""

    NOTHING = "nothing"
    DIFFERENCE = "difference"
    TIMING = "timing"
    OSCILLATES = "oscillates"


# A word of the vectors: what was checked, which outputs were known, the outputs, the inputs; the first is on the left.
_BENCH = """\
`timescale 1ns / 1ps
module replay (
  input wire clk,
  input wire [{last_mutation}:0] mutation,
  input wire [31:0] cycle,
  output wire [1:0] seen
);
{declarations}
  reg [{last}:0] vectors [0:{last_cycle}];
  initial $readmemb("vectors.mem", vectors);
  wire [{last}:0] now = vectors[cycle];
  wire check;
  wire [{last_out}:0] known, want;
  assign {{check, known, want, {inputs}}} = now;
  wire [{last_out}:0] got = {{{outputs}}};
  wire [{last_out}:0] differs = (want ^ got) & known;
  wire offered = want[{valid}] & known[{valid}] & got[{valid}];
  wire difference = |(differs & {always}) | (offered & |(differs & {payload})) | (check & |(differs & {settled}));
  assign seen = {{difference, |(differs & {timing})}};
  {top} dut (.clk(clk), .mutation(mutation), {connections});
endmodule
"""

_MAIN = """\
#include <cstdio>
#include <cstdlib>
#include "Vreplay.h"
#include "verilated.h"

int main(int count, char **words) {{
    VerilatedContext context;
    context.randReset(2);
    context.randSeed(1);
    Vreplay top(&context);
    for (int number = atoi(words[1]); number <= atoi(words[2]); number++) {{
        unsigned cycle = 0, seen = 0;
        for (top.mutation = number; cycle < {cycles}; cycle++) {{
            top.cycle = cycle;
            top.clk = 0;
            top.eval();
            if ((seen = top.seen))
                break;
            top.clk = 1;
            top.eval();
        }}
        printf("%d %s\\n", number, seen > 1 ? "difference" : seen ? "timing" : "nothing");
        fflush(stdout);
    }}
}}
"""

# Mutants tie bits together, so that there seem to be loops: what follows from them is computed until it settles.
_COMMAND = (
    *("verilator", "--cc", "--exe", "--build", "-O3", "-Wno-lint", "-Wno-UNOPTFLAT", "--x-assign", "unique"),
    *("--x-initial", "unique", "--converge-limit", "1000", "--no-assert", "--top-module", "replay", "--Mdir", "replay"),
    *("replay.cpp", "replay.v", "netlist.v"),
)


def bench_text(top: str, inputs: Ports, outputs: Ports, cycles: int) -> str:
    """The replay's Verilog. With a bus, whose ports have other names, only its bench can say what a difference is."""
    places, at = {}, sum(outputs.values())
    for name, width in outputs.items():
        at -= width
        places[name] = ((1 << width) - 1) << at
    total = sum(outputs.values())
    timing = _TIMING if "result_valid" in outputs else tuple(outputs)

    def mask(names: Sequence[str]) -> str:
        return f"{total}'h{sum(places.get(name, 0) for name in names):x}"

    wires = [f"  wire [{width - 1}:0] {name};" for name, width in (inputs | outputs).items()]
    return _BENCH.format(
        top=top,
        last_mutation=WIDTH - 1,
        declarations="\n".join(wires),
        last=sum(inputs.values()) + 2 * total,
        last_cycle=cycles - 1,
        last_out=total - 1,
        inputs=", ".join(inputs),
        outputs=", ".join(outputs),
        connections=", ".join(f".{name}({name})" for name in (inputs | outputs)),
        valid=max(0, places.get("result_valid", 0).bit_length() - 1),
        always=mask(_ALWAYS),
        payload=mask(_PAYLOAD),
        timing=mask(timing),
        settled=mask([name for name in outputs if name not in (*_ALWAYS, *_PAYLOAD, *timing)]),
    )


_ZERO, _KNOWN = str.maketrans("xz", "00"), str.maketrans("01xz", "1100")


def write_memory(vectors: Path) -> int:
    """Make ``vectors.mem``, which Verilog reads, of the vectors that the bench wrote; returns how many there are."""
    words = []
    for line in vectors.read_text(encoding="utf-8").splitlines():
        given, want, check = line.split()
        words.append(f"{check}{want.translate(_KNOWN)}{want.translate(_ZERO)}{given.translate(_ZERO)}\n")
    vectors.with_suffix(".mem").write_text("".join(words), encoding="utf-8")
    return len(words)


def compile_replay(top: str, inputs: Ports, outputs: Ports, netlist: str, folder: Path) -> None:
    """Make the program for the ``vectors.txt`` in ``folder``. SimulationError : no Verilator, or it failed."""
    cycles = write_memory(folder / "vectors.txt")
    (folder / "replay.v").write_text(bench_text(top, inputs, outputs, cycles), encoding="utf-8")
    (folder / "replay.cpp").write_text(_MAIN.format(cycles=cycles), encoding="utf-8")
    (folder / "netlist.v").write_text(netlist, encoding="utf-8")
    done = subprocess.run(
        _COMMAND, cwd=folder, env=simulator_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SimulationError(f"verilator could not build the replay: {(done.stdout + done.stderr)[-2000:]}")


def replay(numbers: Sequence[int], folder: Path) -> Iterator[tuple[int, Seen]]:
    """What each of the mutants ``numbers`` shows, in turn."""
    left = list(numbers)
    while left:
        for number, seen in _stretch(left[0], left[-1], folder):
            if number in left:
                left.remove(number)
                yield number, seen


def _stretch(first: int, last: int, folder: Path) -> Iterator[tuple[int, Seen]]:
    """From one process; it ends at the first mutant that oscillates."""
    expected, said = first, ""
    command = ["replay/Vreplay", str(first), str(last)]
    with subprocess.Popen(command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if found := re.fullmatch(r"(\d+) (\w+)\n", line):
                expected = int(found[1]) + 1
                yield int(found[1]), Seen(found[2])
            else:
                said += line  # Verilator's own words
    if expected <= last:
        if "converge" not in said:
            raise SimulationError(f"the replay of mutant {expected} ended early: {said[-500:]}")
        yield expected, Seen.OSCILLATES
