"""A broken sampler is noticed: by the comparison of the whole and by the bench of the component."""

import re
from dataclasses import replace

import pytest

from amper import AmperConfig
from amper_hw.output.generate import generate
from amper_verif.harness import components, plane_components
from amper_verif.harness.mutations import MUTATIONS, PLANE_MUTATIONS, MutationError
from amper_verif.harness.simulators import SimulationError
from amper_verif.verify import verify

CONFIG = AmperConfig(
    rows=48,
    bank_rows=16,
    fan_out=4,
    priority_width=8,
    groups=3,
    batch=16,
    variant="fr-dithered",
    radius_scale=0.3,
    seed=5,
    draw_ports=2,
    write_ports=2,
)
BANK = replace(CONFIG, rows=16)
PLANES = replace(CONFIG, variant="exact", variants=["exact"], draws="stratified")
BROKEN = [
    pytest.param(config, mutation, id=name)
    for config, mutations in ((CONFIG, MUTATIONS), (PLANES, PLANE_MUTATIONS))
    for name, mutation in mutations.items()
]

# The component whose own bench must fail.
UNITS = {
    "match line": components.bank(BANK),
    "mask": components.radius(CONFIG),
    "rank": components.draw_unit(CONFIG),
    "random stream": components.draw_unit(CONFIG),
    "write conflict": components.write_unit(CONFIG),
    "rows in use": components.write_unit(CONFIG),
    "overlap": components.controller(CONFIG),
    "census": plane_components.census(PLANES),
    "comparison": plane_components.plane_choice(PLANES),
    "strata": plane_components.place(PLANES),
}


@pytest.mark.parametrize("config", [CONFIG, PLANES], ids=lambda config: config.variant)
def test_the_sampler_as_it_is_passes(tmp_path, config):
    verification = verify(config, simulator="icarus", batches=60, corners=False, folder=tmp_path)
    assert verification.mismatches == 0
    assert verification.compared > 300
    assert verification.passed


@pytest.mark.share(3)
@pytest.mark.parametrize(("config", "mutation"), BROKEN)
def test_verification_notices(tmp_path, config, mutation):
    verification = verify(config, simulator="icarus", batches=40, corners=False, folder=tmp_path, mutate=mutation)
    assert verification.mismatches > 0
    assert not verification.passed
    assert ": expected " in verification.first_mismatch


@pytest.mark.parametrize("name", UNITS)
def test_the_bench_of_the_component_notices(simulate, name):
    assert simulate(UNITS[name])["compared"] > 0
    with pytest.raises(SimulationError, match="AssertionError"):
        simulate(replace(UNITS[name], mutate=(MUTATIONS | PLANE_MUTATIONS)[name]))


def test_every_mutation_changes_one_line():
    verilog = {config: generate(config).verilog for config in (CONFIG, PLANES)}
    for config, mutation in (each.values for each in BROKEN):
        before, after = verilog[config].splitlines(), mutation(verilog[config]).splitlines()
        assert sum(old != new for old, new in zip(before, after, strict=True)) == 1


def test_a_mutation_that_does_not_fit_is_an_error():
    unequal_banks = generate(replace(CONFIG, rows=50)).verilog
    with pytest.raises(MutationError, match=re.escape(r"2 modules are named amper_match_lines_\d+, not 1")):
        MUTATIONS["match line"](unequal_banks)
    with pytest.raises(MutationError, match="0 modules are named amper_draw_urng, not 1"):
        MUTATIONS["random stream"]("")
    broken = MUTATIONS["rank"](unequal_banks)
    with pytest.raises(MutationError, match=r"start_rank.* occurs 0 times in amper_draw_unit, not once"):
        MUTATIONS["rank"](broken)
