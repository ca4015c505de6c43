"""One undisturbed batch, recorded cycle by cycle for a picture, and compared with the golden model like any other.

Of a sampler with variant exact alone, results with priorities, and one draw and write a cycle.
"""

from __future__ import annotations

from typing import Any

import cocotb

from amper import AmperConfig
from amper.operations.vocabulary import Write
from amper_hw.base.latency import plane_lead_cycles, settle_cycles
from amper_verif.benches.support import Device
from amper_verif.harness.scoreboard import Result, Scoreboard
from amper_verif.harness.simulation import bench_parameters, leave_report

LEAD_CYCLES = 3  # recorded before the request
TAIL_CYCLES = 2  # and after the last result
RESULT_FIELDS = ("row", "priority", "last", "status")


class Recorder:
    """Fills the memory, asks for one batch, and keeps what happens on every handshake."""

    def __init__(self, device: Device, config: AmperConfig) -> None:
        self.device = device
        self.config = config
        self.scoreboard = Scoreboard(config)
        self.cycles: list[dict[str, Any]] = []
        self._planes: list[Any] = []  # what is at the array's port, a cycle each

    async def fill(self, priorities: list[int]) -> None:
        """A write a cycle; the census is done when this returns."""
        device = self.device
        device.drive(request_valid=0, control_valid=0, result_ready=1, request_batch=0)
        for row, priority in enumerate(priorities):
            device.drive(write_valid=1, write_row=row, write_priority=priority, write_invalidate=0)
            await device.settle()
            assert device.read("write_ready"), "a write of the filling was held up"
            self.scoreboard.write(Write(row, priority))
            self._record()
            await device.tick()
        device.drive(write_valid=0)
        for _ in range(2 * settle_cycles(self.config)):  # that, and the last write's way to the rows
            await device.settle()
            self._record()
            await device.tick()

    async def batch(self) -> None:
        """A request for the largest batch, offered now, until its last result was taken."""
        device = self.device
        device.drive(request_valid=1, request_batch=self.config.batch)
        del self.cycles[:-LEAD_CYCLES]
        tail = TAIL_CYCLES
        while tail:
            await device.settle()
            cycle = self._record()
            if cycle["request"] is not None:
                self.scoreboard.request(cycle["request"])
            if cycle["result"] is not None:
                self.scoreboard.result(Result.of_port(self.config, lanes=1, **cycle["result"]))
            tail -= bool(self.scoreboard.compared) and not self.scoreboard.expected
            await device.tick()
            if cycle["request"] is not None:
                device.drive(request_valid=0)

    def _record(self) -> dict[str, Any]:
        """What the settled signals of this cycle say; None where no handshake takes place."""
        dut, read = self.device.dut, self.device.read
        array = dut.array
        cycle: dict[str, Any] = dict.fromkeys(("write", "request", "plane", "select", "result"))
        if read("write_valid") and read("write_ready"):
            cycle["write"] = {"row": read("write_row"), "priority": read("write_priority")}
        if read("request_valid") and read("request_ready"):
            cycle["request"] = read("request_batch")
        if array.select_0_valid.value:
            cycle["select"] = int(array.select_0_rank.value)
        if read("result_valid") and read("result_ready"):
            cycle["result"] = {name: read(f"result_{name}") for name in RESULT_FIELDS}
        cycle["busy"] = read("busy")
        self.cycles.append(cycle)
        self._planes.append(array.plane_index.value)
        lead = plane_lead_cycles(self.config)
        if cycle["select"] is not None:  # its plane went ahead of it
            self.cycles[-1 - lead]["plane"] = int(self._planes[-1 - lead])
        return cycle


def _requested(cycle: dict[str, Any]) -> bool:
    return cycle["request"] is not None


def _last(cycle: dict[str, Any]) -> bool:
    return cycle["result"] is not None and bool(cycle["result"]["last"])


@cocotb.test()
async def one_batch(dut: Any) -> None:
    parameters = bench_parameters()
    config = AmperConfig.from_dict(parameters["config"])
    device = Device(dut, deadline=10_000)
    for name in ("write_valid", "request_valid", "control_valid", "result_ready"):
        device.drive(**{name: 0})
    await device.start()
    recorder = Recorder(device, config)
    await recorder.fill(parameters["priorities"])
    await recorder.batch()
    board = recorder.scoreboard
    board.check_finished()
    assert not board.mismatches, board.first_mismatch
    request, last = (
        next(at for at, cycle in enumerate(recorder.cycles) if wanted(cycle)) for wanted in (_requested, _last)
    )
    assert last - request == parameters["cycles"], f"a batch took {last - request} cycles, not {parameters['cycles']}"
    drawn = board.model.last_batch
    assert drawn is not None
    leave_report({"cycles": recorder.cycles, "compared": board.compared, "csp_size": drawn.csp_size})
