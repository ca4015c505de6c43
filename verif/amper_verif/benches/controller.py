"""Bench of the controller: every strobe in every cycle against the order that a batch takes; all around is random."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from amper import AmperConfig, Status
from amper_verif.benches.support import Device, Gaps, Sink
from amper_verif.coverage import batch_kind, collected, cover
from amper_verif.simulation import bench_parameters, leave_report

STROBES = ("request_ready", "open", "start_keys", "key_ready", "search_valid", "draw_valid")
KEY_FIELDS = ("value", "mask", "first", "last", "probe")
STATES = ("IDLE", "PREPARE", "SEARCH", "FALLBACK", "DRAW")


class ResetDueError(Exception):
    """The batch under way is to be ended by a reset now."""


class ControllerBench:
    """Walks through one batch after another; ``state`` names the step for the coverage of resets."""

    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.config = AmperConfig.from_dict(parameters["config"])
        self.device = Device(dut, deadline=parameters["batches"] * (80 * self.config.groups + 500))
        self.chance = random.Random(parameters["seed"])
        self.offering, self.taking = Gaps(self.chance), Gaps(self.chance)
        self.sink = Sink("search", self.chance)
        self.compared = 0
        self.statuses = dict.fromkeys(Status.__members__, 0)
        self.reset_in: str | None = None
        self._restart()

    def _restart(self) -> None:
        self.state = "IDLE"
        self.csp_size = 0
        self.request: int | None = None  # offered, and so it stays until it is taken
        self.sink.clear()

    # --- a batch, step by step ---------------------------------------------------------------------------------

    async def batch(self) -> None:
        batch = await self._idle()
        self.state = "PREPARE"
        status = await self._prepare(batch)
        if status is None:
            self.state = "SEARCH"
            await self._keys()
            rows = self.chance.choice((0, 1, self.config.rows, self.chance.randint(0, self.config.rows)))
            status = Status.OK
            if rows == 0:
                await self._count(0, batch, None)
                self.state = "FALLBACK"
                await self._fallback()
                self.state = "SEARCH"
                rows, status = self.chance.randint(1, self.config.rows), Status.FALLBACK
            await self._count(rows, batch, status)
        self.state = "DRAW"
        for _ in range(self.chance.choice((0, 0, 1, 5, 20))):
            await self._cycle({"draw_idle": 0}, {})
        await self._cycle({"draw_idle": 1}, {})
        self.state = "IDLE"
        self.statuses[status.name] += 1
        cover("result.status", status.name)

    async def _idle(self) -> int:
        """Until a request is taken, which is in the cycle in which it is offered; returns its batch size."""
        expected = {"request_ready": 1, "open": 1}
        for _ in range(self.chance.choice((0, 0, 1, 10)) if self.request is None else 0):
            await self._cycle({"request_valid": 0}, expected)
        if self.request is None:
            self.request = self._new_request()
        batch = self.request
        await self._cycle({}, expected)
        self.request = None
        cover("request.batch", batch_kind(batch, self.config.batch))
        return batch

    def _new_request(self) -> int:
        most = self.config.batch
        return self.chance.choice(
            (0, 1, most, self.chance.randint(1, most), self.chance.getrandbits(most.bit_length()))
        )

    async def _prepare(self, batch: int) -> Status | None:
        """Until the batch is refused, with that status, or its keys are started."""
        if not 1 <= batch <= self.config.batch:
            refusal = {"draw_valid": 1, "draw_status": Status.BAD_BATCH}
            await self._cycle({"vmax_exact": self.chance.getrandbits(1)}, refusal)
            return Status.BAD_BATCH
        for _ in range(self.chance.choice((0, 0, 1, 10))):
            await self._cycle({"vmax_exact": 0}, {})
        if self.chance.random() < 0.2:
            refusal = {"draw_valid": 1, "draw_status": Status.NO_VALID_ROW}
            await self._cycle({"vmax_exact": 1, "occupied": 0}, refusal)
            return Status.NO_VALID_ROW
        await self._cycle({"vmax_exact": 1, "occupied": 1}, {"start_keys": 1})
        return None

    async def _keys(self) -> None:
        """m keys, with gaps between them, under back-pressure: what goes in comes out in the same cycle."""
        for group in range(self.config.groups):
            while not self.offering():
                await self._search_cycle(None)
            top = self.config.priority_max
            last = group == self.config.groups - 1
            key = (self.chance.randint(0, top), self.chance.randint(0, top), int(group == 0), int(last), 0)
            while not await self._search_cycle(key):
                pass

    async def _search_cycle(self, key: tuple[int, ...] | None) -> bool:
        """Offer a key; returns whether it was taken."""
        ready = self.sink.ready()
        inputs = {"key_valid": int(key is not None), "search_ready": int(ready)}
        expected = {"search_valid": inputs["key_valid"], "key_ready": inputs["search_ready"]}
        if key is not None:
            inputs |= {f"key_{name}": value for name, value in zip(KEY_FIELDS, key, strict=True)}
            expected |= {f"search_{name}": value for name, value in zip(KEY_FIELDS, key, strict=True)}
        await self._cycle(inputs, expected)
        return key is not None and ready

    async def _count(self, rows: int, batch: int, status: Status | None) -> None:
        """|CSP| arrives some time after the last search; with a status, it starts the draws in the same cycle."""
        for _ in range(self.chance.choice((0, 3, 8))):
            await self._search_cycle(None)
        ready = self.chance.getrandbits(1)
        expected = {"key_ready": ready}
        if status is not None:
            expected |= {"draw_valid": 1, "draw_batch": batch, "draw_csp_size": rows, "draw_status": status}
        inputs = {"key_valid": 0, "search_ready": ready, "count_valid": 1, "count_rows": rows}
        await self._cycle(inputs, expected)
        self.csp_size = rows if status is not Status.FALLBACK else 0

    async def _fallback(self) -> None:
        """A search for every valid row is offered until it is taken."""
        ready = False
        while not ready:
            ready = self.sink.ready()
            fields = {"search_mask": 0, "search_first": 1, "search_last": 1, "search_probe": 0}
            await self._cycle({"key_valid": 0, "search_ready": int(ready)}, {"search_valid": 1} | fields)

    # --- a cycle -----------------------------------------------------------------------------------------------

    async def _cycle(self, inputs: dict[str, int], expected: dict[str, int]) -> None:
        """One cycle: inputs not given are random where the step must not look at them; strobes not expected are 0."""
        if self.reset_in == self.state and self.chance.random() < 0.5:
            raise ResetDueError
        if self.request is None and self.state != "IDLE" and self.chance.random() < 0.1:
            self.request = self._new_request()
        self.device.drive(**(self._rubbish() | inputs))
        await self.device.settle()
        for name, wanted in (dict.fromkeys(STROBES, 0) | expected | {"csp_size": self.csp_size}).items():
            got = self.device.read(name)
            assert got == wanted, f"{name} in cycle {self.device.cycle}, {self.state}: expected {wanted}, got {got}"
            self.compared += 1
        self.sink.observe(self.device.read("search_valid"), inputs.get("search_ready", 0), self._read_search)
        await self.device.tick()

    def _read_search(self) -> tuple[int, ...]:
        return tuple(self.device.read(f"search_{name}") for name in KEY_FIELDS)

    def _rubbish(self) -> dict[str, int]:
        top, bit = self.config.priority_max, self.chance.getrandbits
        return {
            "request_valid": int(self.request is not None),
            "request_batch": bit(self.config.batch_width) if self.request is None else self.request,
            "vmax_exact": bit(1),
            "occupied": bit(1),
            "key_valid": 0,  # keys come only after they were started, |CSP| only after a search
            "key_value": self.chance.randint(0, top),
            "key_mask": self.chance.randint(0, top),
            "key_first": bit(1),
            "key_last": bit(1),
            "key_probe": bit(1),
            "search_ready": 0,
            "count_valid": 0,
            "count_rows": bit(self.config.count_width),
            "draw_idle": bit(1),
        }

    async def batch_with_reset(self, state: str) -> None:
        """Batches until one is in ``state``, and there a reset."""
        self.reset_in = state
        try:
            while True:
                await self.batch()
        except ResetDueError:
            cover("reset.controller", self.state)
        self.reset_in = None
        await self.device.reset(self.chance.randint(1, 3))
        self._restart()


@cocotb.test()
async def against_protocol(dut: Any) -> None:
    parameters = bench_parameters()
    bench = ControllerBench(dut, parameters)
    bench.device.drive(**bench._rubbish())
    await bench.device.start()
    for index in range(parameters["batches"]):
        await bench.batch()
        if index % 6 == 5:
            await bench.batch_with_reset(STATES[index // 6 % len(STATES)])
    assert all(bench.statuses.values()), f"a status never occurred: {bench.statuses}"
    leave_report({"compared": bench.compared, "statuses": bench.statuses, "coverage": collected()})
