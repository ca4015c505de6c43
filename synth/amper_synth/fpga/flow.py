"""FPGA synthesis, placement and routing of a generated sampler: utilisation, clock, critical path.

Yosys keeps the components apart until look-up tables are chosen, so that registers repeated on purpose are not merged
again. Then it maps them twice: each component alone, for the area by component, and all of them flat, for nextpnr, so
that a path through several components is not cut into tables at each border. nextpnr places and routes once a seed. The
sampler sits in a wrapper with four pins (``fpga_boundary``), so that every path is from register to register.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from statistics import median_low
from typing import Any

from amper import AmperConfig
from amper_hw.base.latency import batch_cycles
from amper_hw.output.generate import TOP, Generated, generate
from amper_synth.fpga.boundary import WRAPPER, boundary
from amper_synth.fpga.components import Hierarchy, critical_path, instances, worst_by_component
from amper_synth.fpga.output_registers import absorb_in_file
from amper_synth.fpga.targets import FPGAS, PINS, Target
from amper_synth.tools.nextpnr import fmax_mhz, read_report, run_tool, tool_version
from amper_synth.tools.resume import once
from amper_verif.harness.modules import modules_of
from amper_verif.harness.yosys import SynthesisError, run_script, yosys_version

SCRIPT = """\
read_verilog {sources}
hierarchy -check -top {top}
setattr -mod -set keep_hierarchy 1 amper*
{synthesis} -top {top} -run begin:map_luts
autoname
design -save apart
{synthesis} -top {top} -run map_luts:
tee -q -o components.json stat -json
design -load apart
setattr -mod -unset keep_hierarchy amper*
flatten -noscopeinfo
clean
{synthesis} -top {top} -run map_luts:
{finish}clean
write_json netlist.json
"""


ARRAY = (
    "amper_bank_",
    "amper_match_lines_",
    "amper_row_storage_",
    "amper_node_",
    "amper_memory_",  # that in LUT RAM, and those of the tree
    "amper_plane_memory_",
    "amper_tree_level_",
    "amper_codes",
)  # what the modules of the row array are called


@dataclass(frozen=True)
class FpgaRun:
    """One placement and routing."""

    seed: int
    fmax_mhz: float
    critical_path: list[dict[str, Any]]  # see fpga_components
    worst: dict[str, dict[str, Any]]  # by component: ns, and the register where that path ends


@dataclass(frozen=True)
class FpgaResult:
    """What a configuration costs on an FPGA; cells by resource, as ``fpga_targets`` names them."""

    config: dict[str, Any]
    target: str
    device: str
    goal_mhz: float  # what placement was told to reach
    cells: dict[str, int]  # of the sampler, without the wrapper, in the netlist that is placed
    # By module, each mapped alone: instances, and cells of one instance without what it instantiates.
    components: dict[str, dict[str, int]]
    utilisation: dict[str, dict[str, int]]  # nextpnr's: used and available, with the wrapper
    runs: list[FpgaRun]
    batch_cycles: int
    versions: dict[str, str]

    @property
    def median(self) -> FpgaRun:
        """The run with the median clock; of an even number, the slower of the two in the middle."""
        middle = median_low(run.fmax_mhz for run in self.runs)
        return next(run for run in self.runs if run.fmax_mhz == middle)

    @property
    def luts_per_row(self) -> float:
        """All look-up tables of the sampler, those that its small memories take among them, by its rows."""
        return FPGAS[self.target].luts(self.cells) / int(self.config["rows"])

    @property
    def array_luts_per_row(self) -> float:
        """Those of the row array alone, which are all that grow with the rows."""
        array = [entry for name, entry in self.components.items() if name.startswith(ARRAY)]
        target = FPGAS[self.target]
        return sum(target.luts(entry) * entry["instances"] for entry in array) / int(self.config["rows"])

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        clocks = [run.fmax_mhz for run in self.runs]
        summary = {
            "date": date.today().isoformat(),
            "fmax_mhz": {"median": self.median.fmax_mhz, "lowest": min(clocks), "highest": max(clocks)},
            "batch_ns": round(self.batch_cycles * 1000 / self.median.fmax_mhz, 1),
            "luts_per_row": round(self.luts_per_row, 2),
            "array_luts_per_row": round(self.array_luts_per_row, 2),
        }
        return summary | asdict(self)


def synthesise(
    config: AmperConfig,
    target: str,
    *,
    folder: str | Path,
    device: str | None = None,
    seeds: Sequence[int] = (1, 2, 3),
    goal_mhz: float = 110.0,
    yosys_options: str = "",
    nextpnr_options: Sequence[str] = (),
    jobs: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> FpgaResult:
    """Generate, synthesise, place and route; ``folder`` keeps the Verilog, the scripts, the logs and the results.

    Parameters
    ----------
    device : one of the target's; None for its first. seeds : of the placements, one each.
    yosys_options, nextpnr_options : added to those of the target. jobs : placements at a time; at n = 1024 each takes
        1.5 GB. progress : told of every step.

    Raises
    ------
    ValueError : an unknown device, or a configuration that the hardware does not have. SynthesisError : see there.
    """
    family, name, path = FPGAS[target], check_device(target, device), Path(folder)
    progress(f"{target}: synthesis")
    versions, tree = _mapped(config, family, name, path, yosys_options)
    versions = {"yosys": versions.pop("yosys"), "nextpnr": tool_version(family.tool)} | versions
    components = component_cells(path / "components.json", family, instances(tree, WRAPPER))
    options = (*family.options, *nextpnr_options)

    def placed(seed: int) -> dict[str, Any]:
        progress(f"{target}: placement and routing, seed {seed}")
        return place_and_route(path, family, name, seed=seed, goal_mhz=goal_mhz, options=options)

    with ThreadPoolExecutor(jobs) as pool:  # each thread waits for a process
        reports = list(pool.map(placed, seeds))
    result = FpgaResult(
        config=config.to_dict(),
        target=target,
        device=name,
        goal_mhz=goal_mhz,
        cells=placed_cells(path / "netlist.json", family, components[WRAPPER]),
        components=components,
        utilisation={kind: use for kind, use in reports[-1]["utilization"].items() if use["used"]},
        runs=[_run(seed, report, tree) for seed, report in zip(seeds, reports, strict=True)],
        batch_cycles=batch_cycles(config),
        versions=versions,
    )
    (path / "result.json").write_text(json.dumps(result.to_dict(), indent=2) + "\n", encoding="utf-8")
    return result


def synthesise_only(
    config: AmperConfig, target: str, *, folder: str | Path, device: str | None = None
) -> tuple[dict[str, int], dict[str, str]]:
    """Generate and map, without placing: the sampler's cells by resource, and the versions of the tools.

    Raises
    ------
    As ``synthesise``.
    """
    family, name, path = FPGAS[target], check_device(target, device), Path(folder)
    versions, tree = _mapped(config, family, name, path)
    components = component_cells(path / "components.json", family, instances(tree, WRAPPER))
    return placed_cells(path / "netlist.json", family, components[WRAPPER]), versions


def _mapped(
    config: AmperConfig, family: Target, device: str, folder: Path, options: str = ""
) -> tuple[dict[str, str], Hierarchy]:
    """Generate and map to ``netlist.json``; returns the versions of the tools, and what is inside what."""
    check_storage(config)
    folder.mkdir(parents=True, exist_ok=True)
    generated, tree = _write_sources(config, family, device, folder)
    more = f"{family.device_synthesis.get(device, '')} {options}".strip()
    map_cells(folder, family, ("amper.v", "boundary.v"), WRAPPER, more)
    return {"yosys": yosys_version(folder)} | generated.description["versions"], tree


def _write_sources(config: AmperConfig, family: Target, device: str, folder: Path) -> tuple[Generated, Hierarchy]:
    """The Verilog of sampler and wrapper, and the wrapper's pins; returns the sampler, and what is inside what."""
    generated = generate(config, name=TOP)
    wrapper = boundary(generated.description["ports"], TOP)
    (folder / "amper.v").write_text(generated.verilog, encoding="utf-8")
    (folder / "boundary.v").write_text(wrapper, encoding="utf-8")
    if device in family.pins:
        pins = "".join(family.pin_line.format(port=port, pin=pin) for port, pin in family.pins[device].items())
        (folder / PINS).write_text(pins, encoding="utf-8")
    parts = {module.name: module.parts for module in modules_of(generated.verilog).values()}
    return generated, parts | {WRAPPER: {"dut": TOP}}


