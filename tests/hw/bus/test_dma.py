"""examples/dma in simulation: rings of descriptors for a DMA over the AXI streams, against the golden model."""

import subprocess
from pathlib import Path

from amper import AmperConfig
from amper_hw.output.register_files import DRIVER_SOURCES
from amper_verif.harness.bus_components import dma_ring
from amper_verif.harness.driver import BY_FUNCTION, C_FLAGS, write_sources

EXAMPLE = Path(__file__).parents[3] / "examples/dma"
CONFIG = AmperConfig(rows=20, bank_rows=8, priority_width=12, batch=9, pipeline="shallow", bus="axi")


def test_batches_and_updates_by_rings(simulate, tmp_path):
    """More than a turn of each ring, with up to three batches under way."""
    write_sources(CONFIG, tmp_path)
    sources = [*DRIVER_SOURCES, "callbacks.c", *EXAMPLE.glob("*.c")]
    command = ["gcc", *C_FLAGS, *BY_FUNCTION, "-DRING_WAIT()=bus_wait()", f"-I{EXAMPLE}", "-I.", *sources]
    subprocess.run([*command, "-shared", "-fPIC", "-o", "replay.so"], cwd=tmp_path, check=True)
    report = simulate(dma_ring(CONFIG, library=tmp_path / "replay.so"))
    assert report["compared"] > 50
    assert min(report["descriptors"]) > 12
