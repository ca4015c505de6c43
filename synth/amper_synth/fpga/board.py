"""From a configuration to the bitstream of a board: sampler with Wishbone, host link, top, pins."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from amper import AmperConfig
from amper_hw.boards.host_link import HostLink
from amper_hw.output.generate import TOP, Generated, generate
from amper_hw.output.verilog import to_verilog
from amper_synth.fpga.flow import map_cells, place_and_route
from amper_synth.fpga.targets import FPGAS
from amper_synth.tools.nextpnr import fmax_mhz, run_tool, tool_version
from amper_verif.harness.yosys import SynthesisError, yosys_version

FILES = Path(__file__).parent / "boards"
HOST_LINK = "amper_host_link"


@dataclass(frozen=True)
class Board:
    """A board; its files are ``boards/<name>.v``, with the module ``amper_<name>``, and ``boards/<name>.lpf``."""

    name: str
    target: str
    device: str
    clock_mhz: float
    baud: int  # of the host link; a divisor of the clock

    @property
    def clocks_per_bit(self) -> int:
        """Of the host link."""
        return round(self.clock_mhz * 1e6 / self.baud)

    @property
    def pins(self) -> Path:
        """The file of pins and clock."""
        return FILES / f"{self.name}.lpf"


BOARDS = {"ulx3s": Board(name="ulx3s", target="ecp5", device="85k", clock_mhz=25.0, baud=1_000_000)}


@dataclass(frozen=True)
class BoardResult:
    """A bitstream."""

    board: str
    config: dict[str, object]
    bitstream: str  # path
    clock_mhz: float
    fmax_mhz: float
    utilisation: dict[str, dict[str, int]]
    versions: dict[str, str]


def board_config(config: AmperConfig) -> AmperConfig:
    """The configuration with the bus that the boards have. Raises ValueError for one that asks for another."""
    if config.bus not in ("native", "wishbone"):
        raise ValueError(f"bus must be wishbone (or left out) on a board, not {config.bus!r}")
    return config.changed(bus="wishbone")


def write_sources(config: AmperConfig, board: Board, folder: Path) -> tuple[Generated, tuple[str, ...]]:
    """Write the Verilog and pins of a board; returns the sampler and the names of the Verilog files."""
    generated = generate(board_config(config), name=TOP)
    generated.save(folder)
    link = to_verilog(HostLink(clocks_per_bit=board.clocks_per_bit), HOST_LINK)
    (folder / "host_link.v").write_text(link, encoding="utf-8")
    top = (FILES / f"{board.name}.v").read_text(encoding="utf-8")
    (folder / f"{board.name}.v").write_text(top, encoding="utf-8")
    (folder / board.pins.name).write_text(board.pins.read_text(encoding="utf-8"), encoding="utf-8")
    return generated, ("amper.v", "host_link.v", f"{board.name}.v")


def build(
    config: AmperConfig,
    board: Board,
    *,
    folder: str | Path,
    seed: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> BoardResult:
    """Synthesise, place, route and pack; ``folder`` keeps everything, the bitstream as ``amper_<board>.bit``.

    Raises
    ------
    ValueError : a bus that boards do not have, or a configuration that the hardware does not have.
    SynthesisError : see there; also when the routed design is too slow for the board's clock.
    """
    path = Path(folder)
    config = board_config(config)
    path.mkdir(parents=True, exist_ok=True)
    family = FPGAS[board.target]
    versions = {"yosys": yosys_version(path), "nextpnr": tool_version(family.tool)}
    generated, sources = write_sources(config, board, path)
    progress(f"{board.name}: synthesis")
    map_cells(path, family, sources, f"amper_{board.name}")
    progress(f"{board.name}: placement and routing")
    options = ("--lpf", board.pins.name)
    report = place_and_route(path, family, board.device, seed=seed, goal_mhz=board.clock_mhz, options=options)
    fmax = fmax_mhz(report)
    if fmax < board.clock_mhz:
        raise SynthesisError(f"the design reaches {fmax} MHz, and the clock of {board.name} is {board.clock_mhz} MHz")
    progress(f"{board.name}: bitstream")
    bitstream = f"amper_{board.name}.bit"
    run_tool(path, "bitstream", "ecppack", ["--compress", "--input", f"seed{seed}.routed", "--bit", bitstream])
    result = BoardResult(
        board=board.name,
        config=config.to_dict(),
        bitstream=str(path / bitstream),
        clock_mhz=board.clock_mhz,
        fmax_mhz=fmax,
        utilisation={kind: use for kind, use in report["utilization"].items() if use["used"]},
        versions=versions | generated.description["versions"],
    )
    (path / "result.json").write_text(json.dumps(asdict(result), indent=2) + "\n", encoding="utf-8")
    return result
