"""Bench of the registers that show a monitor: every bit of each, the highest of which no run of a sampler reaches."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from amper import AmperConfig
from amper_hw.base.payload import monitor_members
from amper_hw.bus.block import MONITORS
from amper_hw.bus.registers import register_map
from amper_verif.benches.support import Device
from amper_verif.harness.simulation import bench_parameters, leave_report

_IDLE = (
    *("port_access_valid", "port_access_write", "port_access_address", "port_access_data", "port_access_strobe"),
    *("command_ready", "free", "queue_empty", "outcome_write", "outcome_parameter", "outcome_refused"),
    *("outcome_number", "outcome_value", "draw_row", "draw_priority", "draw_last", "draw_status", "draw_valid"),
    *("malformed", "monitor_write_refused", "monitor_control_refused", "monitor_busy", "monitor_row_fault"),
)


@cocotb.test()
async def reads_of_monitors(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    chance = random.Random(parameters["seed"])
    device = Device(dut, deadline=2 * parameters["reads"] + 10)
    places = {register.name: register.offset for register in register_map(config)}
    shown = {name: f"monitor_{name.lower()}" for name in MONITORS if name.lower() in monitor_members(config)}
    device.drive(**{name: 0 for name in (*_IDLE, *shown.values()) if hasattr(dut, name)})
    await device.start()
    device.drive(port_access_valid=1, port_access_strobe=15)
    for _ in range(parameters["reads"]):
        name = chance.choice(list(shown))
        value = chance.getrandbits(len(getattr(dut, shown[name])))
        device.drive(port_access_address=places[name], **{shown[name]: value})
        await device.settle()
        await device.tick()
        await device.settle()
        answer = tuple(device.read(f"port_answer_{field}") for field in ("valid", "error", "data"))
        assert answer == (1, 0, value), f"{name}: expected {value:#x}, got (valid, error, data) {answer}"
        await device.tick()
    leave_report({"compared": parameters["reads"]})
