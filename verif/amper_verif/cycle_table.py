"""Measured cycles of batches, held against the formula: alone, and back to back."""

from __future__ import annotations

import itertools
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from amper import VARIANTS, AmperConfig, Parameter
from amper.operations.vocabulary import Control, Operation, Sample, Settle, Write, beats, encoded
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
    """What is asked of a sampler that is built: a variant, m (which exact does not have) and b."""

    variant: str
    groups: int
    batch: int


@dataclass(frozen=True)
class Measurement:
    """Cycles from a batch's request to its last result, and between the ends of batches back to back."""

    config: AmperConfig  # with the variant, m and b that were measured
    one_row: int  # of a batch drawn from one row: |CSP| = 1, or the only valid one
    all_rows: int  # of one drawn from all rows
    steady: float  # per batch, of ``BATCHES`` of them from all rows

    @property
    def bound(self) -> int:
        """ceil(m / P) + ceil(b / D), of exact ceil(b / D): no batch alone can take fewer cycles, with any constant."""
        draws = -(-self.config.batch // self.config.draw_ports)
        return draws if self.config.variant == "exact" else draws - (-self.config.groups // self.config.search_ports)

    @property
    def formula(self) -> int:
        """What a batch alone must take."""
        return latency.batch_cycles(self.config)

    @property
    def agrees(self) -> bool:
        """Whether it does, from however many rows it draws."""
        return self.one_row == self.all_rows == self.formula


def built_config(
    rows: int,
    ports: Ports,
    pipeline: str,
    points: Sequence[Point],
    *,
    variants: Sequence[str],
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
            "draws": "stratified" if "exact" in variants and ports[1] > 1 else "independent",
            "seed": 1,
        }
    )


def operations(config: AmperConfig, point: Point) -> list[Operation]:
    """A batch from one row, one from all rows, and ``BATCHES`` more without a pause."""
    if point.variant == "exact":
        return _operations(config, point, [], 1 << config.priority_width - 1)
    scale = 15 << 20  # so wide that the last group's search matches every row
    settings = [
        (Parameter.RADIUS, 0),  # so that no m is refused
        (Parameter.GROUPS, point.groups),
        (Parameter.RADIUS, scale * point.groups),
        (Parameter.NEIGHBOURS, scale),
        (Parameter.VARIANT, VARIANTS.index(point.variant)),
    ]
    built_in = {Parameter.NEIGHBOURS: "k" in config.variants, Parameter.RADIUS: config.variants != ("k",)}
    changes = [Control(name, value) for name, value in settings if built_in.get(name, True)]
    return _operations(config, point, changes, config.priority_max)


def _operations(config: AmperConfig, point: Point, changes: list[Control], code: int) -> list[Operation]:
    """``code`` : of the rows of single batches; of exact one plane, so that its lanes need one, too."""
    sample = Sample(point.batch)
    single = [Write(row, code) for row in range(config.rows)]
    of_all = beats(config, single) if point.variant == "exact" else ramp(config)
    return [
        *(Control(Parameter.CLEAR, 1), *changes),
        *beats(config, single[-1:]),
        *(Settle(), sample, Settle()),
        *of_all,
        *(Settle(), sample, Settle()),
        *(ramp(config) if of_all != ramp(config) else ()),
        *(Settle(), *[sample] * BATCHES, Settle()),
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
    """Every combination; a sampler, else as ``base`` says, is built for each of rows, ports (P, D) and pipelines.

    Raises
    ------
    ValueError : one of them is not legal; then nothing is measured. SimulationError : as of ``measure``.
    """
    # exact alone: beside the others it would share, and so change, their cycles.
    apart = [[point for point in points if (point.variant == "exact") == exact] for exact in (True, False)]
    shapes = list(itertools.product(rows, ports, pipelines))

    def built(shape: tuple[int, Ports, str], group: Sequence[Point]) -> AmperConfig:
        variants = [variant for variant in VARIANTS if variant in {point.variant for point in group}]
        return built_config(*shape, group, variants=variants, base=base)

    samplers = [[(built(shape, group), group) for group in apart if group] for shape in shapes]
    measurements = []
    for (one_rows, one_ports, pipeline), asked in zip(shapes, samplers, strict=True):
        found: list[Measurement] = []
        for config, group in asked:
            found += measure(config, group, simulator=simulator, folder=folder)
        agreeing = sum(one.agrees for one in found)
        shown = f"n = {one_rows}, P = {one_ports[0]}, D = {one_ports[1]}, {pipeline}"
        say(f"{shown}: {agreeing} of {len(found)} points as by the formula")
        measurements += found
    return measurements


_COLUMNS = (
    *("n", "organisation", "pipeline", "P", "D", "variant", "m", "b"),
    *("alone, 1 row", "alone, n rows", "formula", "bound", "c", "back to back"),
)
_PAGE = """\
# Cycles, measured

Written by

```sh
{command}
```

with {versions}.
The Verilog was simulated and every result compared with the golden model. {sizes}.
{kept}.

- **alone**: from the edge that takes the request to the edge that takes the last result, Vmax or census settled and
  without back-pressure; once with |CSP|, of exact the valid rows, 1, and once n.
- **bound**: ceil(m / P) + ceil(b / D); of exact, which does not search, ceil(b / D).
- **formula**: the bound + c, with c of `amper_hw.base.latency`; of k, the bisection in place of m / P. Of exact with
  D > 1 it holds for draws in one plane, which these rows have; a beat takes a cycle for each plane that it is in.
- **back to back**: cycles per batch of {batches} requests offered at once, over a ramp of priorities: the next batch
  searches while the present one draws. Exact draws stratified where D > 1.

"""


def page(measurements: Sequence[Measurement], *, command: str, simulator: str) -> str:
    """The table as Markdown; variants that take the same cycles share a line."""
    with_versions = {**versions(), simulator: version(simulator)} if simulator == "verilator" else versions()
    first = measurements[0].config
    text = _PAGE.format(
        command=" \\\n    ".join(textwrap.wrap(command, 114, break_long_words=False, break_on_hyphens=False)),
        versions=", ".join(f"{name} {number}" for name, number in with_versions.items()),
        batches=BATCHES,
        sizes=f"W = {first.write_ports}, Q = {first.priority_width}",
        kept=f"Of organisation parallel: banks of {first.bank_rows} rows, 8 children a node",
    )
    lines: dict[tuple[tuple[object, ...], tuple[object, ...]], list[str]] = {}
    for one in measurements:
        config = one.config
        exact = config.variant == "exact"
        ports = ("" if exact else config.search_ports, config.draw_ports)
        size: tuple[object, ...] = (config.rows, config.organisation, config.pipeline, *ports)
        constant = "" if config.variant == "k" else one.formula - one.bound
        cycles: tuple[object, ...] = (one.one_row, one.all_rows, one.formula, one.bound, constant, f"{one.steady:.1f}")
        lines.setdefault((size, ("" if exact else config.groups, config.batch, *cycles)), []).append(config.variant)
    rows = ([*size, ", ".join(variants), *cycles] for (size, cycles), variants in lines.items())
    return f"{text}{table(_COLUMNS, rows)}\n"
