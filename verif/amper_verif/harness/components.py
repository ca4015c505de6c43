"""Every component with the bench that verifies it: what tests build, simulate and measure.

A component is imported by the function that makes its unit, so that one that is broken breaks its own tests only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from amaranth.lib import wiring

from amper import AmperConfig
from amper.operations.vocabulary import Operation, encoded
from amper_hw.base.latency import urng_cycles
from amper_hw.output.verilog import to_verilog
from amper_verif.harness.simulation import run_bench


@dataclass(frozen=True)
class Unit:
    """A component under test.

    Parameters
    ----------
    bench : its module, below ``amper_verif.benches``. build : makes the component, or the Verilog of something around
    one, whose top module has the name ``top``. parameters : of the bench.
    mutate : changes the Verilog before it is simulated.
    """

    bench: str
    build: Callable[[], wiring.Component[Any] | str]
    parameters: dict[str, Any]
    mutate: Callable[[str], str] | None = None

    @property
    def top(self) -> str:
        """Name of the Verilog module."""
        return f"amper_{self.bench.rpartition('.')[2]}"

    def verilog(self) -> str:
        built = self.build()
        verilog = built if isinstance(built, str) else to_verilog(built, self.top)
        return self.mutate(verilog) if self.mutate else verilog

    def simulate(self, *, simulator: str, folder: Path, seed: int = 1) -> dict[str, Any]:
        """Build and run; returns the bench's report, raises SimulationError when the bench fails."""
        return run_bench(
            verilog=self.verilog(),
            top=self.top,
            bench=self.bench,
            parameters={"seed": seed} | self.parameters,
            simulator=simulator,
            folder=folder,
            seed=seed,
        )


def match_line(*, rows: int, priority_width: int, range_match: bool = False, trials: int = 200) -> Unit:
    from amper_hw.array.match_line import MatchLines

    sizes: dict[str, Any] = {"rows": rows, "priority_width": priority_width, "range_match": range_match}
    return Unit("array.match_line", lambda: MatchLines(**sizes), sizes | {"trials": trials})


def multiplier(*, a_width: int, b_width: int, stages: int = 2, blocks: bool = False, cycles: int = 1000) -> Unit:
    from amper_hw.parts.multiplier import PipelinedMultiplier

    sizes: dict[str, Any] = {"a_width": a_width, "b_width": b_width, "stages": stages, "blocks": blocks}
    return Unit("parts.multiplier", lambda: PipelinedMultiplier(**sizes), sizes | {"cycles": cycles})


def rank_select(*, width: int, tag_width: int, stages: int = 4, blocks: bool = False, cycles: int = 1000) -> Unit:
    from amper_hw.parts.rank_select import BitSelect

    sizes: dict[str, Any] = {"width": width, "tag_width": tag_width, "stages": stages, "blocks": blocks}
    return Unit("parts.rank_select", lambda: BitSelect(**sizes), sizes | {"cycles": cycles})


def urng(config: AmperConfig, *, stream: int, words: int, high_width: int, low_width: int, cycles: int = 1000) -> Unit:
    """``stream``: 0 for the state of the query stream, 1 for that of the draw stream."""
    from amper_hw.parts.urng import Urng

    s0, s1 = config.stream_states[stream]
    settings = {"s0": s0, "s1": s1, "words": words, "high_width": high_width, "low_width": low_width}
    settings["stages"] = urng_cycles(config)
    return Unit("parts.urng", lambda: Urng(**settings), settings | {"cycles": cycles})


def draw_urng(config: AmperConfig) -> Unit:
    """The generator as the draw unit uses it."""
    from amper_hw.draw.beats import draw_word_width

    return urng(config, stream=1, words=config.draw_ports, high_width=draw_word_width(config), low_width=0)


def bank(config: AmperConfig, *, rounds: int = 60) -> Unit:
    """A bank of all of the configuration's rows, which must fit into one."""
    from amper_hw.array.bank import Bank

    parameters = {"config": config.to_dict(), "rows": config.rows, "rounds": rounds}
    return Unit("array.bank", lambda: Bank(config, rows=config.rows), parameters)


def row_array(config: AmperConfig, *, rounds: int = 60) -> Unit:
    from amper_hw.array.tree import whole_array

    parameters = {"config": config.to_dict(), "rows": config.rows, "rounds": rounds}
    return Unit("array.row_array", lambda: whole_array(config).build(), parameters)


