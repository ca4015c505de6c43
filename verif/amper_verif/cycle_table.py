"""Measured cycles of batches, held against the formula: alone, and back to back."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from amper import AMPER_VARIANTS, AmperConfig, Parameter
from amper.operations.vocabulary import Beat, Control, Operation, Sample, Settle, Write, encoded
from amper.operations.workload import ramp
from amper_hw.base import latency
from amper_hw.output.generate import TOP, generate, versions
from amper_report.tables import table
from amper_verif.harness.simulation import run_bench
from amper_verif.harness.simulators import SimulationError

BATCHES = 100  # back to back

Ports = tuple[int, int]  # P, D


@dataclass(frozen=True)
class Point:
    """What is asked of a sampler that is built: a variant, m and b."""

    variant: str
    groups: int
    batch: int


@dataclass(frozen=True)
class Measurement:
    """Cycles from a batch's request to its last result, and between the ends of batches back to back."""

    config: AmperConfig  # with the variant, m and b that were measured
    one_row: int  # of a batch with |CSP| = 1
    all_rows: int  # of one with |CSP| = n
    steady: float  # per batch, of ``BATCHES`` of them with |CSP| = n

    @property
    def bound(self) -> int:
        """ceil(m / P) + ceil(b / D): no batch alone can take fewer cycles, with any constant."""
        return -(-self.config.groups // self.config.search_ports) + -(-self.config.batch // self.config.draw_ports)

    @property
    def formula(self) -> int:
        """What a batch alone must take."""
        return latency.batch_cycles(self.config)

    @property
    def agrees(self) -> bool:
        """Whether it does, whatever |CSP| is."""
        return self.one_row == self.all_rows == self.formula


def built_config(
    rows: int,
    ports: Ports,
    pipeline: str,
    points: Sequence[Point],
    *,
    variants: Sequence[str] = AMPER_VARIANTS,
    base: Mapping[str, Any] | None = None,
) -> AmperConfig:
    """A sampler that can do all ``points``, else as ``base`` says; ValueError for one that is not legal."""
    for point in points:
        AmperConfig(rows=rows, groups=point.groups, batch=point.batch)
    return AmperConfig.from_dict(
        {
            **(base or {}),
            "rows": rows,
            "groups": max(point.groups for point in points),
            "batch": max(point.batch for point in points),
            "variant": variants[0],
            "variants": tuple(variants),
            "search_ports": ports[0],
            "draw_ports": ports[1],
            "pipeline": pipeline,
            "seed": 1,
        }
    )


def operations(config: AmperConfig, point: Point) -> list[Operation]:
    """A batch with |CSP| = 1, one with |CSP| = n, and ``BATCHES`` more without a pause."""
    sample = Sample(point.batch)
    scale = 15 << 20  # so wide that the last group's search matches every row
    settings = [
        (Parameter.CLEAR, 1),
        (Parameter.RADIUS, 0),  # so that no m is refused
        (Parameter.GROUPS, point.groups),
        (Parameter.RADIUS, scale * point.groups),
        (Parameter.NEIGHBOURS, scale),
        (Parameter.VARIANT, AMPER_VARIANTS.index(point.variant)),
    ]
    built_in = {Parameter.NEIGHBOURS: "k" in config.variants, Parameter.RADIUS: config.variants != ("k",)}
    return [
        *(Control(name, value) for name, value in settings if built_in.get(name, True)),
        Beat((Write(config.rows - 1, config.priority_max),)),
        *(Settle(), sample, Settle()),
        *ramp(config),
        *(Settle(), sample, Settle()),
        *[sample] * BATCHES,
        Settle(),
    ]


def listed_spans(
    config: AmperConfig, operations: Sequence[Operation], *, simulator: str, folder: str | Path
) -> list[list[int]]:
    """(batch, cycle of its request, of its last result) of every batch among ``operations``, all results compared.

    Raises
    ------
    SimulationError : no simulator, or the device hung or differed from the golden model.
    """
    report = run_bench(
        verilog=generate(config, name=TOP).verilog,
        top=TOP,
        bench="sampler.bench",
        parameters={
            "config": config.to_dict(),
            "seed": 1,
            "workload": {"kind": "listed", "operations": encoded(operations)},
        },
        simulator=simulator,
        folder=Path(folder),
    )
    if report["mismatches"]:
        raise SimulationError(report["first_mismatch"])
    spans: list[list[int]] = report["spans"]
    return spans


def measure(
    config: AmperConfig, points: Sequence[Point], *, simulator: str = "verilator", folder: str | Path = "build/cycles"
) -> list[Measurement]:
    """The cycles of ``points``, every result compared with the golden model.

    Raises
    ------
    SimulationError : no simulator, or the device hung or differed from the golden model.
    """
    listed = list(itertools.chain.from_iterable(operations(config, point) for point in points))
    spans = iter(listed_spans(config, listed, simulator=simulator, folder=folder))
    measurements = []
    for point in points:
        (one_row, all_rows), many = ([next(spans) for _ in range(count)] for count in (2, BATCHES))
        measurements.append(
            Measurement(
                AmperConfig.from_dict(config.to_dict() | asdict(point)),
                one_row=one_row[2] - one_row[1],
                all_rows=all_rows[2] - all_rows[1],
                steady=(many[-1][2] - many[0][2]) / (BATCHES - 1),
            )
        )
    return measurements


def sweep(
    *,
    rows: Sequence[int],
    ports: Sequence[Ports],
    pipelines: Sequence[str],
    points: Sequence[Point],
    base: Mapping[str, Any] | None = None,
    simulator: str = "verilator",
    folder: str | Path = "build/cycles",
    say: Callable[[str], None] = print,
) -> list[Measurement]:
    """Every combination; a sampler, else as ``base`` says, is built for each of rows, ports (P, D) and pipelines."""
    measurements = []
    for one_rows, one_ports, pipeline in itertools.product(rows, ports, pipelines):
        variants = [variant for variant in AMPER_VARIANTS if variant in {point.variant for point in points}]
        config = built_config(one_rows, one_ports, pipeline, points, variants=variants, base=base)
        found = measure(config, points, simulator=simulator, folder=folder)
        agreeing = sum(one.agrees for one in found)
        shape = f"n = {one_rows}, P = {one_ports[0]}, D = {one_ports[1]}, {pipeline}"
        say(f"{shape}: {agreeing} of {len(found)} points as by the formula")
        measurements += found
    return measurements


_COLUMNS = (
    *("n", "pipeline", "P", "D", "variant", "m", "b"),
    *("alone, \\|CSP\\| = 1", "alone, \\|CSP\\| = n", "formula", "ceil(m/P) + ceil(b/D)", "c", "back to back"),
)
_PAGE = """\
# Cycles, measured

Written by

```sh
{command}
```

with {versions}.
The Verilog was simulated and every result compared with the golden model. {sizes}, 8 children a
node.

- **alone**: from the edge that takes the request to the edge that takes the last result, Vmax settled and without
  back-pressure; once with |CSP| = 1 and once with |CSP| = n.
- **formula**: ceil(m / P) + ceil(b / D) + c, with c of `amper_hw.base.latency`; of k, the bisection in place of m / P.
- **back to back**: cycles per batch of {batches} requests offered at once: the next batch searches while the present
  one draws.

"""


def page(measurements: Sequence[Measurement], *, command: str, simulator: str) -> str:
    """The table as Markdown; variants that take the same cycles share a line."""
    with_versions = {**versions(), simulator: version(simulator)} if simulator == "verilator" else versions()
    first = measurements[0].config
    text = _PAGE.format(
        command=" \\\n    ".join(textwrap.wrap(command, 114, break_long_words=False, break_on_hyphens=False)),
        versions=", ".join(f"{name} {number}" for name, number in with_versions.items()),
        batches=BATCHES,
        sizes=f"W = {first.write_ports}, Q = {first.priority_width}, banks of {first.bank_rows} rows",
    )
    lines: dict[tuple[tuple[object, ...], tuple[object, ...]], list[str]] = {}
    for one in measurements:
        config = one.config
        size: tuple[object, ...] = (config.rows, config.pipeline, config.search_ports, config.draw_ports)
        constant = "" if config.variant == "k" else one.formula - one.bound
        cycles: tuple[object, ...] = (one.one_row, one.all_rows, one.formula, one.bound, constant, f"{one.steady:.1f}")
        lines.setdefault((size, (config.groups, config.batch, *cycles)), []).append(config.variant)
    rows = ([*size, ", ".join(variants), *cycles] for (size, cycles), variants in lines.items())
    return f"{text}{table(_COLUMNS, rows)}\n"
