"""Short programs at the ports, recorded cycle by cycle for the timing diagrams of the documentation.

Each checks what it shows: draws against the golden model, registers against what was written to them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import cocotb

from amper import AmperConfig, GoldenModel
from amper_hw.bus.registers import register_map
from amper_verif.benches.support import Device
from amper_verif.harness.simulation import bench_parameters, leave_report

ROW, CODE = 5, 200  # what the programs write
SLVERR = 2


class Recorder(Device):
    """A device whose ports are kept, in every cycle from ``begin`` on."""

    def __init__(self, dut: Any, ports: list[str]) -> None:
        super().__init__(dut, deadline=1000)
        self.ports = ports
        self.cycles: list[dict[str, int | None]] = []

    def begin(self) -> None:
        self.cycles.clear()

    async def step(self) -> dict[str, Any]:
        """One cycle with the inputs as they are; returns its ports, None where a bit is unknown."""
        await self.settle()
        found = {name: getattr(self.dut, name).value for name in self.ports}
        values = {name: int(value) if value.is_resolvable else None for name, value in found.items()}
        self.cycles.append(values)
        await self.tick()
        return values


async def native(device: Recorder, config: AmperConfig) -> None:
    """Rows are written; then a write and a request are offered, and one result is not taken at once."""
    model = GoldenModel(config)
    device.drive(control_valid=0, request_valid=0, request_batch=0, result_ready=1, write_valid=0, write_invalidate=0)
    await device.start()
    for row in range(config.rows):
        device.drive(write_valid=1, write_row=row, write_priority=20 * row + 20)
        assert (await device.step())["write_ready"]
        model.write(row, 20 * row + 20)
    device.drive(write_valid=0)
    for _ in range(40):  # until the census and everything else has settled
        await device.step()
    device.begin()
    await device.step()
    device.drive(write_valid=1, write_row=ROW, write_priority=CODE)
    assert (await device.step())["write_ready"]
    model.write(ROW, CODE)
    device.drive(write_valid=0, request_valid=1, request_batch=config.batch)
    while not (await device.step())["request_ready"]:
        pass
    device.drive(request_valid=0, result_ready=0)
    drawn: list[int] = []
    while len(drawn) < config.batch:
        values = await device.step()
        if values["result_valid"] and values["result_ready"]:
            drawn.append(values["result_row"])
            assert values["result_last"] == (len(drawn) == config.batch)
        device.drive(result_ready=values["result_valid"])  # the first result is held back for a cycle
    await device.step()
    assert tuple(drawn) == model.draw().indices


async def axi(device: Recorder, config: AmperConfig) -> None:
    """A register is written, its data a cycle after its address, and read; a write to another is refused."""
    registers = {register.name: register.offset for register in register_map(config)}
    device.drive(s_axil_awvalid=0, s_axil_wvalid=0, s_axil_arvalid=0, s_axil_bready=1, s_axil_rready=1)
    device.drive(s_axil_awprot=0, s_axil_arprot=0, s_axil_wstrb=0xF, s_axis_write_tvalid=0, s_axis_request_tvalid=0)
    await device.start()
    device.begin()
    await device.step()

    async def write(name: str, value: int, *, late: int) -> int:
        """``late``: cycles from the address to the data. Returns the response."""
        device.drive(s_axil_awvalid=1, s_axil_awaddr=registers[name])
        address, data, after = True, True, late
        while address or data:
            if data and after == 0:
                device.drive(s_axil_wvalid=1, s_axil_wdata=value)
            values = await device.step()
            if values["s_axil_awvalid"] and values["s_axil_awready"]:
                address = False
                device.drive(s_axil_awvalid=0)
            if values["s_axil_wvalid"] and values["s_axil_wready"]:
                data = False
                device.drive(s_axil_wvalid=0)
            after -= 1
        while not (values := await device.step())["s_axil_bvalid"]:
            pass
        return values["s_axil_bresp"]

    assert await write("WRITE_ROW", ROW, late=1) == 0
    device.drive(s_axil_arvalid=1, s_axil_araddr=registers["WRITE_ROW"])
    while not (await device.step())["s_axil_arready"]:
        pass
    device.drive(s_axil_arvalid=0)
    while not (values := await device.step())["s_axil_rvalid"]:
        pass
    assert (values["s_axil_rdata"], values["s_axil_rresp"]) == (ROW, 0)
    assert await write("ID", 0, late=0) == SLVERR
    await device.step()


async def wishbone(device: Recorder, config: AmperConfig) -> None:
    """Two registers are written and one is read by a pipelined master; a write to another is refused."""
    registers = {register.name: register.offset // 4 for register in register_map(config)}
    device.drive(wb_cyc=0, wb_stb=0, wb_we=0, wb_sel=0xF, wb_adr=0, wb_dat_i=0)
    await device.start()
    device.begin()
    await device.step()
    accesses = (("WRITE_ROW", 1, ROW), ("WRITE_PRIORITY", 1, CODE), ("WRITE_ROW", 0, 0), ("ID", 1, 0))
    answers = []
    for name, write, value in accesses:
        device.drive(wb_cyc=1, wb_stb=1, wb_we=write, wb_adr=registers[name], wb_dat_i=value)
        while True:
            answers.append(await device.step())
            if not answers[-1]["wb_stall"]:
                break
    device.drive(wb_stb=0, wb_we=0)
    answers.append(await device.step())
    device.drive(wb_cyc=0)
    await device.step()
    given = [(each["wb_ack"], each["wb_err"]) for each in answers]
    assert given == [(0, 0), (1, 0), (0, 0), (1, 0), (0, 0), (1, 0), (0, 0), (0, 1)]
    assert answers[5]["wb_dat_o"] == ROW


PROGRAMS: dict[str, Callable[[Recorder, AmperConfig], Awaitable[None]]] = {
    "native": native,
    "axi": axi,
    "wishbone": wishbone,
}


@cocotb.test()
async def program(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    device = Recorder(dut, parameters["ports"])
    await PROGRAMS[config.bus](device, config)
    leave_report({"cycles": device.cycles})
