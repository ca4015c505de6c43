"""The timing diagrams of docs/hardware/interfaces.md, from simulation: ``python -m amper_verif.timing_diagrams``.

Of each interface a short program runs in Icarus (``amper_verif.benches.ports``); what its ports did is written as
WaveDrom's JSON, and drawn from that as SVG.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from amper import AmperConfig
from amper_hw.output.generate import generate
from amper_verif.harness.simulation import run_bench

SIZES: dict[str, Any] = {
    **{"rows": 8, "bank_rows": 8, "priority_width": 8, "batch": 4, "pipeline": "shallow", "seed": 1},
}


Cycles = list[dict[str, int | None]]  # the ports in each cycle; None: a bit is unknown


class Lane(NamedTuple):
    """A port; ``valid`` names the port that must be 1 for its value to matter, and makes it a bus."""

    port: str
    valid: str | None = None
    base: str = "d"  # of numbers: d decimal, x hexadecimal


class Group(NamedTuple):
    """Lanes whose ports begin alike; the names shown are what follows ``prefix``."""

    prefix: str
    lanes: list[Lane]


def _stream(name: str, *fields: str) -> list[Lane]:
    valid = f"{name}_valid"
    return [Lane(valid), Lane(f"{name}_ready"), *(Lane(f"{name}_{field}", valid) for field in fields)]


def _axi_lite(channel: str, *fields: str, base: str = "d") -> Group:
    prefix = f"s_axil_{channel}"
    valid = f"{prefix}valid"
    lanes = [Lane(valid), Lane(f"{prefix}ready"), *(Lane(f"{prefix}{field}", valid, base) for field in fields)]
    return Group(prefix, lanes)


# By bus, from top to bottom.
GROUPS: dict[str, list[Group]] = {
    "native": [
        Group("write_", _stream("write", "row", "priority")),
        Group("request_", _stream("request", "batch")),
        Group("result_", [*_stream("result", "row", "priority"), Lane("result_last")]),
        Group("", [Lane("busy")]),
    ],
    "axi": [
        *(_axi_lite("aw", "addr", base="x"), _axi_lite("w", "data"), _axi_lite("b", "resp")),
        *(_axi_lite("ar", "addr", base="x"), _axi_lite("r", "data", "resp")),
    ],
    "wishbone": [
        Group(
            "wb_",
            [
                *(Lane("wb_cyc"), Lane("wb_stb"), Lane("wb_stall"), Lane("wb_we", "wb_stb")),
                *(Lane("wb_adr", "wb_stb", "x"), Lane("wb_dat_i", "wb_we")),
            ],
        ),
        Group("wb_", [Lane("wb_ack"), Lane("wb_err"), Lane("wb_dat_o", "wb_ack")]),
    ],
}


def simulated(bus: str, folder: Path) -> Cycles:
    """What the ports of a sampler with ``bus`` did, by cycle; SimulationError where a program fails."""
    config = AmperConfig.from_dict({**SIZES, "bus": bus})
    ports = [lane.port for group in GROUPS[bus] for lane in group.lanes]
    report = run_bench(
        verilog=generate(config).verilog,
        top="amper",
        bench="ports",
        parameters={"config": config.to_dict(), "ports": ports},
        simulator="icarus",
        folder=folder,
    )
    cycles: Cycles = report["cycles"]
    return cycles


def wavedrom(bus: str, cycles: Cycles) -> dict[str, Any]:
    """WaveDrom's description of ``cycles``, a column each."""
    signals: list[Any] = [{"name": "clk", "wave": "p" + "." * (len(cycles) - 1)}]
    for prefix, lanes in GROUPS[bus]:
        drawn = [_signal(lane, lane.port.removeprefix(prefix), cycles) for lane in lanes]
        signals += [{}, [prefix, *drawn]] if prefix else drawn
    return {"signal": signals, "config": {"hscale": 1}, "foot": {"tick": 0}}


def _signal(lane: Lane, name: str, cycles: Cycles) -> dict[str, Any]:
    """Bits as levels; numbers as boxes where they matter, hatched elsewhere."""
    values = [cycle[lane.port] for cycle in cycles]
    if lane.valid is None:
        return {"name": name, "wave": _runs(["x" if value is None else str(value) for value in values])}
    texts = [f"{value:{lane.base}}" if cycle[lane.valid] else None for value, cycle in zip(values, cycles, strict=True)]
    wave = _runs(["x" if text is None else f"={text}" for text in texts])
    shown = [text for before, text in zip([None, *texts], texts, strict=False) if text is not None and text != before]
    return {"name": name, "wave": wave, "data": shown}


def _runs(states: Sequence[str]) -> str:
    """A letter a cycle, a dot where nothing changed."""
    return "".join("." if state == before else state[0] for before, state in zip(["", *states], states, strict=False))


def write(folder: Path, build: Path) -> list[Path]:
    """Simulate, and write ``timing-BUS.json`` and ``timing-BUS.svg`` into ``folder``; returns the files."""
    from wavedrom import render

    written = []
    for bus in GROUPS:
        text = json.dumps(wavedrom(bus, simulated(bus, build)), indent=1) + "\n"
        for suffix, content in ((".json", text), (".svg", render(text).tostring() + "\n")):
            path = folder / f"timing-{bus}{suffix}"
            path.write_text(content, encoding="utf-8")
            written.append(path)
    return written


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the timing diagrams of the documentation, from simulation.")
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/pictures"), help="default docs/pictures")
    parser.add_argument("--build", type=Path, default=Path("build/timing"), help="for builds, default build/timing")
    options = parser.parse_args(arguments)
    for path in write(options.output, options.build):
        print(path)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
