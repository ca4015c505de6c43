"""A LiteX SoC in LiteX's own simulation: its CPU draws a batch and compares it with the golden model's.

CPU (PicoRV32), ROM, RAM, serial port and interconnect are LiteX's; the sampler comes with the module that `amper
generate` writes; the program in the ROM is main.c with the C driver. Page: docs/hardware/integration.md, "LiteX".

    python examples/litex/soc.py --build build/litex
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
from pathlib import Path

from litex.build.generic_platform import Pins, Subsignal
from litex.build.io import CRG
from litex.build.sim import SimPlatform
from litex.build.sim.config import SimConfig
from litex.soc.integration.common import get_mem_data
from litex.soc.integration.export import get_csr_header, get_mem_header
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCCore

from amper import AmperConfig, GoldenModel
from amper_hw.output.constraints import save_constraints
from amper_hw.output.generate import generate
from amper_verif.harness.simulators import simulator_environment

HERE = Path(__file__).parent
CLOCK_HZ = 1_000_000
SERIAL = [
    Subsignal(f"{way}_{name}", Pins(bits))
    for way in ("source", "sink")
    for name, bits in (("valid", 1), ("ready", 1), ("data", 8))
]
IO = [("sys_clk", 0, Pins(1)), ("serial", 0, *SERIAL)]
CONFIG = AmperConfig(rows=64, batch=64, bus="wishbone", pipeline="shallow")
GCC = "riscv64-unknown-elf-gcc -march=rv32im -mabi=ilp32 -Os -Wall -Werror -ffreestanding -nostdlib"


class SamplerSoC(SoCCore):
    """PicoRV32 with the sampler whose files lie in ``folder``."""

    def __init__(self, folder: Path) -> None:
        platform = SimPlatform("SIM", IO)
        self.crg = CRG(platform.request("sys_clk"))
        sizes = {"integrated_rom_size": 0x4000, "integrated_sram_size": 0x1000}
        super().__init__(platform, CLOCK_HZ, cpu_type="picorv32", uart_name="sim", **sizes)
        spec = importlib.util.spec_from_file_location("amper_litex", folder / "amper_litex.py")
        spec.loader.exec_module(module := importlib.util.module_from_spec(spec))
        self.amper = module.Amper(platform)
        self.bus.add_slave("amper", self.amper.bus, SoCRegion(origin=0x9000_0000, size=0x1000, cached=False))
        self.irq.add("amper", use_loc_if_exists=True)
        platform.add_debug(self)  # so that the program can end the simulation


def golden_rows(seed: int) -> list[int]:
    """What main.c has to draw."""
    model = GoldenModel(AmperConfig(**CONFIG.given() | {"seed": seed}))
    for row in range(CONFIG.rows):
        model.write(row, 1 + 37 * row)
    return [int(row) for row in model.sample(CONFIG.batch)]


def program(soc: SamplerSoC, folder: Path, seed: int, expected: list[int]) -> list[int]:
    """The words of the ROM: main.c and the driver, compiled for the addresses of ``soc``."""
    (folder / "csr.h").write_text(get_csr_header(soc.csr_regions, soc.constants, with_access_functions=False))
    (folder / "mem.h").write_text(get_mem_header(soc.mem_regions))
    rows = ", ".join(map(str, expected))
    (folder / "expected.h").write_text(f"#define SEED {seed}u\nstatic const unsigned expected[] = {{{rows}}};\n")
    sources = [HERE / "start.S", HERE / "main.c", *sorted(folder.glob("amper*.c"))]
    rom, ram = soc.mem_regions["rom"], soc.mem_regions["sram"]
    sections = [f"-Wl,-Ttext={rom.origin:#x},-Tbss={ram.origin:#x},--defsym=stack={ram.origin + ram.size:#x}"]
    command = [*GCC.split(), f"-I{folder}", *map(str, sources), *sections, "-lgcc", "-o", str(folder / "main.elf")]
    subprocess.run(command, check=True)
    copy = ["riscv64-unknown-elf-objcopy", "-O", "binary", str(folder / "main.elf"), str(folder / "main.bin")]
    subprocess.run(copy, check=True)
    return get_mem_data(str(folder / "main.bin"), endianness="little")


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate a LiteX SoC with a sampler.")
    parser.add_argument("--build", type=Path, default=Path("build/litex"), help="default build/litex")
    parser.add_argument("--seed", type=int, default=1, help="of the sampler's random streams; default 1")
    parser.add_argument("--no-run", dest="run", action="store_false", help="only write build/litex/gateware/sim.v")
    parser.add_argument("--spoil", action="store_true", help="expect a wrong row, to see that it is found")
    options = parser.parse_args()
    os.environ.update(simulator_environment())  # where Verilator is
    folder = options.build.resolve()
    generated = generate(CONFIG)
    generated.save(folder)
    save_constraints(generated, folder)
    expected = golden_rows(options.seed)
    expected[-1] ^= options.spoil
    soc = SamplerSoC(folder)
    soc.finalize()
    soc.init_rom("rom", program(soc, folder, options.seed, expected))
    console = SimConfig()
    console.add_clocker("sys_clk", freq_hz=CLOCK_HZ)
    console.add_module("serial2console", "serial")
    more = {"run": options.run, "opt_level": "O0", "interactive": False, "verbose": False}
    soc.build(build_dir=str(folder / "gateware"), sim_config=console, **more)


if __name__ == "__main__":
    main()
