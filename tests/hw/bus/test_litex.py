"""The sampler in LiteX: its classic master under random programs, and a SoC whose CPU uses the C driver."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import pythondata_cpu_picorv32

from amper import AmperConfig
from amper_hw.packaging.litex import litex_module
from amper_verif.harness import bus_components

from . import test_axi

EXAMPLE = Path(__file__).parents[3] / "examples/litex"
SMALL = test_axi.SMALL.changed(bus="wishbone")


@pytest.mark.parametrize("simulator", ["icarus", pytest.param("verilator", marks=pytest.mark.long)])
def test_its_master(simulate, simulator):
    """Every access done once, every draw that of the golden model."""
    report = simulate(bus_components.litex_peer(SMALL), simulator=simulator)
    assert report["compared"] > 20
    assert report["accesses"] > 500
    assert report["errors"] >= 1
    assert all(count > 0 for count in report["packed"].values()), report["packed"]


def build(folder, *options):
    command = [sys.executable, EXAMPLE / "soc.py", "--build", folder, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("options", [(), pytest.param(("--spoil",), marks=pytest.mark.long)], ids=["golden", "spoiled"])
def test_a_soc_whose_cpu_draws_what_the_model_draws(tmp_path, options):
    """LiteX's SoC in Icarus: the CPU fills the rows, draws a batch by the driver and compares it."""
    build(tmp_path, "--no-run", *options)
    cpu = Path(pythondata_cpu_picorv32.data_location) / "picorv32.v"
    sources = [Path(__file__).parent / "litex_bench.v", "sim.v", tmp_path / "amper.v", cpu]
    subprocess.run(["iverilog", "-g2005", "-o", "soc", *sources], cwd=tmp_path / "gateware", check=True)
    done = subprocess.run(["vvp", "-n", "soc"], cwd=tmp_path / "gateware", capture_output=True, text=True, check=True)
    (said,) = re.findall(r".* rows drawn, .*", done.stdout)
    assert said == f"64 rows drawn, {len(options)} of them wrong: {'FAILED' if options else 'PASSED'}"


@pytest.mark.long
def test_the_soc_in_litex_own_simulation(tmp_path):
    assert "64 rows drawn, 0 of them wrong: PASSED" in build(tmp_path)


def test_only_with_wishbone():
    with pytest.raises(ValueError, match=r"^bus must be wishbone for a LiteX module, not axi$"):
        litex_module(AmperConfig(rows=8, bus="axi"))
