"""Samplers of different configurations in one design: `name` keeps all that is theirs apart."""

import re
from dataclasses import replace

import pytest

from amper import AmperConfig
from amper_hw.output.constraints import constraint_files, save_constraints
from amper_hw.output.generate import generate
from amper_hw.output.register_files import DRIVER
from amper_verif.harness.lint import LINTERS, lint
from amper_verif.harness.modules import modules_of
from amper_verif.verify import verify

SMALL = AmperConfig(rows=7, bank_rows=4, groups=3, batch=5, priority_width=8)
PAIR = [
    replace(SMALL, name="first", bus="axi", storage="latches", write_ports=2),
    replace(SMALL, name="second", rows=12, bus="wishbone", variants=("fr-dithered", "k", "exact"), primitives="blocks"),
    SMALL,
]


@pytest.mark.parametrize("config", PAIR, ids=["axi", "wishbone", "native"])
def test_only_the_names_differ(config):
    """Every module of the default name is there with the other, once, and nothing else is different."""
    default, other = generate(config, name="amper"), generate(config, name="replay0")
    names = [re.sub("^amper", "replay0", name) for name in modules_of(default.verilog)]
    assert list(modules_of(other.verilog)) == names
    assert re.sub(r"\breplay0(?=_|\b)", "amper", other.verilog) == default.verilog


def test_files_that_lie_side_by_side(tmp_path):
    """No file of one is overwritten by the other, but for the driver and the constants that it is compiled with."""
    written = []
    for config in PAIR[:2]:
        generated = generate(config)
        generated.save(tmp_path / config.name)
        save_constraints(generated, tmp_path / config.name)
        assert set(constraint_files(generated)) <= {path.name for path in (tmp_path / config.name).iterdir()}
        written.append({path.name for path in (tmp_path / config.name).iterdir()})
    shared = {*DRIVER, "amper_regs.h"}
    assert written[0] & written[1] == shared
    rest = written[0] - shared
    assert len(rest) == 11
    assert all(name.startswith("first") for name in rest)
    assert "addrmap first {" in (tmp_path / "first/first.rdl").read_text()
    core = (tmp_path / "second/second.core").read_text()
    assert 'name: "amper:rtl:second:' in core
    assert "toplevel: second" in core


def test_in_one_elaboration(tmp_path):
    """Four tools take all of them under one top, and say nothing."""
    ports, instances = [], []
    samplers = [generate(config) for config in PAIR]
    for sampler in samplers:
        name = sampler.config.name
        for port, known in sampler.description["ports"].items():
            ports.append(f"{known['direction']} [{known['width'] - 1}:0] {name}_{port}")
        connected = ", ".join(f".{port}({name}_{port})" for port in sampler.description["ports"])
        instances.append(f"  {name} {name}_0 ({connected});\n")
    top = f"module both({', '.join(ports)});\n{''.join(instances)}endmodule\n"
    file = tmp_path / "both.v"
    file.write_text("\n".join([*(sampler.verilog for sampler in samplers), top]))
    results = lint(file, "both")
    assert [result.linter for result in results] == list(LINTERS)
    assert {result.linter: result.output for result in results if not result.passed} == {}


def test_a_sampler_of_another_name_is_verified(tmp_path):
    found = verify(replace(SMALL, name="replay0"), simulator="icarus", batches=5, corners=False, folder=tmp_path)
    assert found.passed
