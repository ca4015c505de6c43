"""The query generator in simulation."""

import pytest

from amper import AmperConfig
from amper_verif import components


@pytest.mark.parametrize("variant", ["fr-dithered", "fr-prefix"])
@pytest.mark.parametrize("groups", [1, 3, 20])
@pytest.mark.parametrize("priority_width", [4, 8, 16])
def test_keys_are_the_golden_ones_and_in_their_cycle(simulate, priority_width, groups, variant):
    # Radii from below one code to above all of them: D_i = V_i * radius_scale / groups.
    scale = {1: 0.4, 3: 3.0, 20: 60.0}[groups]
    config = AmperConfig(
        rows=9, priority_width=priority_width, groups=groups, variant=variant, radius_scale=scale, seed=groups
    )
    report = simulate(components.query_generator(config))
    assert report["compared"] >= 30 * groups
    assert report["timed"] >= 5 * groups


@pytest.mark.parametrize("radius_scale", [0.0, 0.15, 300.0])
def test_extreme_radii(simulate, radius_scale):
    config = AmperConfig(rows=9, priority_width=32, groups=20, radius_scale=radius_scale)
    assert simulate(components.query_generator(config))["compared"] >= 600


def test_keys_are_the_golden_ones_in_verilator(simulate):
    config = AmperConfig(rows=9, priority_width=16, groups=20, radius_scale=3.0)
    assert simulate(components.query_generator(config), simulator="verilator")["compared"] >= 600
