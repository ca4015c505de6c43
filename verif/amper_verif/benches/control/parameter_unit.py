"""Bench of the parameter unit: control transfers of legal and illegal values against parameters.md in Python."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import cocotb

from amper import AmperConfig
from amper_hw.control.parameter_unit import division_cycles
from amper_spec.config import VARIANTS
from amper_spec.parameters import VALUE_WIDTH, Parameter
from amper_verif.benches.support import Device, Gaps
from amper_verif.harness.simulation import bench_parameters, leave_report

STREAM = Parameter.QUERY_STATE_0  # from this number on: words of the random streams
TOP = (1 << VALUE_WIDTH) - 1


class Model:
    """The parameters in force and their rules."""

    def __init__(self, config: AmperConfig) -> None:
        self.config = config
        self.radius_fixed = config.radius_fixed
        self.set = {
            "groups": config.groups,
            "neighbours": config.neighbour_coefficient,
            "variant": VARIANTS.index(config.variant),
            "batch": config.batch,
            "rows": config.rows,
            "enable": 1,
        }

    def values(self) -> dict[str, int]:
        """What the unit shows, quotients included."""
        groups = self.set["groups"]
        only_k = self.config.variants == ("k",)  # nobody needs the radius: it stays as it was after reset
        shift = (groups - 1).bit_length()
        derived = {
            "group_shift": shift,
            "reciprocal": (1 << (self.config.fraction_width + shift)) // groups,
            "radius": self.config.radius_coefficient if only_k else self.radius_fixed // groups,
        }
        return self.set | derived

    def legal(self, parameter: Parameter, value: int, *, empty: bool, zero: bool) -> bool:
        """``zero``: the random stream refuses the word."""
        config = self.config
        if parameter >= STREAM:
            return not zero
        return {
            Parameter.GROUPS: 1 <= value <= config.groups and self.radius_fixed < value << 24,
            Parameter.RADIUS: value < self.set["groups"] << 24 and config.variants != ("k",),
            Parameter.NEIGHBOURS: value < 1 << 24 and "k" in config.variants,
            Parameter.VARIANT: value < len(VARIANTS) and VARIANTS[value % len(VARIANTS)] in config.variants,
            Parameter.BATCH: 1 <= value <= config.batch,
            Parameter.ROWS: 1 <= value <= config.rows and empty,
            Parameter.ENABLE: value <= 1,
            Parameter.CLEAR: value == 1,
        }[parameter]

    def change(self, parameter: Parameter, value: int) -> None:
        if parameter == Parameter.RADIUS:
            self.radius_fixed = value
        elif parameter < Parameter.CLEAR:
            self.set[parameter.name.lower()] = value


class ParameterBench:
    def __init__(self, dut: Any, parameters: dict[str, Any]) -> None:
        self.config = AmperConfig.from_dict(parameters["config"])
        self.device = Device(dut, deadline=500 * parameters["transfers"])
        self.chance = random.Random(parameters["seed"])
        self.gaps = {name: Gaps(self.chance) for name in ("control_valid", "may_change", "draws_idle", "empty")}
        self.changed: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.divisions = 0
        self._restart()

    def _restart(self) -> None:
        self.model = Model(self.config)
        self.offer: tuple[Parameter, int] | None = None  # stays until it is taken
        self.division = 0  # cycles left of it
        self.waiting = self.ready = 0  # what the unit shows in this cycle
        self.strobes = {"refused": 0, "clear": 0}  # due in this cycle
        self.zeros = {"query_zero": 0, "draw_zero": 0}  # the streams' answers in this cycle

    # --- stimulus ----------------------------------------------------------------------------------------------

    def new_offer(self) -> tuple[Parameter, int]:
        parameter = self.chance.choice(list(Parameter))
        model, config = self.model, self.config
        limits = {
            Parameter.GROUPS: (1, model.radius_fixed >> 24, config.groups),
            Parameter.RADIUS: (0, model.set["groups"] << 24, config.groups << 24),
            Parameter.NEIGHBOURS: (0, 1 << 24),
            Parameter.VARIANT: (0, len(VARIANTS) - 1),
            Parameter.BATCH: (1, config.batch),
            Parameter.ROWS: (1, config.rows),
        }.get(parameter, (0, 2))
        limit = self.chance.choice(limits)
        near = min(TOP, max(0, limit + self.chance.randint(-2, 2)))
        within = self.chance.randint(0, max(limits))
        return parameter, self.chance.choice((near, within, within, self.chance.randint(0, TOP)))

    async def cycle(self) -> None:
        drive = {name: int(gap()) for name, gap in self.gaps.items()}
        if self.offer is None and drive["control_valid"]:
            self.offer = self.new_offer()
        drive["control_valid"] = int(self.offer is not None)
        parameter, value = self.offer or self.new_offer()  # without valid they mean nothing
        self.device.drive(control_parameter=parameter, control_value=value, **drive, **self.zeros)
        await self.device.settle()
        self._compare()
        await self._step(parameter, value, drive)

    # --- checks ------------------------------------------------------------------------------------------------

    def _compare(self) -> None:
        """What the changes of earlier cycles lead to in this one."""
        read = self.device.read
        for name, due in self.strobes.items():
            assert read(name) == due, f"{name} is {read(name)}, expected {due}"
        assert read("values_ready") == int(self.division == 0), f"{self.division} cycles of a division are left"
        if self.division == 0:
            for name, wanted in self.model.values().items():
                got = read(f"values_{name}")
                assert got == wanted, f"{name} is {got}, expected {wanted}"

    async def _step(self, parameter: Parameter, value: int, drive: dict[str, int]) -> None:
        """A cycle's transfer, if there is one."""
        read = self.device.read
        shown = read("waiting"), read("control_ready")
        assert shown == (self.waiting, self.ready), f"waiting and ready for {parameter.name} are {shown}"
        taken = bool(self.ready)
        able = drive["may_change"] and self.division == 0 and (parameter < STREAM or drive["draws_idle"])
        self.waiting = int(self.offer is not None and not taken)
        self.ready = int(self.waiting and able)
        stream = None if parameter < STREAM else "draw" if parameter >= Parameter.DRAW_STATE_0 else "query"
        for name in ("query", "draw"):
            loaded = read(f"{name}_load_valid")
            assert loaded == int(taken and stream == name), f"{name}_load_valid is {loaded} with {parameter.name}"
        if taken and stream:
            word = read(f"{stream}_load_word"), read(f"{stream}_load_value")
            assert word == (parameter % 4, value), f"{parameter.name} loads {word}"
        self.division = max(0, self.division - 1)
        self.strobes = dict.fromkeys(self.strobes, 0)
        self.zeros = dict.fromkeys(self.zeros, 0)
        if taken:
            self.offer = None
            refused = stream is not None and self.chance.random() < 0.3
            if refused:
                self.zeros[f"{stream}_zero"] = 1
            self._take(parameter, value, self.model.legal(parameter, value, empty=drive["empty"], zero=refused))
        await self.device.tick()

    def _take(self, parameter: Parameter, value: int, legal: bool) -> None:
        (self.changed if legal else self.refused)[parameter.name] += 1
        self.strobes = {"refused": int(not legal), "clear": int(legal and parameter == Parameter.CLEAR)}
        if legal:
            self.model.change(parameter, value)
            self.division = division_cycles(self.config, parameter)
            self.divisions += self.division > 0

    async def reset(self) -> None:
        self.device.drive(control_valid=0)
        await self.device.reset(self.chance.randint(1, 2))
        self._restart()


@cocotb.test()
async def against_the_rules(dut: Any) -> None:
    parameters = bench_parameters()
    bench = ParameterBench(dut, parameters)
    bench.device.drive(control_valid=0, control_parameter=0, control_value=0, may_change=0, draws_idle=0, empty=0)
    bench.device.drive(query_zero=0, draw_zero=0)
    await bench.device.start()
    next_reset = 10
    while (taken := bench.changed.total() + bench.refused.total()) < parameters["transfers"]:
        await bench.cycle()
        if taken >= next_reset:
            await bench.reset()
            next_reset = taken + bench.chance.randint(1, 200)
    report = {"changed": bench.changed, "refused": bench.refused, "divisions": bench.divisions}
    leave_report(report)
