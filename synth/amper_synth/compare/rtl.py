"""The RTL's part of ``amper compare``: cycles of a step in simulation, times the period of a flow that ran before."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from amper import AmperConfig
from amper.operations.vocabulary import Operation, Sample, Settle, Write, beats
from amper_hw.base import latency
from amper_spec.declare import declarations, word
from amper_synth.compare.comparison import Entry
from amper_verif.cycle_table import listed_spans

ALONE_STEPS = 16
STEPS = 100  # back to back

Spans = Sequence[Sequence[int]]


@dataclass(frozen=True)
class Cycles:
    """Of a step of ``config.batch`` draws and as many writes; means of what a simulation counted.

    Members
    -------
    batch : from a request to its last result, all else at rest. writes : by which the writes put off the next
        batch; more than a cycle a transfer where two lanes meet in a bank.
    back_to_back : a step of ``STEPS`` without a pause.
    """

    batch: float
    writes: float
    back_to_back: float

    @property
    def alone(self) -> float:
        """A batch, then its writes."""
        return self.batch + self.writes


@dataclass(frozen=True)
class Period:
    """Of the clock: of what, nanoseconds, and who says so."""

    name: str
    ns: float
    method: str


def check_comparable(config: AmperConfig) -> None:
    """ValueError unless the sampler's own streams can be counted at."""
    if config.bus != "native":
        raise ValueError(f"bus must be native, whose cycles are counted, not {config.bus}")
    if config.rows < 2:
        raise ValueError(f"rows must be at least 2, one of which keeps the maximum, not {config.rows}")


def step_operations(config: AmperConfig) -> list[Operation]:
    """Steps with rests between, first without writes and then with, and ``STEPS`` without a rest.

    Codes and rows are uniform; the last row keeps the largest code.
    """
    chance = random.Random(1)

    def code() -> int:
        return chance.randrange(config.priority_max)

    def updates() -> list[Operation]:
        return beats(config, [Write(chance.randrange(config.rows - 1), code()) for _ in range(config.batch)])

    sample = Sample(config.batch)
    fill = [Write(row, code()) for row in range(config.rows - 1)]
    operations = beats(config, [*fill, Write(config.rows - 1, config.priority_max)])
    operations += [Settle(), sample]
    operations += [Settle(), sample] * ALONE_STEPS
    for _ in range(ALONE_STEPS):
        operations += [Settle(), *updates(), sample]
    operations.append(Settle())
    for _ in range(STEPS):
        operations += [*updates(), sample]
    return [*operations, Settle()]


def measure_cycles(config: AmperConfig, *, simulator: str = "verilator", folder: str | Path) -> Cycles:
    """Simulate ``step_operations``, every result compared with the golden model.

    Raises
    ------
    ValueError : see ``check_comparable``. SimulationError : no simulator; the device hung or differed.
    """
    check_comparable(config)
    return cycles_of(listed_spans(config, step_operations(config), simulator=simulator, folder=folder))


def cycles_of(spans: Spans) -> Cycles:
    """Of the (batch, cycle of the request, of the last result) that ``step_operations`` leaves."""
    resting, writing, many = spans[: ALONE_STEPS + 1], spans[ALONE_STEPS : 2 * ALONE_STEPS + 1], spans[-STEPS:]
    return Cycles(
        batch=fmean(end - start for _, start, end in resting),
        writes=_step(writing) - _step(resting),  # the rests between are as long in both
        back_to_back=_step(many),
    )


def _step(spans: Spans) -> float:
    """Cycles from a last result to the next one."""
    return (spans[-1][2] - spans[0][2]) / (len(spans) - 1)


def read_period(path: str | Path, config: AmperConfig) -> Period:
    """The period in the ``asic.json`` or ``fpga.json`` of ``amper synth``.

    Raises
    ------
    OSError : the file cannot be read. ValueError : it is something else, or of another configuration or RTL.
    """
    try:
        result = json.loads(Path(path).read_text(encoding="utf-8"))
        made_for = AmperConfig.from_dict(result["config"])
        period = period_of(result)
        cycles = int(result["batch_cycles"])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ValueError(
            f"timing must be an asic.json or fpga.json of amper synth, and {path} is none: {error}"
        ) from error
    check_same(str(path), made_for, config)
    if cycles != (now := latency.batch_cycles(config)):
        raise ValueError(
            f"timing must be of this RTL, whose batch takes {now} cycles, and {path} is of one that takes {cycles}: "
            f"run amper synth again"
        )
    return period


def period_of(result: dict[str, Any]) -> Period:
    """Of what a file holds; KeyError or TypeError if that is something else."""
    if "library" in result:
        timing = result["timing"]
        return Period(result["library"]["names"][0], float(timing["period_ns"]), timing["method"])
    method = f"{result['versions']['nextpnr']}, routed, median of {len(result['runs'])} seeds"
    return Period(f"{result['target']} {result['device']}", 1000 / float(result["fmax_mhz"]["median"]), method)


def check_same(path: str, made_for: AmperConfig, config: AmperConfig) -> None:
    """ValueError that names what differs."""
    wanted, found = config.to_dict(), made_for.to_dict()
    hardware = [name for name, each in declarations(AmperConfig).items() if each.changes != "software"]
    names = [name for name in hardware if wanted[name] != found[name]]
    if names:
        differences = "; ".join(f"{name} = {word(found[name])}, not {word(wanted[name])}" for name in names)
        raise ValueError(f"timing must be of the configuration compared, and {path} is of {differences}")


def check_names(periods: Sequence[Period]) -> None:
    """ValueError if two have the same, by which the table tells them apart."""
    names = [period.name for period in periods]
    for name in names:
        if (count := names.count(name)) > 1:
            raise ValueError(f"timing must name a library or device once, and {name} is there {count} times")


def rtl_entries(cycles: Cycles, periods: Sequence[Period]) -> list[Entry]:
    """Both paces with each period; without one, cycles alone."""
    if not periods:
        reason = "no period: give --timing or --liberty"
        alone = Entry(name="RTL", part="rtl", figure="estimated", ours=True, cycles=cycles.alone, reason=reason)
        return [alone, replace(alone, pace="back to back", cycles=cycles.back_to_back)]
    return [entry for period in periods for entry in _timed(cycles, period)]


def _timed(cycles: Cycles, period: Period) -> list[Entry]:
    alone = Entry(
        name=f"RTL, {period.name}",
        part="rtl",
        figure="estimated",
        ours=True,
        ns=cycles.alone * period.ns,
        sample_ns=cycles.batch * period.ns,
        update_ns=cycles.writes * period.ns,
        cycles=cycles.alone,
        where=period.name,
        note=f"{period.ns:.4g} ns, {period.method}",
    )
    return [
        alone,
        replace(
            alone,
            pace="back to back",
            ns=cycles.back_to_back * period.ns,
            sample_ns=None,
            update_ns=None,
            cycles=cycles.back_to_back,
        ),
    ]
