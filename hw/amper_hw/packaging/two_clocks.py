"""The sampler at a clock of its own: a wrapper that takes and gives its streams at another one.

Latency: a transfer crosses in a cycle of its sender and two to three of its receiver. Page:
docs/hardware/integration.md, "Two clocks".
"""

from __future__ import annotations

from typing import Any

from amper_hw.output.generate import Generated
from amper_spec.config import AmperConfig

DEPTH = 8  # places of a crossing, a power of two: enough for a transfer in every cycle of either clock
ASKED = ("write", "control", "request")  # in the order in which those of one cycle count
_MONITORS = ("write_refused", "control_refused")

_CROSSING = """\
// A queue from one clock to another. Each side counts in a Gray code, of which a bit changes at a time, and sees the
// other's through two registers: late, but never wrong. Both ready and valid are functions of registers. A reset is of
// both sides, and lasts until both clocks have had three edges.
module {name}_crossing #(
    parameter WIDTH = 1
) (
    input  wire             from_clk,
    input  wire             from_rst,
    input  wire             from_valid,
    output wire             from_ready,
    input  wire [WIDTH-1:0] from_payload,
    input  wire             to_clk,
    input  wire             to_rst,
    output wire             to_valid,
    input  wire             to_ready,
    output wire [WIDTH-1:0] to_payload
);
  reg [WIDTH-1:0] places [0:{last}];
  reg [{top}:0] written;
  reg [{top}:0] written_gray;
  reg [{top}:0] taken;
  reg [{top}:0] taken_gray;
  (* ASYNC_REG = "TRUE" *) reg [{top}:0] written_on_its_way;
  (* ASYNC_REG = "TRUE" *) reg [{top}:0] written_seen;
  (* ASYNC_REG = "TRUE" *) reg [{top}:0] taken_on_its_way;
  (* ASYNC_REG = "TRUE" *) reg [{top}:0] taken_seen;
  wire [{top}:0] written_next = written + {one};
  wire [{top}:0] taken_next = taken + {one};

  // Full: both count the same place, one round apart. In a Gray code, that is the two highest bits.
  assign from_ready = written_gray != (taken_seen ^ {round});
  assign to_valid = taken_gray != written_seen;
  assign to_payload = places[taken[{place}:0]];

  always @(posedge from_clk) if (from_valid & from_ready) places[written[{place}:0]] <= from_payload;

  always @(posedge from_clk) begin
    taken_on_its_way <= taken_gray;
    taken_seen <= taken_on_its_way;
    if (from_valid & from_ready) begin
      written <= written_next;
      written_gray <= written_next ^ {{1'b0, written_next[{top}:1]}};
    end
    if (from_rst) begin
      written <= {zero};
      written_gray <= {zero};
      taken_on_its_way <= {zero};
      taken_seen <= {zero};
    end
  end

  always @(posedge to_clk) begin
    written_on_its_way <= written_gray;
    written_seen <= written_on_its_way;
    if (to_valid & to_ready) begin
      taken <= taken_next;
      taken_gray <= taken_next ^ {{1'b0, taken_next[{top}:1]}};
    end
    if (to_rst) begin
      taken <= {zero};
      taken_gray <= {zero};
      written_on_its_way <= {zero};
      written_seen <= {zero};
    end
  end
endmodule
"""

_WRAPPER = """\
// {name} with its streams at clk, and the sampler itself and what can be read of it at core_clk.
//
// What is taken in a cycle of clk crosses in one piece, and is done at core_clk in its order: the write, then the
// change of a parameter, then the request. So a batch sees the writes that it would have seen with one clock.
module {name}_two_clocks (
    input  wire clk,
    input  wire rst,
    input  wire core_clk,
    input  wire core_rst,
{ports}
);
  wire asked_ready;
  assign write_ready = asked_ready;
  assign control_ready = asked_ready;
  assign request_ready = asked_ready;

  // Whether there is such a part, then its payload.
{parts}
  wire asked_valid;
  wire asked_taken;
  {name}_crossing #(
      .WIDTH({asked_width})
  ) asked (
      .from_clk(clk),
      .from_rst(rst),
      .from_valid(write_valid | control_valid | request_valid),
      .from_ready(asked_ready),
      .from_payload({{
{asked}
      }}),
      .to_clk(core_clk),
      .to_rst(core_rst),
      .to_valid(asked_valid),
      .to_ready(asked_taken),
      .to_payload({{
{asked_parts}
      }})
  );

  // One part after the other; the last of them takes all.
  reg write_done;
  reg control_done;
  wire core_write_ready;
  wire core_control_ready;
  wire core_request_ready;
  wire write_due = asked_valid & has_write & ~write_done;
  wire control_due = asked_valid & has_control & ~control_done & ~write_due;
  wire request_due = asked_valid & has_request & ~write_due & ~control_due;
  wire write_taken = write_due & core_write_ready;
  wire control_taken = control_due & core_control_ready;
  assign asked_taken = has_request ? request_due & core_request_ready : has_control ? control_taken : write_taken;
  always @(posedge core_clk) begin
    if (write_taken) write_done <= 1'b1;
    if (control_taken) control_done <= 1'b1;
    if (core_rst | asked_taken) begin
      write_done <= 1'b0;
      control_done <= 1'b0;
    end
  end

  wire core_result_valid;
  wire core_result_ready;
{results}
  {name}_crossing #(
      .WIDTH({result_width})
  ) results (
      .from_clk(core_clk),
      .from_rst(core_rst),
      .from_valid(core_result_valid),
      .from_ready(core_result_ready),
      .from_payload({{{core_result}}}),
      .to_clk(clk),
      .to_rst(rst),
      .to_valid(result_valid),
      .to_ready(result_ready),
      .to_payload({{{result}}})
  );

  {name} core (
{connections}
  );
endmodule
"""