def query_generator(config: AmperConfig, *, batches: int = 30) -> Unit:
    from amper_hw.query.generator import QueryGenerator

    return Unit(
        "query.query_generator", lambda: QueryGenerator(config), {"config": config.to_dict(), "batches": batches}
    )


def representative(config: AmperConfig, *, batches: int = 40) -> Unit:
    from amper_hw.query.representative import Representatives

    return Unit(
        "query.representative", lambda: Representatives(config), {"config": config.to_dict(), "batches": batches}
    )


def radius(config: AmperConfig, *, points: int = 1500) -> Unit:
    """A configuration with an fr variant built in."""
    from amper_hw.query.radius import RadiusKeys

    return Unit("query.radius", lambda: RadiusKeys(config), {"config": config.to_dict(), "points": points})


def nearest(config: AmperConfig, *, stretches: int = 24) -> Unit:
    """A configuration with variant k built in; ``stretches``: of one to three batches each."""
    from amper_hw.query.nearest import NearestNeighbours

    parameters = {"config": config.to_dict(), "stretches": stretches}
    return Unit("query.nearest", lambda: NearestNeighbours(config), parameters)


def vmax_unit(config: AmperConfig, *, stretches: int = 40, stretch: int = 60) -> Unit:
    """``stretch``: the most cycles with writes before a change of habit."""
    from amper_hw.control.vmax import VmaxUnit

    parameters = {"config": config.to_dict(), "stretches": stretches, "stretch": stretch}
    return Unit("control.vmax_unit", lambda: VmaxUnit(config), parameters)


def parameter_unit(config: AmperConfig, *, transfers: int = 2000) -> Unit:
    from amper_hw.control.parameter_unit import ParameterUnit

    parameters = {"config": config.to_dict(), "transfers": transfers}
    return Unit("control.parameter_unit", lambda: ParameterUnit(config), parameters)


def write_unit(config: AmperConfig, *, cycles: int = 2000) -> Unit:
    from amper_hw.control.write_unit import WriteUnit

    return Unit("control.write_unit", lambda: WriteUnit(config), {"config": config.to_dict(), "cycles": cycles})


def draw_unit(config: AmperConfig, *, batches: int = 80) -> Unit:
    from amper_hw.draw.unit import DrawUnit

    return Unit("draw.draw_unit", lambda: DrawUnit(config), {"config": config.to_dict(), "batches": batches})


def controller(config: AmperConfig, *, batches: int = 120) -> Unit:
    from amper_hw.control.controller import Controller

    return Unit("control.controller", lambda: Controller(config), {"config": config.to_dict(), "batches": batches})


def sampler(config: AmperConfig, *, batches: int = 50) -> Unit:
    """The whole sampler under a random workload."""
    from amper_hw.output.generate import native_sampler

    workload = {"kind": "random", "batches": batches}
    return Unit("sampler.bench", lambda: native_sampler(config), {"config": config.to_dict(), "workload": workload})


def sampler_with_idle_payloads(config: AmperConfig, *, batches: int = 30) -> Unit:
    """The same with unknown payloads where nothing is offered."""
    return replace(sampler(config, batches=batches), bench="sampler.idle_payloads")


def sampler_at_two_clocks(config: AmperConfig, *, core_period: int, batches: int = 50) -> Unit:
    """The sampler at a clock of its own with ``core_period`` ns, its streams at one with 10 ns."""
    from amper_hw.output.generate import TOP, generate
    from amper_hw.packaging.two_clocks import two_clocks

    def build() -> str:
        generated = generate(config, name=TOP)
        return generated.verilog + two_clocks(generated)[f"{TOP}_two_clocks.v"]

    workload = {"kind": "random", "batches": batches}
    parameters = {"config": config.to_dict(), "workload": workload, "core_period": core_period}
    return Unit("sampler.two_clocks", build, parameters)


def directed_sampler(config: AmperConfig, operations: Sequence[Operation]) -> Unit:
    """The whole sampler under these operations."""
    from amper_hw.output.generate import native_sampler

    workload = {"kind": "listed", "operations": encoded(operations)}
    return Unit("sampler.directed", lambda: native_sampler(config), {"config": config.to_dict(), "workload": workload})
