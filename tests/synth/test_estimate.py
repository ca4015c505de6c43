"""What `amper generate` says before it begins."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from amper import AmperConfig
from amper_cli.main import main
from amper_synth.how_large import luts
from amper_synth.predict.estimate import GATE_UM2, advice, estimate, published
from amper_synth.predict.organisation import memory_bits, organisations, parallel_luts, tree_luts

RESULTS = Path(__file__).parents[2] / "docs/measurements/results"
MEASURED = sorted(RESULTS.glob("asic-sky130-*.json"))


@pytest.mark.parametrize(("shipped", "sweep"), [("sky130", "explore"), ("sky130-exact", "explore-exact")])
def test_the_predictor_is_the_published_one(shipped, sweep):
    file = Path(__file__).parents[2] / f"synth/amper_synth/predict/{shipped}.json"
    assert file.read_text() == (RESULTS / sweep / "predictor.json").read_text()


@pytest.mark.parametrize("path", sorted(RESULTS.glob("cells-ecp5-*.json")), ids=lambda path: path.stem)
def test_look_up_tables(path):
    """Of an ECP5: what was mapped, and what is said before."""
    mapped = json.loads(path.read_text())
    config = AmperConfig.from_dict(mapped["config"])
    expected = {"parallel": parallel_luts, "tree": tree_luts}[config.organisation](config)
    assert expected == pytest.approx(luts(mapped["cells"]), rel=0.05)


@pytest.mark.parametrize("path", MEASURED, ids=lambda path: path.stem)
def test_some_15_percent(path):
    """Of samplers that were measured, and that the sweep of small ones did not see."""
    measured = json.loads(path.read_text())
    config = AmperConfig.from_dict(measured["config"])
    found = published(config).predict(config)
    assert found.area_um2 == pytest.approx(measured["area"]["total_um2"], rel=0.15)
    assert found.period_ns == pytest.approx(measured["timing"]["period_ns"], rel=0.15)
    assert measured["area"]["gate_um2"] == GATE_UM2


def test_a_parameter_that_is_younger_than_the_sweep():
    """All points had what is its default now, so that is not outside of what was seen."""
    config = AmperConfig(rows=64, variant="fr-dithered")
    outside = published(config).predict(config).outside
    assert not [text for text in outside if text.startswith(("draws", "packed_registers"))]
    behind_axi = published(config).predict(replace(config, bus="axi", packed_registers=True)).outside
    assert "packed_registers = yes, seen no" in behind_axi


def test_the_numbers():
    config = AmperConfig(rows=1024)
    found = published(config).predict(config)
    gates = found.area_um2 / GATE_UM2 / 1000
    assert estimate(config) == (
        f"expected in sky130 before layout: {gates:.0f} thousand gate equivalents, {found.area_um2 / 1e6:.3g} mm2, "
        f"{found.fmax_mhz:.0f} MHz, a batch in {found.batch_ns:.0f} ns; a prediction, some 15 % off"
    )
    assert "280 million gate equivalents" in estimate(AmperConfig(rows=1_000_000, variant="fr-dithered"))
    assert "before layout, without its bus:" in estimate(AmperConfig(rows=64, bus="axi", variant="fr-dithered"))
    assert estimate(AmperConfig(rows=64, organisation="tree")).endswith("measured: docs/hardware/how-large.md")
    assert estimate(AmperConfig(rows=64, pipeline="shallow")).endswith("some 15 % off, its clock up to 25 %")
    lut_ram = estimate(AmperConfig(rows=1024, primitives="blocks"))
    assert lut_ram.startswith(
        "expected in an ECP5: some 8,550 look-up tables at Q = 16 and one port each, a batch in 86 "
    )
    assert "sky130" not in lut_ram
    assert "sky130" in estimate(AmperConfig(rows=1024, primitives="blocks", variant="fr"))
    both = AmperConfig(rows=64, variants=("exact", "fr-dithered"))
    assert estimate(both) == "expected: not known for variant exact beside another one"


def test_the_default_is_inside_what_its_sweep_saw():
    """Of the paper's sizes: Q = 16, b = 64, one port each."""
    config = AmperConfig(rows=256)
    assert published(config).predict(config).outside == ()