def two_clocks(generated: Generated) -> dict[str, str]:
    """``NAME_two_clocks.v`` and ``.sdc``, to lie beside ``NAME.v``; ValueError with a bus: those have bridges.

    Ports: those of the sampler, at ``clk`` with ``rst``; ``core_clk`` and ``core_rst``. What can be read without a
    handshake, ``write_refused`` and ``control_refused`` among it, is at ``core_clk``.
    """
    check_two_clocks(generated.config)
    name, ports = generated.config.name, generated.description["ports"]
    return {f"{name}_two_clocks.v": _verilog(name, ports), f"{name}_two_clocks.sdc": _constraints(ports)}


def check_two_clocks(config: AmperConfig) -> None:
    """ValueError unless the sampler has native streams."""
    if config.bus != "native":
        raise ValueError(f"clocks must be 1 with bus {config.bus}: a bus has bridges between clocks of its own")


def _verilog(name: str, ports: dict[str, dict[str, Any]]) -> str:
    streams = {stream: _payload(ports, stream) for stream in (*ASKED, "result")}
    bits = {port: f"[{known['width'] - 1}:0] " if known["width"] > 1 else "" for port, known in ports.items()}
    declared = [
        f"    {ports[port]['direction']:<6} wire {bits[port]}{port}" for port in ports if port not in ("clk", "rst")
    ]
    parts = []
    for stream in ASKED:
        parts += [f"  wire has_{stream};", *(f"  wire {bits[port]}core_{port};" for port in streams[stream])]
    asked = [port for stream in ASKED for port in (f"{stream}_valid", *streams[stream])]
    asked_parts = [
        port for stream in ASKED for port in (f"has_{stream}", *(f"core_{port}" for port in streams[stream]))
    ]
    text = _CROSSING.format(name=name, **_sizes())
    return (
        "`timescale 1ns / 1ps\n`default_nettype none\n\n"
        + text
        + "\n"
        + _WRAPPER.format(
            name=name,
            ports=",\n".join(declared),
            parts="\n".join(parts),
            asked_width=sum(ports[port]["width"] for port in asked),
            asked=_list(asked),
            asked_parts=_list(asked_parts),
            results="\n".join(f"  wire {bits[port]}core_{port};" for port in streams["result"]),
            result_width=sum(ports[port]["width"] for port in streams["result"]),
            core_result=", ".join(f"core_{port}" for port in streams["result"]),
            result=", ".join(streams["result"]),
            connections=",\n".join(f"      .{port}({_inside(port, streams)})" for port in ports),
        )
        + "\n`default_nettype wire\n"
    )


def _list(names: list[str]) -> str:
    return ",\n".join(f"          {name}" for name in names)


def _payload(ports: dict[str, dict[str, Any]], stream: str) -> list[str]:
    """The ports of a stream beside valid and ready."""
    mine = [port for port in ports if port.startswith(f"{stream}_") and port not in _MONITORS]
    return [port for port in mine if port not in (f"{stream}_valid", f"{stream}_ready")]


def _inside(port: str, streams: dict[str, list[str]]) -> str:
    """What is at a port of the sampler."""
    if port in ("clk", "rst"):
        return f"core_{port}"
    stream, _, rest = port.partition("_")
    if stream in streams and port not in _MONITORS:
        return f"{stream}_due" if rest == "valid" and stream in ASKED else f"core_{port}"
    return port


def _sizes() -> dict[str, str]:
    """What the text of a crossing asks for."""
    place = DEPTH.bit_length() - 1
    return {
        "last": str(DEPTH - 1),
        "top": str(place),
        "place": str(place - 1),
        "one": f"{place + 1}'d1",
        "zero": f"{place + 1}'d0",
        "round": f"{place + 1}'b11{'0' * (place - 1)}",
    }


def _constraints(ports: dict[str, dict[str, Any]]) -> str:
    """Between the clocks no path may take longer than a period of the faster: then a Gray code that is caught while it
    changes is the old one or the new one, and a payload is there before its place is said to be taken."""
    from amper_hw.output.constraints import IO_SHARE, PERIOD_NS

    lines = [
        "# Timing of the sampler at a clock of its own; ns. The periods are a start: put yours.",
        f"create_clock -name clk -period {PERIOD_NS:.3f} [get_ports clk]",
        f"create_clock -name core_clk -period {PERIOD_NS / 2:.3f} [get_ports core_clk]",
        "# Between them, no path longer than a period of the faster clock, and no hold times.",
    ]
    for start, end in (("clk", "core_clk"), ("core_clk", "clk")):
        lines += [
            f"set_max_delay {PERIOD_NS / 2:.3f} -from [get_clocks {start}] -to [get_clocks {end}]",
            f"set_false_path -hold -from [get_clocks {start}] -to [get_clocks {end}]",
        ]
    lines.append(f"set_input_delay {PERIOD_NS / 2 * IO_SHARE:.3f} -clock core_clk [get_ports {{core_rst}}]")
    for name, port in ports.items():
        if name != "clk":
            streams = name == "rst" or (name.split("_")[0] in (*ASKED, "result") and name not in _MONITORS)
            clock, period = ("clk", PERIOD_NS) if streams else ("core_clk", PERIOD_NS / 2)
            bits = f"{name}[*]" if port["width"] > 1 else name
            lines.append(f"set_{port['direction']}_delay {period * IO_SHARE:.3f} -clock {clock} [get_ports {{{bits}}}]")
    return "\n".join(lines) + "\n"
