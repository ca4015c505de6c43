"""What the handshakes of the generated sampler depend on."""

import dataclasses

import pytest

from amper import AmperConfig
from amper_hw.output.generate import generate
from amper_verif.harness.components import sampler_with_idle_payloads
from amper_verif.harness.yosys import run_script

SMALL = AmperConfig(rows=12, bank_rows=4, fan_out=2, groups=3, batch=5, priority_width=8)
ALL = dataclasses.replace(
    SMALL, variants=("fr-dithered", "fr-prefix", "fr", "k", "exact"), draw_ports=2, write_ports=2, pipeline="shallow"
)
EXACT = dataclasses.replace(SMALL, variant="exact", variants=("exact",), write_ports=2, draw_ports=2)
BLOCKS = dataclasses.replace(
    SMALL, primitives="blocks", result_priority=False, variant="k", variants=("fr-dithered", "k")
)
AXI, WISHBONE, AXI4 = (ALL.changed(bus=bus) for bus in ("axi", "wishbone", "axi4"))

STORAGE = "$dff,$sdff,$dffe,$sdffe,$sdffce,$dlatch,$memrd,$memrd_v2,$mem,$mem_v2"


def inputs_behind(config, outputs, folder):
    """The input ports that can change ``outputs`` without a register in between, by Yosys."""
    generate(config).save(folder)
    run_script(
        folder,
        "cone",
        "read_verilog amper.v; hierarchy -top amper; proc; flatten; opt_clean; cd amper\n"
        f"select -set outputs {' '.join(f'o:{name}' for name in outputs)}\n"
        f"select -write inputs.txt @outputs %ci*:-{STORAGE} i:* %i\n",
    )
    found = (folder / "inputs.txt").read_text().split()
    return {name.removeprefix("amper/") for name in found}


@pytest.mark.parametrize(
    "config",
    [SMALL, ALL, EXACT, BLOCKS, pytest.param(AXI, marks=pytest.mark.long), WISHBONE, AXI4],
    ids=["small", "all", "exact", "blocks", "axi", "wishbone", "axi4"],
)
def test_every_ready_is_a_function_of_registers(config, tmp_path):
    """A master may let its valid depend on ready, and none waits on what another stream does in the same cycle."""
    ports = generate(config).description["ports"]
    readies = [
        name for name, port in ports.items() if port["direction"] == "output" and name.endswith(("ready", "stall"))
    ]
    assert len(readies) == {"native": 3, "axi": 5, "wishbone": 1, "axi4": 5}[config.bus]
    assert inputs_behind(config, readies, tmp_path) == set()


def test_the_search_finds_an_input(tmp_path):
    """Where there is a path, it is seen: an answer on Wishbone is withheld in the very cycle in which CYC falls."""
    assert inputs_behind(WISHBONE, ["wb_ack"], tmp_path) == {"wb_cyc"}


@pytest.mark.parametrize("config", [SMALL, ALL, EXACT], ids=["small", "all", "exact"])
def test_nobody_looks_at_an_idle_payload(simulate, config):
    """Icarus alone knows unknown bits."""
    assert simulate(sampler_with_idle_payloads(config))["compared"] > 20
