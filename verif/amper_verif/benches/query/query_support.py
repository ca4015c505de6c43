"""What the benches of the query generator and its parts share: a golden model whose parameters change, and batches."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Any

from amper import AMPER_VARIANTS, AmperConfig, Batch, GoldenModel, Parameter
from amper_spec.config import COEFFICIENT_WIDTH, SCALE_FRACTION_WIDTH
from amper_spec.parameters import VALUE_WIDTH
from amper_verif.benches.support import Device, Gaps, Sink
from amper_verif.harness.coverage import cover
from amper_verif.harness.simulation import bench_parameters, leave_report


class ChangingModel:
    """A golden model, with other parameters and rows from time to time, and the parameters as ports.

    Members
    -------
    model : the golden model. vmax : its Vmax.
    """

    def __init__(self, config: AmperConfig, chance: random.Random) -> None:
        self.config = config
        self.chance = chance
        self.model = GoldenModel(config)
        self.new_rows()

    def reset(self) -> None:
        """A reset of the device; the rows stay."""
        rows = self.model.priorities
        self.model.reset()
        self.model.priorities = rows

    def new_rows(self) -> None:
        """Other priorities in some of the rows, with any Vmax."""
        chance, top = self.chance, self.config.priority_max
        self.vmax = chance.choice((0, top, chance.randint(0, top), chance.randint(0, min(7, top))))
        cover("query.vmax", {0: "zero", top: "maximum"}.get(self.vmax, "some"))
        self.model.set_parameter(Parameter.CLEAR, 1)
        for row in chance.sample(range(self.config.rows), chance.randint(1, self.config.rows)):
            self.model.write(row, chance.randint(0, self.vmax))
        self.model.write(row, self.vmax)

    def change(self) -> None:
        """Other parameters, each of any legal value."""
        config, chance, change = self.config, self.chance, self.model.set_parameter
        if config.variants != ("k",):
            change(Parameter.RADIUS, 0)  # which forbids no number of groups
        groups = chance.choice((1, config.groups, chance.randint(1, config.groups)))
        change(Parameter.GROUPS, groups)
        change(Parameter.VARIANT, AMPER_VARIANTS.index(chance.choice(config.variants)))
        if config.variants != ("k",):
            largest = min((groups << COEFFICIENT_WIDTH) - 1, (1 << VALUE_WIDTH) - 1)
            usual = chance.randint(0, groups << SCALE_FRACTION_WIDTH)
            change(Parameter.RADIUS, chance.choice((0, usual, usual, chance.randint(0, largest), largest)))
        if "k" in config.variants:
            largest = (1 << COEFFICIENT_WIDTH) - 1
            change(Parameter.NEIGHBOURS, chance.choice((0, 1 << 19, chance.randint(0, largest), largest)))

    def ports(self) -> dict[str, int]:
        """The parameters in force, as the parameter unit drives them, and Vmax."""
        settings = self.model.settings
        return {
            "vmax": self.vmax,
            "parameters_ready": 1,
            "parameters_groups": settings.groups,
            "parameters_group_shift": (settings.groups - 1).bit_length(),
            "parameters_reciprocal": settings.reciprocal,
            "parameters_radius": settings.radius_coefficient,
            "parameters_neighbours": settings.neighbours,
            "parameters_variant": AMPER_VARIANTS.index(settings.variant),
            "parameters_batch": settings.batch,
            "parameters_rows": settings.rows,
            "parameters_enable": 1,
        }

    def load(self, word: int, value: int) -> bool:
        """Set a part of the query stream's state; returns whether that is legal."""
        try:
            self.model.set_parameter(Parameter.QUERY_STATE_0 + word, value)
        except ValueError:
            return False
        return True

    @property
    def is_k(self) -> bool:
        """Whether k is the active variant."""
        return self.model.settings.variant == "k"

    @property
    def groups_in_a_beat(self) -> int:
        return 1 if self.is_k else self.config.search_ports

    def batch(self) -> Batch:
        """The next batch."""
        drawn = self.model.draw(1)
        assert isinstance(drawn, Batch)
        return drawn


