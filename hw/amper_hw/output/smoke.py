"""A bench in plain Verilog that ships with the sampler: a few writes, a batch, the rows that must be drawn.

It needs a simulator of Verilog-2005 and nothing else. It is for seeing that the core is alive where it was brought, not
for verifying it.
"""

from __future__ import annotations

from collections.abc import Sequence

from amper_hw.bus.registers import register_named
from amper_spec.config import AmperConfig

MOST_ROWS, MOST_DRAWS = 16, 8
#: Inputs of AXI's registers that stay as they are: answers are taken at once, and a burst is a beat of 4 bytes.
CONSTANT = {"bready": 1, "rready": 1, "wlast": 1, "awsize": 2, "arsize": 2, "awburst": 1, "arburst": 1}


def smoke_writes(config: AmperConfig) -> list[tuple[int, int]]:
    """Rows and their priorities before the batch."""
    rows = range(min(config.rows, MOST_ROWS))
    return [(row, 1 + row * 37 % config.priority_max) for row in rows]


def smoke_draws(config: AmperConfig) -> int:
    """Draws of the batch."""
    return min(config.batch, MOST_DRAWS)


def smoke_bench(config: AmperConfig, ports: dict[str, dict[str, object]], expected: Sequence[int]) -> str:
    """The module ``NAME_smoke``, which prints PASSED or what was wrong; ``expected`` are the rows of the batch."""
    parts = {"native": _native, "axi": _axi, "axi4": _axi, "wishbone": _wishbone}[config.bus](config)
    inputs = [name for name, port in ports.items() if port["direction"] == "input" and name not in ("clk", "rst")]
    declared = [f"  {_kind(port)}{name}{_reset(port)};" for name, port in ports.items() if name not in ("clk", "rst")]
    connected = ", ".join(f".{name}({name})" for name in ports)
    steps = [f"    write({row}, {priority});" for row, priority in smoke_writes(config)]
    checks = [f"    check({place}, {row});" for place, row in enumerate(expected)]
    return "\n".join(
        [
            f"// A smoke bench of {config.name}.v: writes, a batch, and the rows that it must draw. Made with it.",
            f"// For example: iverilog -g2005 -o smoke {config.name}.v {config.name}_smoke.v && vvp -n smoke",
            "`timescale 1ns / 1ps",
            f"module {config.name}_smoke;",
            "  reg clk = 0, rst = 1;",
            *declared,
            "  integer faults = 0, ticks = 0;",
            "  always #5 clk = ~clk;",
            "  always @(posedge clk) begin",
            "    ticks = ticks + 1;",
            '    if (ticks == 100000) begin $display("FAILED: something never came"); $finish; end',
            "  end",
            f"  {config.name} dut({connected});",
            "",
            *parts,
            "",
            "  initial begin",
            *(f"    {name} = {CONSTANT[part]};" for name in inputs if (part := name.rpartition("_")[2]) in CONSTANT),
            "    repeat (3) @(negedge clk);",
            "    rst = 0;",
            *(["    put(12'hD0, 0);  // results to the registers"] if config.streams else []),
            *steps,
            f"    request({smoke_draws(config)});",
            *checks,
            '    if (faults == 0) $display("PASSED");',
            '    else $display("FAILED: %0d faults", faults);',
            "    $finish;",
            "  end",
            "endmodule",
            "",
        ]
    )


def _kind(port: dict[str, object]) -> str:
    width = int(str(port["width"]))
    bits = f"[{width - 1}:0] " if width > 1 else ""
    return f"{'reg' if port['direction'] == 'input' else 'wire'} {bits}"


def _reset(port: dict[str, object]) -> str:
    return " = 0" if port["direction"] == "input" else ""


def _checked(row: str) -> list[str]:
    return [
        f"    if ({row} !== wanted) begin",
        "      faults = faults + 1;",
        f'      $display("draw %0d: row %0d, expected %0d", place, {row}, wanted);',
        "    end",
    ]


