"""The query generator in simulation."""

import pytest

from amper import AmperConfig
from amper_verif.harness import components


def configuration(*, ports, groups, priority_width, variants, pipeline="deep"):
    return AmperConfig(
        rows=9,
        priority_width=priority_width,
        groups=groups,
        search_ports=ports,
        variants=variants,
        variant=variants[0],
        pipeline=pipeline,
        seed=groups,
    )


@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
@pytest.mark.parametrize(
    ("ports", "groups", "priority_width", "variants"),
    [
        (1, 3, 4, ["fr-dithered"]),
        (1, 20, 16, ["fr-prefix"]),
        (2, 1, 8, ["fr"]),
        (2, 20, 32, ["fr-dithered", "fr-prefix"]),
        (4, 7, 16, ["fr-dithered", "fr-prefix", "fr"]),
    ],
)
def test_keys_are_the_golden_ones_and_in_their_cycle(simulate, ports, groups, priority_width, variants, pipeline):
    config = configuration(
        ports=ports, groups=groups, priority_width=priority_width, variants=variants, pipeline=pipeline
    )
    report = simulate(components.query_generator(config))
    assert report["compared"] >= 60
    assert report["timed"] >= 20


@pytest.mark.parametrize("pipeline", ["deep", "shallow"])
@pytest.mark.parametrize(
    ("ports", "groups", "priority_width", "variants"),
    [(1, 3, 4, ["k"]), (2, 5, 8, ["fr-dithered", "k"]), (1, 4, 8, ["fr-dithered", "fr-prefix", "fr", "k"])],
)
def test_k_beside_the_other_variants(simulate, ports, groups, priority_width, variants, pipeline):
    config = configuration(
        ports=ports, groups=groups, priority_width=priority_width, variants=variants, pipeline=pipeline
    )
    report = simulate(components.query_generator(config))
    assert report["compared"] >= 60


def test_keys_are_the_golden_ones_in_verilator(simulate):
    config = configuration(ports=2, groups=20, priority_width=16, variants=["fr-dithered", "fr"])
    assert simulate(components.query_generator(config), simulator="verilator")["compared"] >= 60