class BatchBench:
    """Starts batches, in a row or with pauses, and compares what comes.

    Members
    -------
    compared, timed : beats compared, and those whose exact cycle was checked.
    """

    output: str  # name of the device's stream
    latency_of: Callable[[AmperConfig], int]  # cycles from a batch's start to its first beat

    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.dut = dut
        self.config = AmperConfig.from_dict(parameters["config"])
        self.latency = self.latency_of(self.config)
        self.chance = random.Random(parameters["seed"])
        self.changing = ChangingModel(self.config, self.chance)
        self.device = Device(dut, deadline=parameters["batches"] * 5000)
        self.sink = Sink("key", self.chance)
        self.starts = Gaps(self.chance)
        self.compared = self.timed = 0
        self.restart()

    @classmethod
    async def test(cls, dut: Any) -> None:
        """The whole bench."""
        parameters = bench_parameters()
        bench = cls(dut, parameters)
        await bench.start()
        await bench.run(parameters["batches"])
        leave_report({"compared": bench.compared, "timed": bench.timed})

    def restart(self) -> None:
        """Nothing is under way."""
        self.expected: deque[Any] = deque()
        self.due: deque[int] = deque()  # cycles of the beats, when nothing stalls
        self.free_from = 0  # cycle in which the next batch can begin, when nothing stalls
        self.waits_until = -1  # cycle in which the batch begins that was started ahead
        self.sink.clear()

    # --- for the component ---------------------------------------------------------------------------------------

    def expected_batch(self) -> list[Any]:
        """The beats of the next batch."""
        raise NotImplementedError

    def read(self) -> Any:
        """The beat at the output."""
        raise NotImplementedError

    def taken(self, beat: Any) -> None:
        """A beat was taken."""
        wanted = self.expected.popleft()
        assert beat == wanted, f"beat {self.compared}: expected {wanted}, got {beat}"
        self.compared += 1

    def inputs(self) -> dict[str, int]:
        """Inputs of this cycle beside the batches'."""
        return {}

    @property
    def is_timed(self) -> bool:
        """Whether the cycle of each beat is known, without back-pressure."""
        return True

    # --- cycles --------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Clock and first reset."""
        self.device.drive(start_valid=0, load_valid=0, load_word=0, load_value=0, **{f"{self.output}_ready": 0})
        self.device.drive(**self.changing.ports(), **self.inputs())
        await self.device.start()
        await self._cycle(False, True, False)  # nothing starts in the first cycle after a reset

    async def episode(self, batches: int, *, hurry: bool, stop_after: int | None = None) -> None:
        """Batches with the same parameters to their last beat, or a reset after so many cycles; ``hurry``: starts as
        early as possible and no back-pressure, and exact cycles."""
        begin = self.device.cycle
        offered = False
        timed = hurry and self.is_timed
        while batches or self.expected:
            if self.device.cycle - begin == stop_after:
                await self._reset()
                return
            offered = batches > 0 and (offered or hurry or self.starts())
            started = await self._cycle(offered, hurry or self.sink.ready(), timed)
            if started:
                batches, offered = batches - 1, False
        assert not self.due

    async def idle(self, cycles: int) -> None:
        """Nothing comes, whatever the parameters."""
        for _ in range(cycles):
            self.changing.change()
            await self._cycle(False, self.sink.ready(), True)

    async def _cycle(self, offered: bool, ready: bool, timed: bool) -> bool:
        """A cycle; returns whether a batch was started in it."""
        cycle = self.device.cycle
        self.device.drive(start_valid=int(offered), **{f"{self.output}_ready": int(ready)})
        self.device.drive(**self.changing.ports(), **self.inputs())
        await self.device.settle()
        valid = self.device.read(f"{self.output}_valid")
        if timed:
            due = bool(self.due) and self.due[0] == cycle
            assert valid == due, f"valid is {valid} in cycle {cycle}, expected {int(due)}"
        beat = self.sink.observe(valid, int(ready), self.read)
        if beat is not None:
            self.taken(beat)
            if timed:
                self.due.popleft()
                self.timed += 1
        started = offered and bool(self.device.read("start_ready"))
        if offered and timed:
            assert started == (cycle > self.waits_until), f"start_ready is {int(started)} in cycle {cycle}"
        if started:
            beats = self.expected_batch()
            self.expected.extend(beats)
            if timed:
                begins = max(cycle, self.free_from)
                self.due.extend(range(begins + self.latency, begins + self.latency + len(beats)))
                self.free_from = begins + len(beats)
                self.waits_until = begins if begins > cycle else -1
        await self.device.tick()
        return started

    async def load(self) -> None:
        """Some parts of the state of the stream, or all of them 0: the last one is refused."""
        chance = self.chance
        zeros = chance.random() < 0.3
        self.device.drive(**self.inputs())
        await self.device.tick()
        words = chance.sample(range(4), 4 if zeros else chance.randint(1, 4))
        for word in words:
            value = 0 if zeros else chance.getrandbits(VALUE_WIDTH)
            self.device.drive(load_valid=1, load_word=word, load_value=value, **self.inputs())
            await self.device.tick()
            for cycle in range(1 if word == words[-1] else 2):  # a start may come sooner than a load
                self.device.drive(load_valid=0, **self.inputs())
                await self.device.settle()
                due = cycle == 0 and not self.changing.load(word, value)
                refused = self.device.read("load_zero")
                assert refused == due, f"load_zero is {refused} after {value} for {word}"
                await self.device.tick()

    async def _reset(self) -> None:
        cover("reset.in_flight", "query_generator")
        self.device.drive(start_valid=0)
        await self.device.reset(self.chance.randint(1, 3))
        self.changing.reset()
        self.restart()
        await self._cycle(False, True, False)

    async def run(self, episodes: int) -> None:
        """Everything, at random."""
        for index in range(episodes):
            self.changing.new_rows()
            self.changing.change()
            if index % 4 == 3:
                await self.load()
            await self.episode(self.chance.randint(1, 3), hurry=index % 2 == 0)
            await self.idle(self.chance.choice((0, 0, 1, 5, 12)))
            if index % 5 == 4:
                last = self.latency + self.config.groups
                await self.episode(3, hurry=self.chance.random() < 0.5, stop_after=self.chance.randint(1, last))
        await self.idle(10 + self.latency)
        assert self.compared > 0, "no beat was compared"
        assert self.timed > 0 or self.config.variants == ("k",), "the cycle of no beat was checked"