@pytest.mark.parametrize(
    ("sizes", "beginnings"),
    [
        ({"rows": 64}, []),
        ({"rows": 1_000_000, "storage": "latches"}, ["rows = 1000000: this pays for 64 to a few thousand rows"]),
        ({"rows": 1024}, ["storage = flip-flops: in a cell library, latches save 8% of the area"]),
        ({"rows": 1024, "primitives": "blocks"}, []),
        ({"rows": 64, "groups": 3, "search_ports": 8}, ["search_ports = 8: 5 of them never work, with 3 groups"]),
        ({"rows": 64, "batch": 1, "draw_ports": 4}, ["draw_ports = 4: 3 of them never work, with 1 draws of a batch"]),
        ({"rows": 1, "write_ports": 2}, ["write_ports = 2: 1 of them never work, with 1 rows"]),
        ({"rows": 1024, "variant": "exact"}, ["storage = flip-flops: in a cell library, latches save "]),
        ({"rows": 1024, "variants": ("exact", "fr-dithered"), "variant": "exact"}, []),
    ],
)
def test_what_would_be_better(sizes, beginnings):
    found = advice(AmperConfig(**{"variant": "fr-dithered", **sizes}))
    assert len(found) == len(beginnings)
    assert all(line.startswith(beginning) for line, beginning in zip(found, beginnings, strict=True))


def test_many_rows_of_exact_have_a_place():
    (line,) = advice(AmperConfig(rows=5000, storage="latches"))
    assert line.endswith("for more, take organisation tree, with rows in RAM")
    assert advice(AmperConfig(rows=5000, organisation="tree")) == []


def test_which_organisation_and_why():
    """n = 6, Q = 4: 24 bits of codes; a root with two children of 6 bits, and two nodes of 4 + 5 + 6."""
    config = AmperConfig(rows=6, priority_width=4, batch=3, organisation="tree")
    assert memory_bits(config) == 24 + 6 + 2 * (4 + 5 + 6)
    assert memory_bits(config.changed(protection="parity")) == memory_bits(config) + 6 + 1 + 2
    assert organisations(config, "tree") == [
        "organisation: tree (asked for tree)",
        "  parallel: no RAM, some 2,168 look-up tables of an ECP5 (Q = 16), a batch of 3 in 15 cycles",
        "  tree: 60 bits of RAM, some 1,728 look-up tables, a batch of 3 in 19 cycles",
    ]
    large = AmperConfig(rows=1 << 16, organisation="auto", draws="stratified")
    assert organisations(large, "auto")[0] == "organisation: tree (auto: 65536 rows, the tree from 2048 on)"
    small = AmperConfig(rows=100, organisation="auto", draw_ports=4)
    assert organisations(small, "auto")[0] == "organisation: parallel (auto: 100 rows, the tree from 2048 on)"
    assert organisations(AmperConfig(rows=9), None)[0] == "organisation: parallel (the default)"
    assert organisations(AmperConfig(rows=9, variant="fr"), None) == []
    assert organisations(AmperConfig(rows=1), None) == []


def test_the_command_says_it_first(tmp_path, capsys):
    sizes = ["--rows", "4", "--batch", "1", "--priority-width", "4", "--draw-ports", "2"]
    assert main(["generate", *sizes, "-o", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == estimate(AmperConfig(rows=4, batch=1, priority_width=4, draw_ports=2))
    assert lines[1] == "organisation: parallel (the default)"
    better = lines.index("note: draw_ports = 2: 1 of them never work, with 1 draws of a batch")
    assert lines[better + 1].startswith(f"{tmp_path}/amper.v: ")


def test_protection_that_the_other_organisation_has_not():
    config = AmperConfig(rows=3000, organisation="tree", protection="secded", primitives="blocks")
    first, parallel, tree = organisations(config, "auto")
    assert first.startswith("organisation: tree")
    plain = organisations(config.changed(protection="none"), "auto")
    assert parallel == plain[1]
    assert tree != plain[2]