def _native(config: AmperConfig) -> list[str]:
    """Streams, a transfer at a time; of a beat of draws the lanes one after the other."""
    width, lanes = config.row_width, config.draw_ports
    return [
        "  task write(input integer row, input integer priority);",
        "  begin",
        "    write_row = row; write_priority = priority; write_valid = 1;",
        *(["    write_lanes = 1;"] if config.write_ports > 1 else []),
        "    while (!write_ready) @(negedge clk);",
        "    @(negedge clk) write_valid = 0;",
        "  end",
        "  endtask",
        "  task request(input integer draws);",
        "  begin",
        "    request_batch = draws; request_valid = 1;",
        "    while (!request_ready) @(negedge clk);",
        "    @(negedge clk) request_valid = 0;",
        "  end",
        "  endtask",
        "  integer beat_lane = 0;",
        f"  wire [{lanes - 1}:0] lanes_there = {'result_lanes' if lanes > 1 else '1'};",
        f"  wire [{width - 1}:0] row_now = result_row >> {width} * beat_lane;",
        "  task check(input integer place, input integer wanted);",
        "  begin",
        "    while (!result_valid || !lanes_there[beat_lane]) begin",
        f"      if (result_valid && beat_lane < {lanes - 1}) beat_lane = beat_lane + 1;",
        "      else begin result_ready = result_valid; @(negedge clk) result_ready = 0; beat_lane = 0; end",
        "      #1;",
        "    end",
        *_checked("row_now"),
        f"    if (beat_lane < {lanes - 1}) begin beat_lane = beat_lane + 1; #1; end",
        "    else begin result_ready = 1; @(negedge clk) result_ready = 0; beat_lane = 0; #1; end",
        "  end",
        "  endtask",
    ]


def _registers(config: AmperConfig) -> list[str]:
    """Writes, a request and draws by tasks ``put`` and ``get``; every command is waited for."""
    at = {
        name: f"12'h{register_named(config, name).offset:X}"
        for name in ("WRITE_ROW", "WRITE_PRIORITY", "REQUEST", "STATUS", "RESULT_ROW")
    }
    bits = {field.name: field.low for field in register_named(config, "STATUS").fields}
    return [
        "  reg [31:0] got;",
        "  task wait_for(input integer bit_of_status);",
        "  begin",
        f"    get({at['STATUS']});",
        f"    while (!got[bit_of_status]) get({at['STATUS']});",
        "  end",
        "  endtask",
        "  task write(input integer row, input integer priority);",
        "  begin",
        f"    put({at['WRITE_ROW']}, row); put({at['WRITE_PRIORITY']}, priority); wait_for({bits['QUEUE_EMPTY']});",
        "  end",
        "  endtask",
        f"  task request(input integer draws); put({at['REQUEST']}, draws); endtask",
        "  task check(input integer place, input integer wanted);",
        "  begin",
        f"    wait_for({bits['RESULT_AVAILABLE']}); get({at['RESULT_ROW']});",
        *_checked("got"),
        "  end",
        "  endtask",
    ]


def _axi(config: AmperConfig) -> list[str]:
    """AXI4-Lite, or AXI4 without bursts, one access at a time; the streams are tied off."""
    lines = [
        "  task put(input [11:0] address, input [31:0] data);",
        "  begin",
        "    s_axil_awaddr = address; s_axil_awvalid = 1; s_axil_wdata = data; s_axil_wstrb = 15; s_axil_wvalid = 1;",
        "    while (!(s_axil_awready && s_axil_wready)) @(negedge clk);",
        "    @(negedge clk) begin s_axil_awvalid = 0; s_axil_wvalid = 0; end",
        "    while (!s_axil_bvalid) @(negedge clk);",
        "    if (s_axil_bresp != 0) faults = faults + 1;",
        "    @(negedge clk);",
        "  end",
        "  endtask",
        "  task get(input [11:0] address);",
        "  begin",
        "    s_axil_araddr = address; s_axil_arvalid = 1;",
        "    while (!s_axil_arready) @(negedge clk);",
        "    @(negedge clk) s_axil_arvalid = 0;",
        "    while (!s_axil_rvalid) @(negedge clk);",
        "    got = s_axil_rdata;",
        "    if (s_axil_rresp != 0) faults = faults + 1;",
        "    @(negedge clk);",
        "  end",
        "  endtask",
    ]
    return [line.replace("s_axil", "s_axi" if config.bus == "axi4" else "s_axil") for line in lines] + _registers(
        config
    )


def _wishbone(config: AmperConfig) -> list[str]:
    """Classic cycles."""
    return [
        "  task access(input we, input [11:0] address, input [31:0] data);",
        "  begin",
        "    wb_cyc = 1; wb_stb = 1; wb_we = we; wb_adr = address >> 2; wb_dat_i = data; wb_sel = 15;",
        "    @(negedge clk);",
        "    while (!(wb_ack || wb_err)) @(negedge clk);",
        "    got = wb_dat_o;",
        "    if (wb_err) faults = faults + 1;",
        "    @(negedge clk) begin wb_cyc = 0; wb_stb = 0; end",
        "    @(negedge clk);",
        "  end",
        "  endtask",
        "  task put(input [11:0] address, input [31:0] data); access(1, address, data); endtask",
        "  task get(input [11:0] address); access(0, address, 0); endtask",
        *_registers(config),
    ]
