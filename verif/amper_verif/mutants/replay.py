"""The ports of a run of the bench, replayed on mutants: whether the bench can have noticed anything.

As long as no output differs, the bench would have done the same, so a mutant without a difference survives it. Where
the first difference is in what the bench compares in that cycle, it notices. Else - a ready or a valid that comes at
another time - only the bench can say.
"""

from __future__ import annotations

import os
import selectors
import subprocess
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path

from amper_verif.harness.simulators import SimulationError, simulator_environment

Ports = dict[str, int]  # width by name

#: Compared by the bench in every cycle, and while a result is offered.
_ALWAYS = ("write_refused", "control_refused")
_PAYLOAD = ("result_row", "result_priority", "result_lanes", "result_last", "result_status")
#: What the bench's doings follow.
_TIMING = ("result_valid", "write_ready", "control_ready", "request_ready", "busy")
_PATIENCE = 120  # seconds without a word after which a mutant oscillates


class Seen(Enum):
    """What a replay shows of a mutant."""

    NOTHING = "nothing"
    DIFFERENCE = "difference"
    TIMING = "timing"
    OSCILLATES = "oscillates"


_BENCH = """\
`timescale 1ns / 1ps
module replay;
  reg clk = 0;
  reg [{width}:0] mutation;
{declarations}
  reg [{last_in}:0] in;
  reg [{last_out}:0] want;
  reg check;
  wire [{last_out}:0] got = {{{outputs}}};
  assign {{{inputs}}} = in;
  wire [{last_out}:0] differs = (want ^ got) & known;
  wire [{last_out}:0] known;
  genvar bit;
  generate
    for (bit = 0; bit <= {last_out}; bit = bit + 1) begin : each
      assign known[bit] = want[bit] === 1'b0 | want[bit] === 1'b1;
    end
  endgenerate
  {top} dut (.clk(clk), .mutation(mutation), {connections});

  integer file, fields, number, cycle, first, last;
  reg over, offered;
  initial begin
    if (!$value$plusargs("first=%d", first) || !$value$plusargs("last=%d", last)) $finish;
    for (number = first; number <= last; number = number + 1) begin
      mutation = number;
      file = $fopen("vectors.txt", "r");
      over = 0;
      cycle = 0;
      fields = $fscanf(file, "%b %b %b\\n", in, want, check);
      while (fields == 3 && !over) begin
        #5;
        offered = want[{valid}] === 1'b1 && got[{valid}] === 1'b1;
        if ((differs & {always}) !== 0 || (offered && (differs & {payload}) !== 0)
            || (check && (differs & {settled}) !== 0)) begin
          over = 1;
          $display("mutant %0d difference %0d", number, cycle);
        end else if ((differs & {timing}) !== 0) begin
          over = 1;
          $display("mutant %0d timing %0d", number, cycle);
        end
        clk = 1;
        #5;
        clk = 0;
        cycle = cycle + 1;
        fields = $fscanf(file, "%b %b %b\\n", in, want, check);
      end
      if (!over) $display("mutant %0d nothing %0d", number, cycle);
      $fflush;
      $fclose(file);
    end
    $finish;
  end
endmodule
"""


def bench_text(top: str, inputs: Ports, outputs: Ports, mutation_width: int) -> str:
    """The replay's Verilog."""
    places, at = {}, sum(outputs.values())
    for name, width in outputs.items():
        at -= width
        places[name] = ((1 << width) - 1) << at
    total = sum(outputs.values())

    def mask(names: Sequence[str]) -> str:
        return f"{total}'h{sum(places.get(name, 0) for name in names):x}"

    wires = [f"  wire [{width - 1}:0] {name};" for name, width in (inputs | outputs).items()]
    return _BENCH.format(
        top=top,
        width=mutation_width - 1,
        declarations="\n".join(wires),
        last_in=sum(inputs.values()) - 1,
        last_out=total - 1,
        inputs=", ".join(inputs),
        outputs=", ".join(outputs),
        connections=", ".join(f".{name}({name})" for name in (inputs | outputs)),
        valid=places["result_valid"].bit_length() - 1,
        always=mask(_ALWAYS),
        payload=mask(_PAYLOAD),
        timing=mask(_TIMING),
        settled=mask([name for name in outputs if name not in (*_ALWAYS, *_PAYLOAD, *_TIMING)]),
    )


def compile_replay(text: str, netlist: str, folder: Path) -> None:
    """Make ``replay.vvp``; the vectors belong beside it."""
    (folder / "replay.v").write_text(text, encoding="utf-8")
    (folder / "netlist.v").write_text(netlist, encoding="utf-8")
    command = ["iverilog", "-g2005", "-s", "replay", "-o", "replay.vvp", "replay.v", "netlist.v"]
    done = subprocess.run(command, cwd=folder, env=simulator_environment(), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SimulationError(f"icarus could not build the replay: {done.stderr[-2000:]}")


def replay(numbers: Sequence[int], folder: Path) -> Iterator[tuple[int, Seen]]:
    """What each of the mutants ``numbers`` shows, in turn."""
    left = list(numbers)
    while left:
        for number, seen in _stretch(left[0], left[-1], folder):
            if number in left:
                left.remove(number)
                yield number, seen


def _stretch(first: int, last: int, folder: Path) -> Iterator[tuple[int, Seen]]:
    """From one process of the simulator; it ends at the first mutant that oscillates."""
    command = ["vvp", "-n", "replay.vvp", f"+first={first}", f"+last={last}"]
    expected = first
    with subprocess.Popen(
        command, cwd=folder, env=simulator_environment(), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            os.set_blocking(process.stdout.fileno(), False)
            buffer = ""
            while True:
                if not selector.select(_PATIENCE):
                    process.kill()
                    yield expected, Seen.OSCILLATES
                    return
                text = os.read(process.stdout.fileno(), 65536).decode()
                if not text:
                    break
                *lines, buffer = (buffer + text).split("\n")
                for line in lines:
                    _, number, seen, _ = line.split()
                    expected = int(number) + 1
                    yield int(number), Seen(seen)
    if expected <= last:
        raise SimulationError(f"the replay of mutant {expected} ended early")