def check_storage(config: AmperConfig) -> None:
    """Raises ValueError for rows in latches: an FPGA makes them of look-up tables, and they gain nothing there."""
    if config.storage != "flip-flops":
        raise ValueError(f"storage must be flip-flops in an FPGA, not {config.storage!r}")


def check_device(target: str, device: str | None) -> str:
    """The device's name, the target's first for None. Raises ValueError for one that the target does not have."""
    devices = FPGAS[target].devices
    if device is not None and device not in devices:
        raise ValueError(f"device must be one of {', '.join(devices)} with {target}, not {device!r}")
    return device or next(iter(devices))


def map_cells(folder: Path, family: Target, sources: Sequence[str], top: str, options: str = "") -> None:
    """Yosys: ``sources`` in ``folder`` to ``netlist.json``, and the cells of every module to ``components.json``.

    A run that was stopped later than this finds its netlist again, if sources, script and version are the same.
    """
    synthesis = f"{family.synthesis} {options}".strip()
    script = SCRIPT.format(sources=" ".join(sources), top=top, synthesis=synthesis, finish=family.finish)

    def step() -> None:
        run_script(folder, "synthesis", script)
        if family.output_registers:
            absorb_in_file(folder / "netlist.json", top)

    once(
        step,
        record=folder / "synthesis.sha256",
        text=yosys_version(folder) + script,
        uses=[folder / source for source in sources],
        makes=[folder / "netlist.json", folder / "components.json"],
    )


