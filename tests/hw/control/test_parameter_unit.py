"""The parameter unit in simulation."""

import pytest

from amper import AMPER_VARIANTS, AmperConfig
from amper_hw.control.parameter_unit import division_cycles
from amper_spec.parameters import Parameter
from amper_verif.harness.components import parameter_unit

ALL = {parameter.name for parameter in Parameter}


@pytest.mark.share(3)
@pytest.mark.parametrize("priority_width", [4, 16, 32])
@pytest.mark.parametrize("groups", [1, 3, 20, 256])
def test_values_follow_the_rules_and_quotients_are_exact(simulate, groups, priority_width):
    config = AmperConfig(
        rows=groups + 1,
        priority_width=priority_width,
        groups=groups,
        batch=groups,
        variants=AMPER_VARIANTS,
        radius_scale=groups,
    )
    report = simulate(parameter_unit(config))
    assert set(report["changed"]) == ALL
    assert set(report["refused"]) == ALL
    assert report["divisions"] > 20


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
def test_what_is_not_built_in_is_refused(simulate, variant):
    config = AmperConfig(rows=1, groups=20, batch=4096, variant=variant, radius_scale=100.0, neighbour_scale=15.9)
    report = simulate(parameter_unit(config, transfers=1000))
    assert set(report["refused"]) == ALL
    assert ALL - set(report["changed"]) == {"RADIUS" if variant == "k" else "NEIGHBOURS"}


@pytest.mark.long
def test_values_follow_the_rules_in_verilator(simulate):
    config = AmperConfig(rows=1000, groups=20, variants=("fr", "k"), variant="k")
    report = simulate(parameter_unit(config, transfers=5000), simulator="verilator")
    assert set(report["changed"]) == ALL


@pytest.mark.parametrize("variant", AMPER_VARIANTS)
@pytest.mark.parametrize("priority_width", [4, 32])
def test_a_division_takes_at_most_the_documented_80_cycles(priority_width, variant):
    config = AmperConfig(rows=9, priority_width=priority_width, groups=256, variant=variant)
    assert max(division_cycles(config, parameter) for parameter in Parameter) <= 80