def place_and_route(
    folder: Path, family: Target, device: str, *, seed: int, goal_mhz: float, options: Sequence[str]
) -> dict[str, Any]:
    """nextpnr on ``netlist.json``; returns its report. The routed design stays as ``seed<seed>.routed``.

    A seed that was routed before is read again, if netlist, pins, command and version are the same.
    """
    name = f"seed{seed}"
    arguments = [*family.devices[device], "--json", "netlist.json", "--report", f"{name}.json", "--seed", str(seed)]
    arguments += ["--freq", f"{goal_mhz:g}", "--timing-allow-fail", "--detailed-timing-report"]
    chosen = any(option.split("=")[0] == "--placer" for option in options)  # nextpnr takes it only once
    if family.placer and not chosen:
        arguments += ["--placer", family.placer]
    arguments += [family.configuration, f"{name}.routed", *options]
    files = {folder / each.rpartition("=")[2] for each in ("netlist.json", *options)}  # pins are an option's value
    once(
        lambda: run_tool(folder, name, family.tool, arguments),
        record=folder / f"{name}.sha256",
        text=shlex.join([tool_version(family.tool), *arguments]),
        uses=[path for path in files if path.is_file()],
        makes=[folder / f"{name}.json", folder / f"{name}.routed"],
    )
    return read_report(folder / f"{name}.json")


def _run(seed: int, report: dict[str, Any], tree: Hierarchy) -> FpgaRun:
    return FpgaRun(
        seed, fmax_mhz(report), critical_path(report, tree, WRAPPER), worst_by_component(report, tree, WRAPPER)
    )


def component_cells(statistics: Path, family: Target, counts: Counter[str]) -> dict[str, dict[str, int]]:
    """By module: ``instances``, and the cells of one instance by resource. Raises SynthesisError if there are none."""
    modules = _cells_by_module(statistics, family)
    components = {
        name: {"instances": counts[name], **dict(sorted(modules[name].items()))} for name in modules if name in counts
    }
    if not any(len(entry) > 1 for entry in components.values()):
        raise SynthesisError(f"Yosys reported no cells in {statistics}")
    return components


def placed_cells(netlist: Path, family: Target, wrapper: dict[str, int]) -> dict[str, int]:
    """Cells of the flat netlist by resource, those of the wrapper alone left out."""
    cells_of_top = json.loads(netlist.read_text(encoding="utf-8"))["modules"][WRAPPER]["cells"]
    resources = (family.resource(cell["type"]) for cell in cells_of_top.values())
    cells = Counter(resource for resource in resources if resource is not None)
    return {name: count - wrapper.get(name, 0) for name, count in sorted(cells.items())}


def _cells_by_module(statistics: Path, family: Target) -> dict[str, Counter[str]]:
    """What ``stat -json`` counted, by module and resource."""
    modules = json.loads(statistics.read_text(encoding="utf-8"))["modules"]
    found: dict[str, Counter[str]] = {}
    for escaped, module in modules.items():
        cells = found.setdefault(escaped.removeprefix("\\"), Counter())
        for cell_type, entry in module.get("num_cells_by_type", {}).items():
            resource = family.resource(cell_type.removeprefix("\\"))
            if resource is not None:
                cells[resource] += counted(entry)
    return found


def counted(entry: int | dict[str, Any]) -> int:
    """How many cells of a type ``stat -json`` counts: a number, or one among others."""
    return int(entry["count"]) if isinstance(entry, dict) else entry
